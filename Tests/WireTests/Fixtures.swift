import Wire

func members(_ bytes: [UInt8]) throws(JSONError) -> [JSONMember] {
    let result: Result<[JSONMember], JSONError> = bytes.withUnsafeBufferPointer { buffer in
        var reader = JSONReader(buffer)
        do throws(JSONError) { return .success(try reader.members()) } catch {
            return .failure(error)
        }
    }
    return try result.get()
}

func members(_ text: String) throws(JSONError) -> [JSONMember] { try members(Array(text.utf8)) }

/// The value that a JSON text stands for.
func value(_ json: String) throws -> JSONValue {
    guard let member = try members("{\"v\":\(json)}").first else { throw JSONTextMissing() }
    return member.value
}

struct JSONTextMissing: Error {}

/// The error of a body, nil if it is accepted.
func failure(_ text: String) -> JSONError? { failure(Array(text.utf8)) }

func failure(_ bytes: [UInt8]) -> JSONError? {
    do throws(JSONError) {
        _ = try members(bytes)
        return nil
    } catch { return error }
}
