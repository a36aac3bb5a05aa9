import CLibpq
import Foundation
import Ledger

/// One session with the server, used by one thread. What is asked is gathered and sent together
/// (pipeline mode): a round trip for any number of statements, with a deadline of its own, because
/// a network may swallow an answer for ever.
final class PostgresConnection {
    private let connection: OpaquePointer
    /// How long an answer is waited for.
    var answerSeconds: Int
    /// Names of what has been prepared in this session, by its text; those of this round trip.
    private var prepared: [String: String] = [:]
    private var unconfirmed: [String] = []
    private var preparedCount = 0
    private var waiting: [Waiting] = []
    private var warnings: [String] = []
    private(set) var isUsable = true

    /// What waits for its answer.
    private enum Waiting {
        /// Of a statement that was prepared or run without asking for rows.
        case nothing
        case rows(into: RowBox)
        case types(into: TypeBox)
    }

    /// Filled when the round trip is done.
    final class RowBox {
        var rows: [SQLRow] = []
        /// `INSERT 0 1`, `COMMIT`…
        var tag = ""
    }
    final class TypeBox { var types: [Oid] = [] }

    /// - Throws: `PostgresError`.
    init(_ string: ConnectionString, _ role: SessionRole) throws {
        answerSeconds = role.answerSeconds
        let names = string.parameters.map { strdup($0.name) } + [nil]
        let values = string.parameters.map { strdup($0.value) } + [nil]
        defer { (names + values).forEach { free($0) } }
        let opened = PQconnectdbParams(
            names.map { UnsafePointer($0) }, values.map { UnsafePointer($0) }, 0)
        guard let opened else { throw PostgresError(state: nil, message: "out of memory") }
        connection = opened
        guard PQstatus(opened) == CONNECTION_OK else {
            // `deinit` ends it.
            throw PostgresError(state: nil, message: Self.message(of: opened))
        }
        PQsetNoticeReceiver(
            opened,
            { context, result in
                guard let context, let result else { return }
                let me = Unmanaged<PostgresConnection>.fromOpaque(context).takeUnretainedValue()
                me.note(result)
            }, Unmanaged.passUnretained(self).toOpaque())
        guard PQsetnonblocking(opened, 1) == 0, PQenterPipelineMode(opened) == 1 else {
            throw broken()
        }
        for statement in role.settings { _ = try askOnce(statement) }
        try roundTrip()
        warnings = []
    }

    deinit { PQfinish(connection) }

    /// What the server warned of since this was last asked.
    func takeWarnings() -> [String] {
        defer { warnings = [] }
        return warnings
    }

    private func note(_ result: OpaquePointer) {
        if PQresultErrorField(result, severity).map({ String(cString: $0) }) == "WARNING" {
            warnings.append(field(primaryMessage, of: result))
        }
    }

    // Asking.

    /// Asks to run a statement once, prepared under its text; its rows are there after `roundTrip`.
    func ask(_ sql: String, _ arguments: [Argument]) throws -> RowBox {
        let box = RowBox()
        let name = try prepare(sql)
        try send(arguments) { count, values, lengths, formats in
            PQsendQueryPrepared(connection, name, count, values, lengths, formats, 0)
        }
        waiting.append(.rows(into: box))
        return box
    }

    /// Asks to run a statement that is not worth keeping: it is planned and forgotten.
    func askOnce(_ sql: String, _ arguments: [Argument] = []) throws -> RowBox {
        let box = RowBox()
        try send(arguments) { count, values, lengths, formats in
            PQsendQueryParams(connection, sql, count, nil, values, lengths, formats, 0)
        }
        waiting.append(.rows(into: box))
        return box
    }

    /// Asks for the types of a statement's arguments.
    func askTypes(of sql: String) throws -> TypeBox {
        let name = try prepare(sql)
        let box = TypeBox()
        guard PQsendDescribePrepared(connection, name) == 1 else { throw broken() }
        waiting.append(.types(into: box))
        return box
    }

    private func prepare(_ sql: String) throws -> String {
        if let name = prepared[sql] { return name }
        preparedCount += 1
        let name = "s\(preparedCount)"
        guard PQsendPrepare(connection, name, sql, 0, nil) == 1 else { throw broken() }
        waiting.append(.nothing)
        prepared[sql] = name
        unconfirmed.append(sql)
        return name
    }

    private typealias Send = (
        Int32, UnsafePointer<UnsafePointer<CChar>?>, UnsafePointer<Int32>, UnsafePointer<Int32>
    ) -> Int32

    /// The bytes of all arguments lie side by side in one buffer while they are handed over.
    private func send(_ arguments: [Argument], _ send: Send) throws {
        var bytes: [UInt8] = []
        var (starts, lengths): ([Int?], [Int32]) = ([], [])
        for argument in arguments {
            let start = bytes.count
            starts.append(argument.append(to: &bytes) ? start : nil)
            lengths.append(Int32(bytes.count - start))
            bytes.append(0)
        }
        let isSent = bytes.withUnsafeBufferPointer { buffer in
            let base = UnsafeRawPointer(buffer.baseAddress)?.assumingMemoryBound(to: CChar.self)
            let values = starts.map { start in start.flatMap { start in base.map { $0 + start } } }
            return send(
                Int32(arguments.count), values, lengths, arguments.map { $0.isBinary ? 1 : 0 }) == 1
        }
        if !isSent { throw broken() }
    }

