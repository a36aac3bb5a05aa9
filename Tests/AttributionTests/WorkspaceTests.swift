import Attribution
import Testing

@Suite struct WorkspaceTests {
    @Test(
        arguments: [
            (.apisAll, .linksWrite, true), (.apisAll, .analyticsRead, true),
            (.apisAll, .apisAll, true), (.apisAll, .webhooksRead, false),
            (.apisAll, .webhooksWrite, false), (.apisRead, .linksRead, true),
            (.apisRead, .linksWrite, false), (.apisRead, .webhooksRead, false),
            (.apisRead, .apisAll, false), (.linksWrite, .linksRead, true),
            (.linksWrite, .linksWrite, true), (.linksRead, .linksWrite, false),
            (.linksRead, .linksRead, true), (.linksWrite, .domainsRead, false),
            (.webhooksWrite, .webhooksRead, true), (.webhooksRead, .webhooksRead, true),
            (.webhooksRead, .apisRead, false), (.linksWrite, .apisRead, false),
        ] as [(Scope, Scope, Bool)])
    func scopes(has: Scope, needs: Scope, isCovered: Bool) {
        #expect(has.covers(needs) == isCovered)
    }

    @Test func everyScopeCoversItself() {
        for scope in Scope.allCases { #expect(scope.covers(scope)) }
    }

    @Test(
        arguments: [
            (nil, [], true), ("any.test", [], true),
            (nil, ["a.test"], false), ("", ["a.test"], false),
            ("a.test", ["a.test"], true), ("a.test", ["b.test", "a.test"], true),
            ("b.test", ["a.test"], false), ("x.a.test", ["a.test"], false),
            ("x.a.test", ["*.a.test"], true), ("x.y.a.test", ["*.a.test"], true),
            ("a.test", ["*.a.test"], false), ("evila.test", ["*.a.test"], false),
            (".a.test", ["*.a.test"], false),
            ("a.test.evil.test", ["*.a.test", "a.test"], false),
            ("localhost", ["localhost"], true),
        ] as [(String?, [String], Bool)])
    func hostnames(name: String?, allowed: [String], isAllowed: Bool) {
        #expect(Attribution.isAllowed(hostname: name, by: allowed) == isAllowed)
    }

    @Test(arguments: [
        ("www.Example.com", "example.com"), ("WWW.a.test", "a.test"), ("a.test", "a.test"),
        ("wwww.a.test", "wwww.a.test"), ("www.www.a.test", "www.a.test"), ("", ""),
    ])
    func normalizedHostnames(text: String, expected: String) {
        #expect(normalizedHostname(text) == expected)
    }

    @Test func plansGrow() {
        #expect(Plan.allCases.filter { !$0.includesConversions } == [.free, .pro])
        let perMinute = Plan.allCases.map(\.requestsPerMinute)
        #expect(perMinute == perMinute.sorted())
        let perSecond = Plan.allCases.map(\.queriesPerSecond)
        #expect(perSecond == perSecond.sorted())
    }
}
