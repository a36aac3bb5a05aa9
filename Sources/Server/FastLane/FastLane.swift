import CoreMetrics
import NIOCore

/// The way of the few requests that make up nearly all traffic. It stands where a connection's
/// bytes are, before the library's parser: a request that it knows (`FastEndpoints`) is answered
/// from its bytes, everything else goes on untouched, cut where requests end.
///
/// One request at a time is in work here, and only while none is in work behind: answers keep the
/// order of the requests. A head that is not plain (`RequestHead`) closes the lane of its
/// connection.
final class FastLane: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum Place {
        case betweenRequests
        /// Not all of a request's body is there.
        case collecting(FastRequest)
        /// A request waits for its answer.
        case inWork(FastRequest)
        /// So many bytes of a request that is answered behind are still to come.
        case within(Int)
        /// Whatever comes is answered behind.
        case closed
    }

    /// Bytes that may wait behind a request in work.
    private static let waitingMax = 64 << 10

    private let endpoints: FastEndpoints
    private unowned let deadlines: RequestDeadlines
    private var memory = FastEndpoints.Memory()
    private var context: ChannelHandlerContext?
    private var place = Place.betweenRequests
    /// What has come and is not looked at yet.
    private var waiting = ByteBuffer()
    private var holdsRead = false
    private var heldEvents: [Any] = []
    private lazy var address = context?.channel.remoteAddress?.ipAddress

    init(endpoints: FastEndpoints, deadlines: RequestDeadlines) {
        (self.endpoints, self.deadlines) = (endpoints, deadlines)
    }

    // MARK: What happens on the connection

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        if waiting.readableBytes == 0 {
            waiting = bytes
        } else {
            // Else all that has ever come would be kept, in front of it.
            waiting.discardReadBytes()
            waiting.writeBuffer(&bytes)
        }
        take(context)
    }

    /// What ends the connection, or is about to, waits for the answer; the rest of a body that is
    /// not there yet is waited for behind.
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        heldEvents.append(event)
        releaseEvents(context)
    }

    private func releaseEvents(_ context: ChannelHandlerContext) {
        while let event = heldEvents.first {
            if case .inWork = place { return }
            // Behind, what has come before the end of the input would be taken for nothing.
            if case .some(.inputClosed) = event as? ChannelEvent, waiting.readableBytes > 0 {
                return
            }
            heldEvents.removeFirst()
            if case .collecting(let request) = place { handOn(request, context) }
            context.fireUserInboundEventTriggered(event)
        }
    }

    func read(context: ChannelHandlerContext) {
        if waiting.readableBytes > Self.waitingMax {
            holdsRead = true
        } else {
            context.read()
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        context.fireChannelWritabilityChanged()
        take(context)
    }

    // MARK: Requests

    /// Goes on with what waits, as far as it can be gone on with now.
    private func take(_ context: ChannelHandlerContext) {
        while goOn(context) {}
        if waiting.readableBytes <= Self.waitingMax { resumeReading(context) }
        releaseEvents(context)
    }

    /// - Returns: whether there may be more to do.
    private func goOn(_ context: ChannelHandlerContext) -> Bool {
        guard waiting.readableBytes > 0 else { return false }
        // The connection is about to be closed: nothing more is taken.
        if deadlines.hasExpired {
            waiting.clear()
            return false
        }
        switch place {
        case .closed: pass(waiting.readableBytes, context)
        case .within(let count):
            let part = min(count, waiting.readableBytes)
            place = part < count ? .within(count - part) : .betweenRequests
            pass(part, context)
        case .inWork: return false
        case .collecting(var request):
            request.take(from: &waiting)
            place = .collecting(request)
            if !request.isComplete { return false }
            begin(request, context)
        case .betweenRequests:
            // A client that does not take its answers is not given more of them.
            deadlines.noteUntaken(!context.channel.isWritable)
            guard context.channel.isWritable else { return false }
            takeHead()
        }
        return true
    }

    private func takeHead() {
        guard let head = waiting.withUnsafeReadableBytes(RequestHead.init) else {
            place = .closed
            return
        }
        guard !deadlines.isBusy, let request = endpoints.request(head, waiting) else {
            place = .within(head.length + head.contentLength)
            return
        }
        deadlines.noteFastHead()
        place = .collecting(request)
    }

    private func begin(_ request: FastRequest, _ context: ChannelHandlerContext) {
        deadlines.noteFastEnd()
        place = .inWork(request)
        let lane = NIOLoopBound(self, eventLoop: context.eventLoop)
        let loop = context.eventLoop
        let result = endpoints.answer(request, &memory, address: address) { result in
            loop.execute { lane.value.finish(result()) }
        }
        if let result { settle(result, context) }
    }

    private func finish(_ result: FastEndpoints.Result) {
        guard let context else { return }
        settle(result, context)
        // The end of the server waits for what is in work, not for all that has come.
        releaseEvents(context)
        take(context)
        context.fireChannelReadComplete()
    }

    private func settle(_ result: FastEndpoints.Result, _ context: ChannelHandlerContext) {
        guard case .inWork(let request) = place else { return }
        switch result {
        case .answer(let answer):
            place = .betweenRequests
            endpoints.answers.increment()
            deadlines.noteFastAnswer(hasMore: waiting.readableBytes > 0)
            context.writeAndFlush(wrapOutboundOut(answer), promise: nil)
        case .behind: handOn(request, context)
        }
    }

    /// Leaves a request to be answered behind.
    private func handOn(_ request: FastRequest, _ context: ChannelHandlerContext) {
        deadlines.forgetFastRequest()
        if request.endpoint != .redirect { memory = FastEndpoints.Memory() }
        let rest = request.length - request.bytes.readableBytes
        place = rest > 0 ? .within(rest) : .betweenRequests
        context.fireChannelRead(wrapInboundOut(request.bytes))
    }

    private func pass(_ count: Int, _ context: ChannelHandlerContext) {
        if let part = waiting.readSlice(length: count) {
            context.fireChannelRead(wrapInboundOut(part))
        }
    }

    private func resumeReading(_ context: ChannelHandlerContext) {
        guard holdsRead else { return }
        holdsRead = false
        context.read()
    }
}