    /// Ends a transaction without its changes; if that can't be done, the session is over.
    func rollBack() {
        guard isUsable else { return }
        do {
            _ = try ask("ROLLBACK", [])
            try roundTrip()
        } catch { isUsable = false }
    }

    // The round trip.

    /// Sends what was asked and reads every answer.
    ///
    /// - Throws: the first `PostgresError`; what was asked after the one that failed was not run.
    func roundTrip() throws {
        defer { (waiting, unconfirmed) = ([], []) }
        guard isUsable, PQpipelineSync(connection) == 1 else { throw broken() }
        let deadline = ContinuousClock.now + .seconds(answerSeconds)
        var first: PostgresError?
        for item in waiting {
            if let error = try read(item, deadline) { first = first ?? error }
        }
        try readEnd(deadline)
        if let first {
            // What could not be prepared must not be taken for prepared.
            for sql in unconfirmed { prepared[sql] = nil }
            if first.endsConnection { isUsable = false }
            throw first
        }
    }

    /// The answers to one thing that was asked, up to the mark that ends them.
    private func read(_ item: Waiting, _ deadline: ContinuousClock.Instant) throws -> PostgresError?
    {
        var error: PostgresError?
        while let result = try nextResult(deadline) {
            defer { PQclear(result) }
            switch PQresultStatus(result) {
            case PGRES_TUPLES_OK, PGRES_COMMAND_OK: fill(item, result)
            // Not run, because something before it failed.
            case PGRES_PIPELINE_ABORTED: break
            default: error = error ?? Self.error(of: result)
            }
            if PQstatus(connection) == CONNECTION_BAD { throw broken() }
        }
        return error
    }

    private func fill(_ item: Waiting, _ result: OpaquePointer) {
        switch item {
        case .nothing: break
        case .rows(let box):
            box.rows = ResultRows(result).rows
            box.tag = PQcmdStatus(result).map { String(cString: $0) } ?? ""
        case .types(let box):
            box.types = (0..<PQnparams(result)).map { PQparamtype(result, $0) }
        }
    }

    private func readEnd(_ deadline: ContinuousClock.Instant) throws {
        while true {
            guard let result = try nextResult(deadline) else { throw broken() }
            defer { PQclear(result) }
            switch PQresultStatus(result) {
            case PGRES_PIPELINE_SYNC: return
            case PGRES_FATAL_ERROR: throw Self.error(of: result)
            default: throw broken()
            }
        }
    }

    private func nextResult(_ deadline: ContinuousClock.Instant) throws -> OpaquePointer? {
        while true {
            let unsent = PQflush(connection)
            if unsent < 0 { throw broken() }
            if unsent == 0, PQisBusy(connection) == 0 { return PQgetResult(connection) }
            try wait(forRoom: unsent > 0, deadline)
            if PQconsumeInput(connection) == 0 { throw broken() }
        }
    }

    private func wait(forRoom: Bool, _ deadline: ContinuousClock.Instant) throws {
        var descriptor = pollfd(
            fd: PQsocket(connection), events: Int16(POLLIN | (forRoom ? POLLOUT : 0)), revents: 0)
        let milliseconds = Int64((deadline - ContinuousClock.now) / .milliseconds(1))
        guard milliseconds > 0 else {
            isUsable = false
            cancel()
            throw PostgresError(
                state: nil, message: "no answer from the server within \(answerSeconds) s")
        }
        _ = poll(&descriptor, 1, Int32(min(milliseconds, 60_000)))
    }

    /// Asks the server to give up what it does for this session. It would wait for standbys, with
    /// everything locked, long after nobody listens any more. On a thread of its own: who does not
    /// answer may not answer this either.
    private func cancel() {
        nonisolated(unsafe) let request = PQgetCancel(connection)
        guard request != nil else { return }
        Thread.detachNewThread {
            var message = [CChar](repeating: 0, count: 256)
            PQcancel(request, &message, Int32(message.count))
            PQfreeCancel(request)
        }
    }

    // What went wrong.

    private func broken() -> PostgresError {
        isUsable = false
        let message = Self.message(of: connection)
        return PostgresError(state: nil, message: message.isEmpty ? "connection lost" : message)
    }

    private static func message(of connection: OpaquePointer) -> String {
        guard let text = PQerrorMessage(connection) else { return "" }
        return String(cString: text).split(separator: "\n").joined(separator: "; ")
    }

    private static func error(of result: OpaquePointer) -> PostgresError {
        let state = field(sqlState, of: result)
        var message = field(primaryMessage, of: result)
        let constraint = field(constraintName, of: result)
        if !constraint.isEmpty { message += " (\(constraint))" }
        return PostgresError(state: state.isEmpty ? nil : state, message: message)
    }
}

// The library's macros, which Swift does not see: `PG_DIAG_…`.
private let severity = Int32(UInt8(ascii: "V"))
private let sqlState = Int32(UInt8(ascii: "C"))
private let primaryMessage = Int32(UInt8(ascii: "M"))
private let constraintName = Int32(UInt8(ascii: "n"))

private func field(_ name: Int32, of result: OpaquePointer) -> String {
    PQresultErrorField(result, name).map { String(cString: $0) } ?? ""
}
