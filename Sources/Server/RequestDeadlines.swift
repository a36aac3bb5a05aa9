import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Ends connections whose request does not arrive in time, or whose answer is not taken: a client
/// that sends a byte now and then, or reads none, would otherwise hold its connection for ever.
///
/// There is one timer a connection, which looks at the deadline of the moment when it fires; a
/// request costs no more than reading the clock.
final class RequestDeadlines: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let limits: HTTPLimits
    private let endpoints: FastEndpoints?
    private var traffic: Traffic?
    private var timer: Scheduled<Void>?
    private var deadline: NIODeadline?
    /// Requests whose head has come and whose answer has not ended.
    private var unanswered = 0
    private var isReadingBody = false
    /// Bytes that came of a body after it was answered.
    private var discarded = 0
    private var hasBegunAnswer = false
    /// Answers that are to come before the connection is closed; nil: it stays open.
    private var answersUntilClose: Int?
    /// What comes stands behind the last request.
    private var isBehindLast = false
    /// What comes from now on is dropped.
    private(set) var hasExpired = false
    /// Requests wait on the fast lane for the client to take the answers to those before them.
    private var hasUntaken = false
    /// Nothing has come since the last answer.
    private var isIdle = false
    /// The server is about to end.
    private var isEnding = false

    /// - Parameter endpoints: what the connection's fast lane answers; nil: it has none.
    init(limits: HTTPLimits, _ endpoints: FastEndpoints? = nil) {
        (self.limits, self.endpoints) = (limits, endpoints)
    }

    // MARK: What happens on the connection

    func handlerAdded(context: ChannelHandlerContext) {
        // The head of a request is told of when it is complete; its first byte starts the time.
        let traffic = Traffic { [weak self] in self?.noteBytes() }
        let pipeline = context.pipeline.syncOperations
        if let endpoints {
            let lane = FastLane(endpoints: endpoints, deadlines: self)
            try? pipeline.addHandler(lane, position: .first)
        }
        try? pipeline.addHandler(traffic, position: .first)
        self.traffic = traffic
        if context.channel.isActive { begin(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        begin(context)
        context.fireChannelActive()
    }

    private func noteBytes() {
        if isIdle { expect(limits.headSeconds) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { timer?.cancel() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if isBehindLast { return }
        switch unwrapInboundIn(data) {
        case .head(let request):
            if answersUntilClose != nil {
                isBehindLast = true
                return
            }
            unanswered += 1
            if request.isLast { answersUntilClose = unanswered }
            (isReadingBody, discarded) = (true, 0)
            // A request behind another one waits for us, not for its sender.
            expect(unanswered == 1 ? limits.bodySeconds : nil)
        case .body(let part):
            if unanswered == 0 { discarded += part.readableBytes }
            if discarded > limits.bodyMax * 8 { return expire(context) }
        case .end:
            isReadingBody = false
            if answersUntilClose == 0 { return context.close(promise: nil) }
            expectNext()
        }
        if !hasExpired { context.fireChannelRead(data) }
    }

    func write(
        context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?
    ) {
        if hasExpired || answersUntilClose == 0 {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        switch unwrapOutboundIn(data) {
        case .head(var response):
            hasBegunAnswer = true
            guard answersUntilClose == 1 else { break }
            response.headerFields[.connection] = "close"
            return context.write(wrapOutboundOut(.head(response)), promise: promise)
        case .body: break
        case .end:
            hasBegunAnswer = false
            unanswered -= 1
            expectNext()
            guard let count = answersUntilClose else { break }
            answersUntilClose = count - 1
            // The client may not have read an answer that came early: its body is read on.
            guard count == 1, !isReadingBody else { break }
            let end = promise ?? context.eventLoop.makePromise()
            end.futureResult.assumeIsolated().whenComplete { _ in context.close(promise: nil) }
            return context.write(data, promise: end)
        }
        context.write(data, promise: promise)
    }

    // MARK: Requests on the fast lane

    /// Whether a request is on its way that is answered behind the lane.
    var isBusy: Bool { unanswered > 0 || isReadingBody || hasExpired }

    func noteUntaken(_ hasUntaken: Bool) {
        guard hasUntaken != self.hasUntaken else { return }
        self.hasUntaken = hasUntaken
        if hasUntaken {
            expect(nil)
        } else {
            expectNext()
            noteBytes()
        }
    }

    func noteFastHead() {
        unanswered += 1
        isReadingBody = true
        expect(limits.bodySeconds)
    }

    func noteFastEnd() {
        isReadingBody = false
        expectNext()
    }

    /// - Parameter hasMore: bytes of a next request are there.
    func noteFastAnswer(hasMore: Bool) {
        unanswered -= 1
        expectNext()
        if hasMore { noteBytes() }
    }

    /// It comes again, as one that is answered behind.
    func forgetFastRequest() {
        unanswered -= 1
        isReadingBody = false
    }

    /// What is left of a body that was answered early is worth a moment: the client may not have
    /// read the answer yet, and closing now could take it back.
    private func expectNext() {
        switch (isReadingBody, unanswered) {
        case (true, 0): expect(limits.lingerSeconds)
        case (true, 1): expect(limits.bodySeconds)
        case (false, 0):
            expect(limits.idleSeconds)
            isIdle = true
        default: expect(nil)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // What is on its way gets a last moment.
        if event is ChannelShouldQuiesceEvent {
            isEnding = true
            if isReadingBody { expect(limits.lingerSeconds) }
            schedule(context)
        }
        context.fireUserInboundEventTriggered(event)
    }

    // MARK: The timer

    private func begin(_ context: ChannelHandlerContext) {
        guard timer == nil else { return }
        expect(limits.headSeconds)
        schedule(context)
    }

    private func expect(_ seconds: Int64?) {
        isIdle = false
        deadline = seconds.map { .now() + .seconds($0) }
    }

    private func schedule(_ context: ChannelHandlerContext) {
        timer?.cancel()
        let step = TimeAmount.seconds(
            isEnding
                ? 1 : min(limits.headSeconds, limits.bodySeconds, limits.answerSeconds, 5))
        let next = NIODeadline.now() + step
        timer = context.eventLoop.assumeIsolated().scheduleTask(
            deadline: min(deadline ?? next, next)
        ) { [self] in look(context) }
    }

    private func look(_ context: ChannelHandlerContext) {
        guard context.channel.isActive else { return }
        if let deadline, deadline <= .now() { return expire(context) }
        if unanswered > 0 || hasUntaken, let since = traffic?.unreadSince() {
            let seconds = isEnding ? limits.lingerSeconds : limits.answerSeconds
            if since + .seconds(seconds) <= .now() { return context.close(promise: nil) }
        }
        schedule(context)
    }

    /// A request that is not answered yet is told why.
    private func expire(_ context: ChannelHandlerContext) {
        hasExpired = true
        guard isReadingBody, unanswered == 1, !hasBegunAnswer else {
            context.close(promise: nil)
            return
        }
        let answer = APIError.lateBody(seconds: limits.bodySeconds).bytes
        let head = HTTPResponse(
            status: .requestTimeout,
            headerFields: [
                .contentType: "application/json", .contentLength: String(answer.count),
                .connection: "close",
            ])
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(
            wrapOutboundOut(.body(ByteBuffer(bytes: answer))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil))).assumeIsolated().whenComplete { _ in
            context.close(promise: nil)
        }
        // Whether it is read or not.
        context.eventLoop.assumeIsolated().scheduleTask(in: .seconds(limits.lingerSeconds)) {
            context.close(promise: nil)
        }
    }
}

extension HTTPRequest {
    /// Whether the client wants the connection to be closed after the answer, or offers to go on
    /// with another protocol: behind such an offer, which is not taken, the parser reads nothing.
    fileprivate var isLast: Bool {
        if method == .connect || headerFields[.upgrade] != nil { return true }
        return headerFields[values: .connection].contains { value in
            value.split(separator: ",").contains { option in
                option.filter { $0 != " " && $0 != "\t" }.lowercased() == "close"
            }
        }
    }
}
