import NIOCore

/// What is seen of a connection where its bytes are, beyond the requests and answers in them.
final class Traffic: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let noteArrival: () -> Void
    private var context: ChannelHandlerContext?
    /// When a mark was put behind all that was to be sent, until it has gone with it.
    private var mark: NIODeadline?

    /// - Parameter noteArrival: called when bytes have come, before they are decoded.
    init(noteArrival: @escaping () -> Void) { self.noteArrival = noteArrival }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        noteArrival()
        context.fireChannelRead(data)
    }

    /// Since when the client has not taken what was sent to it before, as far as is known; nil if
    /// it takes what it gets. Found out by asking now and then: an answer costs nothing for it.
    func unreadSince() -> NIODeadline? {
        guard let context else { return nil }
        if let mark { return mark }
        mark = .now()
        context.writeAndFlush(wrapOutboundOut(ByteBuffer())).assumeIsolated().whenComplete {
            [weak self] _ in self?.mark = nil
        }
        return mark
    }
}
