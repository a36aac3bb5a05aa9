import Attribution
import Ledger
import Testing

/// What a batch locks, and what may join it after that.
@Suite struct WorkspaceNamesTests {
    @Test func aBatchNamesWhatItMayChange() {
        let names = WorkspaceNames([discard("a"), discard("b"), click("l"), click("m")])
        #expect(names.ids == ["a", "b"])
        #expect(names.linkIDs == ["l", "m"])
        #expect(names.slugs.isEmpty && !names.registry)
        let shared = WorkspaceNames([update("s"), deleteTag("c")])
        #expect(shared.slugs == ["s"] && shared.ids == ["c"] && shared.registry)
        #expect(WorkspaceNames([.proveWritable]).registry)
    }

    @Test(arguments: [
        (batch: [discard("a")], covers: [discard("a")]),
        (batch: [discard("a"), discard("b")], covers: [discard("a"), discard("b")]),
        (batch: [click("l")], covers: [click("l")]),
        (batch: [update("s")], covers: [update("s"), .proveWritable]),
        (batch: [deleteTag("a")], covers: [discard("a"), deleteTag("a"), .proveWritable]),
        (batch: [.proveWritable], covers: [.proveWritable]),
    ])
    func onlyWhatIsLockedJoins(batch: [Command], covers: [Command]) {
        let names = WorkspaceNames(batch)
        let expected = covers.map { "\($0)" }
        for command in Self.all {
            #expect(names.cover(command) == expected.contains("\(command)"), "\(command)")
        }
    }

    private static let all: [Command] = [
        discard("a"), discard("b"), deleteTag("a"), deleteTag("b"), click("l"), click("m"),
        update("s"), update("t"), .proveWritable,
    ]
}

private func discard(_ workspace: String) -> Command {
    .discardRejections(DiscardRejections(workspaceID: WorkspaceID(workspace), ids: []))
}

/// Stands alone.
private func deleteTag(_ workspace: String) -> Command {
    .deleteTag(DeleteTag(id: TagID("t"), workspaceID: WorkspaceID(workspace)))
}

private func click(_ link: String) -> Command {
    let at = Timestamp(milliseconds: 0)
    return .recordClick(
        RecordClick(id: ClickID("c"), linkID: LinkID(link), at: at, visitor: Visitor()))
}

private func update(_ slug: String) -> Command { .updateWorkspace(UpdateWorkspace(slug: slug)) }
