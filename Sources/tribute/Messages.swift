import Attribution
import Foundation
import Ledger
import Wire

/// A message for the person at the terminal; ends the program with status 1.
struct Failure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// As an argument that a shell takes for one.
func quoted(_ text: String) -> String {
    let plain = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:@%+,=-")
    return text.allSatisfy(plain.contains)
        ? text : "'" + text.replacing("'", with: "'\\''") + "'"
}

extension Ledger {
    /// Commits one command of the command line; what is refused becomes a message.
    func perform(_ command: Command) async throws -> Outcome {
        let outcome: Outcome
        do throws(LedgerError) { outcome = try await submit(command) } catch {
            throw Failure(error.message)
        }
        if case .refused(let refusal) = outcome { throw Failure(refusal.message) }
        return outcome
    }
}

extension LedgerError {
    /// What to tell the person at the terminal.
    fileprivate var message: String {
        switch self {
        case .overloaded, .stopped, .outdated:
            "The database was too slow. Nothing was changed; try again."
        case .unavailable(let detail):
            """
            The database could not be written: \(detail). If that was the last step of a commit, \
            the change was made all the same: look before you repeat it.
            """
        case .defect(let detail):
            "The database refused what should be possible (\(detail)). Nothing was changed."
        }
    }
}

extension Refusal {
    /// What to tell the person at the terminal.
    var message: String {
        switch self {
        case .slugTaken(let slug):
            "A workspace with the slug '\(slug)' exists already. See `tribute workspace list`."
        case .workspaceNotFound(let slug):
            "There is no workspace '\(slug)'. See `tribute workspace list`."
        case .tokenNotFound(let id):
            "This workspace has no token '\(id)'. See `tribute token list`."
        case .tokenLimitReached(let max):
            "A workspace can have at most \(max) tokens. Revoke one that is not used any more."
        case .clickRequired: "the customer is unknown and no clickId is given"
        case .clickIDTaken(let id): "the click id \(id) belongs to a click of another link"
        case .clickNotFound(let id): "there is no click \(id)"
        case .linkOfClickNotFound(let id): "the link of click \(id) is gone"
        case .linkOfClickForeign(_, let id): "click \(id) belongs to another workspace"
        case .linkOfClickDisabled(let link, let id, _): "link \(link) of click \(id) is disabled"
        case .linkOfCustomerNotFound: "the customer has no link"
        case .linkOfCustomerDisabled(let link, _): "the customer's link \(link) is disabled"
        case .leadNotFound(_, let name):
            name.map { "the customer has no lead named '\($0)' by then" }
                ?? "the customer has no lead by then"
        case .linkNotFound: "there is no such link"
        case .totalTooLarge: "a total would no longer fit"
        default: "refused: \(self)"
        }
    }
}

/// Prints one JSON object on a line of its own.
func printJSON(_ members: (inout JSONWriter) -> Void) {
    var writer = JSONWriter()
    writer.object(members)
    print(writer.text)
}

/// Tells whoever watches how far a long command is; says nothing where nobody does.
func printProgress(_ text: String) {
    if isatty(2) == 1 { printError(text) }
}

func printError(_ text: String) {
    FileHandle.standardError.write(Data((text + "\n").utf8))
}
