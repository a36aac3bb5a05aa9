import CPCRE2

/// A regular expression, compiled to machine code where the library can. Safe to use from several
/// threads: what a match needs is made for each.
final class Pattern: Sendable {
    // Never changed after `init`; the library allows its use from any thread.
    private nonisolated(unsafe) let code: OpaquePointer

    /// nil: the text is no pattern.
    init?(_ text: String, ignoresCase: Bool = false) {
        var error: Int32 = 0
        var offset = 0
        let options: UInt32 = ignoresCase ? UInt32(PCRE2_CASELESS) : 0
        let compiled = text.withCString { start in
            start.withMemoryRebound(to: UInt8.self, capacity: text.utf8.count) {
                pcre2_compile_8($0, text.utf8.count, options, &error, &offset, nil)
            }
        }
        guard let compiled else { return nil }
        pcre2_jit_compile_8(compiled, UInt32(PCRE2_JIT_COMPLETE))
        code = compiled
    }

    deinit { pcre2_code_free_8(code) }

    /// The whole match and its groups; nil if there is none, or if looking for one takes too long.
    func match(_ text: UnsafeBufferPointer<UInt8>) -> [String]? {
        guard let data = pcre2_match_data_create_from_pattern_8(code, nil),
            let context = pcre2_match_context_create_8(nil)
        else { return nil }
        defer {
            pcre2_match_data_free_8(data)
            pcre2_match_context_free_8(context)
        }
        pcre2_set_match_limit_8(context, Self.stepsMax)
        let count = pcre2_match_8(code, text.baseAddress, text.count, 0, 0, data, context)
        guard count > 0, let ends = pcre2_get_ovector_pointer_8(data) else { return nil }
        return (0..<Int(count)).map { group in
            let (start, end) = (ends[2 * group], ends[2 * group + 1])
            // A group that took no part has no place.
            guard start <= end, end <= text.count else { return "" }
            return String(decoding: text[start..<end], as: UTF8.self)
        }
    }

    private static let stepsMax: UInt32 = 100_000
}
