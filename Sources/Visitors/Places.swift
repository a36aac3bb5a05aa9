import CMaxMindDB
import Foundation

/// Where an address is, as far as a database knows.
package struct Place: Equatable, Sendable {
    /// Two letters, such as `EU`.
    package var continent: String?
    /// ISO 3166-1 alpha-2.
    package var country: String?
    /// ISO 3166-2 without the country.
    package var region: String?
    /// In English.
    package var city: String?

    package init() {}
}

package struct PlacesError: Error, CustomStringConvertible {
    package let description: String
}

/// An `.mmdb` file that the operator brings.
package final class Places: Sendable {
    // Never changed after `init`; lookups are safe from any thread.
    private nonisolated(unsafe) var database = MMDB_s()

    /// - Throws: `PlacesError`, with the file and what the library says of it.
    package init(databaseFile path: String) throws {
        let status = MMDB_open(path, UInt32(MMDB_MODE_MMAP), &database)
        guard status == MMDB_SUCCESS else {
            throw PlacesError(
                description: "\(path) is no database of places (.mmdb): "
                    + String(cString: MMDB_strerror(status)))
        }
    }

    deinit { MMDB_close(&database) }

    /// nil: the address is not known.
    package func place(of address: String) -> Place? {
        var (resolution, status): (Int32, Int32) = (0, 0)
        var found = MMDB_lookup_string(&database, address, &resolution, &status)
        guard resolution == 0, status == MMDB_SUCCESS, found.found_entry else { return nil }
        var place = Place()
        place.continent = code(text(&found.entry, ["continent", "code"]))
        place.country = code(text(&found.entry, ["country", "iso_code"]))
        place.region = text(&found.entry, ["subdivisions", "0", "iso_code"])
        place.city = text(&found.entry, ["city", "names", "en"])
        return place
    }

    /// Databases spell what they don't know in many ways.
    private func code(_ text: String?) -> String? {
        guard let text, text.utf8.count == 2, text.utf8.allSatisfy({ (65...90).contains($0) })
        else { return nil }
        return text
    }

    private func text(_ entry: inout MMDB_entry_s, _ path: [String]) -> String? {
        var names: [UnsafeMutablePointer<CChar>?] = path.map { strdup($0) }
        defer { names.forEach { free($0) } }
        names.append(nil)
        var data = MMDB_entry_data_s()
        let status = names.withUnsafeMutableBufferPointer { names in
            names.baseAddress?.withMemoryRebound(
                to: UnsafePointer<CChar>?.self, capacity: names.count
            ) { MMDB_aget_value(&entry, &data, $0) }
        }
        guard status == MMDB_SUCCESS, data.has_data,
            data.type == UInt32(MMDB_DATA_TYPE_UTF8_STRING), let start = data.utf8_string
        else { return nil }
        let bytes = UnsafeBufferPointer(start: start, count: Int(data.data_size))
        return bytes.withMemoryRebound(to: UInt8.self) { String(decoding: $0, as: UTF8.self) }
    }
}
