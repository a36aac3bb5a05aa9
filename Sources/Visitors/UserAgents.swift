import Foundation
import Synchronization
import Yams

/// A program that asks for a page, as its `User-Agent` tells.
package struct Agent: Equatable, Sendable {
    /// nil: unknown.
    package var browser: String?
    package var os: String?
    /// `Desktop`, `Mobile`, `Tablet`, `Smarttv`, `Console` or `Wearable`.
    package var device = "Desktop"
    /// Known to be a program that nobody looks at pages with.
    package var isBot = false

    package init() {}
}

package struct PatternsError: Error, CustomStringConvertible {
    package let description: String
}

/// Recognises user agents by a kept list of patterns: `regexes.yaml` of uap-core, which Debian
/// packages. Without it only devices and the plainest bots are recognised.
package final class UserAgents: Sendable {
    private struct Parser: Sendable {
        let pattern: Pattern
        /// `$1` stands for the first group; nil: the first group itself.
        let name: String?

        func name(of text: UnsafeBufferPointer<UInt8>) -> String? {
            guard let groups = pattern.match(text) else { return nil }
            let first = groups.count > 1 ? groups[1] : ""
            return name.map { $0.replacing("$1", with: first) } ?? first
        }
    }

    private let browsers: [Parser]
    private let systems: [Parser]
    private let spiders: [Parser]
    /// Patterns of the list that this program can't read.
    package let skippedPatterns: Int
    private let known = Mutex<[String: Agent]>([:])

    private static let knownMax = 4_096
    private static let lengthMax = 1_024

    package init() { (browsers, systems, spiders, skippedPatterns) = ([], [], [], 0) }

    /// - Throws: `PatternsError`: the file can't be read or has another form.
    package init(patternsFile path: String) throws {
        let list: PatternList
        do {
            let text = try String(contentsOfFile: path, encoding: .utf8)
            list = try YAMLDecoder().decode(PatternList.self, from: text)
        } catch {
            throw PatternsError(
                description: "\(path) is no list of user agents' patterns (uap-core): \(error)")
        }
        var skipped = 0
        func parsers(
            _ entries: [PatternList.Entry], _ name: (PatternList.Entry) -> String?
        ) -> [Parser] {
            entries.compactMap { entry in
                let pattern = Pattern(entry.regex, ignoresCase: entry.regex_flag == "i")
                if pattern == nil { skipped += 1 }
                return pattern.map { Parser(pattern: $0, name: name(entry)) }
            }
        }
        browsers = parsers(list.user_agent_parsers) { $0.family_replacement }
        systems = parsers(list.os_parsers) { $0.os_replacement }
        // Devices are told by fewer words: only those that are programs are asked of the list.
        spiders = parsers(list.device_parsers.filter { $0.device_replacement == Self.spider }) {
            $0.device_replacement
        }
        skippedPatterns = skipped
    }

    private static let spider = "Spider"

    /// Whether the agent was asked for lately: looking through all patterns takes a while.
    package func isKnown(_ userAgent: String) -> Bool {
        let text = Self.cut(userAgent)
        return known.withLock { $0[text] != nil }
    }

    private static func cut(_ userAgent: String) -> String {
        String(decoding: userAgent.utf8.prefix(lengthMax), as: UTF8.self)
    }

    package func agent(_ userAgent: String) -> Agent {
        let text = Self.cut(userAgent)
        if let agent = known.withLock({ $0[text] }) { return agent }
        let agent = recognised(text)
        known.withLock { known in
            if known.count >= Self.knownMax { known.removeAll(keepingCapacity: true) }
            known[text] = agent
        }
        return agent
    }

    private func recognised(_ text: String) -> Agent {
        var agent = Agent()
        var copy = text
        copy.withUTF8 { bytes in
            agent.browser = first(browsers, bytes).flatMap(AgentNames.browser)
            agent.os = first(systems, bytes).flatMap(AgentNames.system)
        }
        var rest = AgentNames.withoutPeople(text)
        rest.withUTF8 { agent.isBot = first(spiders, $0) != nil }
        let lower = text.lowercased()
        agent.device = AgentNames.device(lower)
        agent.os = agent.os ?? AgentNames.plainSystem(lower)
        agent.isBot = agent.isBot || agent.browser == Self.spider || AgentNames.isBot(lower)
        if agent.browser == Self.spider { agent.browser = nil }
        return agent
    }

    private func first(_ parsers: [Parser], _ bytes: UnsafeBufferPointer<UInt8>) -> String? {
        for parser in parsers {
            if let name = parser.name(of: bytes) { return name }
        }
        return nil
    }
}

/// The part of the list that is read; its names are the file's.
private struct PatternList: Decodable {
    struct Entry: Decodable {
        let regex: String
        let regex_flag: String?
        let family_replacement: String?
        let os_replacement: String?
        let device_replacement: String?
    }
    let user_agent_parsers: [Entry]
    let os_parsers: [Entry]
    let device_parsers: [Entry]
}
