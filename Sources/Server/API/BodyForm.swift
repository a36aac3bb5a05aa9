import Gzip
import HTTPTypes
import Hummingbird
import NIOCore
import Wire

/// How a body is written: as one JSON array or as NDJSON, plain or compressed.
extension Request {
    /// Whatever is not said to be NDJSON is to be an array: other calls ask for no type either.
    var itemForm: ItemForm {
        let type = headers[.contentType]?.split(separator: ";").first.map { trim(String($0)) }
        return switch type?.lowercased() {
        case "application/x-ndjson", "application/ndjson": .lines
        default: .array
        }
    }

    /// Whether the body is compressed by gzip, and by nothing else.
    ///
    /// - Throws: 415, with what could be read.
    var isGzip: Bool {
        get throws {
            let codings = headers[values: .contentEncoding].joined(separator: ",")
                .split(separator: ",").map { trim(String($0)).lowercased() }
                .filter { !$0.isEmpty && $0 != "identity" }
            if codings.isEmpty { return false }
            guard codings == ["gzip"] || codings == ["x-gzip"] else {
                var error = APIError(
                    .badRequest, "The Content-Encoding of the request must be gzip or none.",
                    status: .unsupportedMediaType)
                error.headers[.acceptEncoding] = "gzip"
                throw error
            }
            return true
        }
    }
}

/// Reads what is compressed by gzip.
///
/// - Parameter max: bytes; more is not inflated.
func inflated<Value>(
    _ bytes: UnsafeBufferPointer<UInt8>, max: Int,
    _ read: (UnsafeBufferPointer<UInt8>) throws -> Value
) throws -> Value {
    let text: [UInt8]
    do throws(GunzipError) { text = try gunzip(bytes, max: max) } catch {
        switch error {
        case .broken: throw APIError(.badRequest, "The request body is not whole and valid gzip.")
        case .tooLarge:
            throw APIError(
                .badRequest, "The request body is larger than \(max) bytes once it is inflated.",
                status: .contentTooLarge)
        }
    }
    return try text.withUnsafeBufferPointer(read)
}
