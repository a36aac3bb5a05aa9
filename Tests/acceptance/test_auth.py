"""Who may call: order of the checks, scopes, expiry, revocation, plans, limits, wrong paths."""

import json
import re
import time
from datetime import datetime, timedelta, timezone

import pytest

from harness import Server, Wire, assert_error, bearer, httpx

ENDPOINTS = [
    ("POST", "/track/sale"), ("POST", "/track/lead"), ("GET", "/customers"), ("GET", "/customers/x"),
    ("GET", "/events"), ("POST", "/links"), ("GET", "/links/info"), ("GET", "/links/x"),
    ("PATCH", "/links/x"), ("DELETE", "/links/x"), ("POST", "/domains"), ("GET", "/domains"),
]
EVERY = pytest.mark.parametrize("method, path", ENDPOINTS, ids=lambda v: v)
SCOPED = {
    ("POST", "/links"): "links.write", ("GET", "/links/info"): "links.read",
    ("GET", "/links/x"): "links.read", ("PATCH", "/links/x"): "links.write",
    ("DELETE", "/links/x"): "links.write", ("POST", "/domains"): "domains.write",
    ("GET", "/domains"): "domains.read", ("GET", "/events"): "analytics.read",
}
CONVERSIONS = [("POST", "/track/sale"), ("POST", "/track/lead"), ("GET", "/customers"),
               ("GET", "/customers/x"), ("GET", "/events")]
HIGHER = "Unauthorized: Need higher plan."


def call(server, method, path, headers=None, prefix=""):
    """With a body that is wrong in every way: whoever complains about it has let us in."""
    return httpx.request(method, server.url + prefix + path, headers=headers, content=b"{")


@EVERY
@pytest.mark.parametrize("prefix", ["", "/api"])
def test_order_of_the_checks(server, method, path, prefix):
    reply = call(server, method, path, prefix=prefix)
    assert_error(reply, 401, "unauthorized", "Missing Authorization header.")
    for value in ("Basic abc", "dub_abc", "bearer dub_abc", "Token dub_x"):
        reply = call(server, method, path, {"Authorization": value}, prefix)
        assert_error(reply, 400, "bad_request", re.compile(r"https://d\.to/auth"))
    reply = call(server, method, path, bearer("someone"), prefix)
    assert_error(reply, 404, "not_found", re.compile("(?i)workspace"))
    for key in ("dub_" + "x" * 24, "dub_", "dub_pk_" + "x" * 24, "dub_" + "é" * 4):
        reply = call(server, method, path, {"Authorization": f"Bearer {key}".encode()}, prefix)
        assert_error(reply, 401, "unauthorized", "Unauthorized: Invalid API key.")


@EVERY
def test_a_key_lets_in(server, acme, method, path):
    reply = call(server, method, path, bearer(acme.token))
    assert reply.status_code in (200, 400, 404, 422), reply.text
    if reply.status_code == 404:
        assert "orkspace" not in reply.text


@pytest.mark.parametrize("method, path", SCOPED, ids=lambda v: v)
@pytest.mark.parametrize("scopes", ["tags.write", "webhooks.write", "folders.read,groups.write"])
def test_a_scope_that_is_missing_is_named(server, acme, method, path, scopes):
    needed = SCOPED[method, path]
    token = server.token(acme.slug, "--scopes", scopes)
    assert_error(
        call(server, method, path, bearer(token)), 403, "forbidden",
        "The provided key does not have the required permissions for this endpoint on the "
        f"workspace '{acme.id}'. Having the '{needed}' permission would allow this request to continue.")


@pytest.mark.parametrize("scopes, may, may_not", [
    ("links.read", [("GET", "/links/x")], [("POST", "/links"), ("DELETE", "/links/x"), ("GET", "/domains")]),
    ("links.write", [("GET", "/links/x"), ("POST", "/links"), ("DELETE", "/links/x")], [("GET", "/domains"), ("GET", "/events")]),
    ("domains.read", [("GET", "/domains")], [("POST", "/domains"), ("GET", "/links/x")]),
    ("apis.read", [("GET", "/links/x"), ("GET", "/domains"), ("GET", "/events")], [("POST", "/links"), ("POST", "/domains")]),
    ("apis.all", list(SCOPED), []),
    ("analytics.read", [("GET", "/events")], [("GET", "/links/x")]),
    ("analytics.read,links.read", [("GET", "/events"), ("GET", "/links/x")], [("POST", "/links")]),
])
def test_scopes(server, acme, scopes, may, may_not):
    token = server.token(acme.slug, "--scopes", scopes)
    for method, path in may:
        assert call(server, method, path, bearer(token)).status_code != 403, (method, path)
    for method, path in may_not:
        assert call(server, method, path, bearer(token)).status_code == 403, (method, path)
    # Conversions and customers ask for no scope.
    for method, path in CONVERSIONS[:4]:
        assert call(server, method, path, bearer(token)).status_code != 403, (method, path)


@pytest.mark.parametrize("plan", ["free", "pro"])
def test_conversions_need_a_higher_plan(server, plan):
    poor = server.workspace(plan)
    for method, path in CONVERSIONS:
        for prefix in ("", "/api"):
            assert_error(call(server, method, path, bearer(poor.token), prefix), 403, "forbidden", HIGHER)
    link = poor.link()
    assert poor.fresh(link)["id"] == link["id"]


@pytest.mark.parametrize("plan", [
    "business", "business plus", "business max", "business extra", "advanced", "enterprise"])
def test_plans_that_track(server, plan):
    rich = server.workspace(plan)
    customer, link = rich.lead_customer()
    rich.sold(customer, 3)
    assert rich.fresh(link)["saleAmount"] == 3 and len(rich.events("sales")) == 1


def test_a_scope_is_asked_before_the_plan(server):
    poor = server.workspace("free", "--scopes", "links.read")
    assert_error(poor.get("/events"), 403, "forbidden", re.compile("'analytics.read' permission"))


def test_a_change_of_plan_takes_effect_at_once(server):
    workspace = server.workspace()
    for plan, status in [("pro", 403), ("business", 200), ("free", 403), ("enterprise", 200)]:
        server.command("workspace", "update", workspace.slug, "--plan", plan)
        assert workspace.get("/customers").status_code == status
        assert workspace.sale("nobody").status_code == status


def test_expiry(server, acme):
    past = server.token(acme.slug, "--expires", "2020-01-01T00:00:00Z")
    assert_error(call(server, "GET", "/customers", bearer(past)), 401, "unauthorized",
                 "Unauthorized: Access token expired.")
    soon = datetime.now(timezone.utc) + timedelta(seconds=2)
    token = server.token(acme.slug, "--expires", soon.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z")
    first = call(server, "GET", "/customers", bearer(token))
    assert first.status_code == 200 or datetime.now(timezone.utc) >= soon
    # Used before, so a cache knows it; it must end all the same.
    time.sleep(max(0, (soon - datetime.now(timezone.utc)).total_seconds()) + 0.05)
    for method, path in ENDPOINTS:
        assert_error(call(server, method, path, bearer(token)), 401, "unauthorized",
                     "Unauthorized: Access token expired.")


def test_a_revoked_token_fails_at_the_very_next_request(server):
    acme = server.workspace()
    customer, link = acme.lead_customer()
    for round in range(5):
        token = server.token(acme.slug)
        paths = ["/customers", f"/customers/ext_{customer}", "/events?event=clicks", f"/links/{link['id']}", "/domains"]
        with httpx.Client(base_url=server.url, headers=bearer(token)) as client:
            for path in paths:
                assert client.get(path).status_code == 200
            known = [json.loads(line) for line in
                     server.command("token", "list", "--workspace", acme.slug).splitlines()]
            newest = max(known, key=lambda t: (t["createdAt"], t["id"]))
            server.command("token", "revoke", newest["id"], "--workspace", acme.slug)
            first = paths[round:] + paths[:round]
            for path in first:
                assert_error(client.get(path), 401, "unauthorized", "Unauthorized: Invalid API key.")
            reply = client.post("/track/sale", json={"customerExternalId": customer, "amount": 1})
            assert_error(reply, 401, "unauthorized", "Unauthorized: Invalid API key.")
    assert acme.fresh(link)["sales"] == 0


def test_tokens_are_kept_as_digests_only(server):
    workspace = server.workspace()
    assert re.fullmatch("dub_[0-9A-Za-z]{24}", workspace.token)
    workspace.get("/customers")
    call(server, "GET", "/customers", bearer("dub_unknownunknownunknown123"))
    assert workspace.token not in server.command("token", "list", "--workspace", workspace.slug)
    for path in server.folder.iterdir():
        content = path.read_bytes()
        assert workspace.token.encode() not in content, path
        assert b"dub_unknownunknownunknown123" not in content, path


def test_workspaces_do_not_see_each_other(server, acme, other):
    customer, link = acme.lead_customer()
    acme.sold(customer, 5)
    id = acme.customer(customer)["id"]
    for path in (f"/customers/{id}", f"/customers/ext_{customer}"):
        assert other.get(path).status_code == 404
    assert other.get("/customers").json() == []
    for kind in ("clicks", "leads", "sales"):
        assert other.events(kind) == [] == other.events(kind, linkId=link["id"])
        assert other.events(kind, customerId=id) == []
    before = acme.state(link)
    message = f"Link does not belong to workspace {other.id}."
    for reply in (
        other.get(f"/links/{link['id']}"), other.get("/links/info", linkId=link["id"]),
        other.get("/links/info", domain=link["domain"], key=link["key"]),
        other.http.patch(f"/links/{link['id']}", json={"url": "https://evil.example"}),
        other.http.delete(f"/links/{link['id']}"),
    ):
        assert_error(reply, 401, "unauthorized", message)
    assert other.sale(customer).json()["customer"] is None
    assert acme.state(link) == before


@pytest.mark.parametrize("method, path", [
    ("GET", "/track/sale"), ("PUT", "/track/sale"), ("DELETE", "/track/lead"), ("PATCH", "/track/click"),
    ("GET", "/track/click"), ("GET", "/track/sale/client"), ("POST", "/customers/x"), ("POST", "/events"),
    ("PATCH", "/links"), ("POST", "/links/x"), ("DELETE", "/domains"), ("POST", "/links/info")])
@pytest.mark.parametrize("prefix", ["", "/api"])
def test_a_wrong_method_is_answered_in_the_envelope(server, method, path, prefix):
    reply = httpx.request(method, server.url + prefix + path)
    assert_error(reply, 405, "method_not_allowed")
    assert method not in [m.strip() for m in reply.headers["allow"].split(",")]


@pytest.mark.parametrize("method, path", [
    ("GET", "/no/such/path"), ("GET", "/api/nothing"), ("POST", "/track/nothing"), ("GET", "/nosuchkey"),
    ("POST", "/api/links/x/y"), ("GET", "/api/api/links/x"), ("DELETE", "/a/b/c"), ("GET", "/customers/a/b")])
def test_an_unknown_path_is_answered_in_the_envelope(server, method, path):
    assert_error(httpx.request(method, server.url + path), 404, "not_found")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_operators_need_no_key(server, path):
    reply = httpx.get(server.url + path)
    assert reply.status_code == 200
    if path == "/metrics":
        assert reply.headers["content-type"].startswith("text/plain")
        line = re.compile(r'(#.*|[a-z_]+(\{([a-z_]+="[^"]*",?)*\})? -?[0-9.e+-]+)')
        assert [text for text in reply.text.splitlines() if not line.fullmatch(text)] == []
        assert "requests" in reply.text


# --- limits --------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def limited(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("limited"), "--rate-limits", "plan").start()
    yield server
    assert server.stop() == 0
    server.verify()


def test_no_limits_by_default(acme):
    for _ in range(30):
        reply = acme.get("/events")
        assert reply.status_code == 200
    assert acme.get("/domains").status_code == 200


def wait_for_a_new_minute():
    """A limit's window must not end in the middle of a test."""
    rest = 60 - time.time() % 60
    if rest < 5:
        time.sleep(rest + 0.1)


@pytest.mark.one_node
def test_a_plan_limits_requests_per_minute(limited):
    free = limited.workspace("free")
    second = limited.token(free.slug)
    wait_for_a_new_minute()
    seen = []
    for _ in range(60):
        reply = free.get("/domains")
        assert reply.status_code == 200, reply.text
        seen.append(int(reply.headers["x-ratelimit-remaining"]))
        assert reply.headers["x-ratelimit-limit"] == "60"
    assert seen == list(range(59, -1, -1))
    for path in ("/domains", "/customers", "/links/info"):  # ahead of scope, plan and body
        reply = free.get(path)
        assert_error(reply, 429, "rate_limit_exceeded", "Too many requests.")
        assert reply.headers["x-ratelimit-limit"] == "60"
        assert reply.headers["x-ratelimit-remaining"] == "0"
        assert 1 <= int(reply.headers["retry-after"]) <= 120
        assert int(reply.headers["x-ratelimit-reset"]) > 0
    # Another key has a count of its own.
    assert httpx.get(limited.url + "/domains", headers=bearer(second)).status_code == 200


@pytest.mark.parametrize("plan, limit", [
    ("pro", 600), ("business", 1200), ("business plus", 1200), ("advanced", 3000), ("enterprise", 3000)])
def test_limits_of_the_plans(limited, plan, limit):
    workspace = limited.workspace(plan)
    reply = workspace.get("/domains")
    assert reply.headers["x-ratelimit-limit"] == str(limit)
    assert reply.headers["x-ratelimit-remaining"] == str(limit - 1)


@pytest.mark.parametrize("plan, limit", [("business", 4), ("advanced", 8), ("enterprise", 16)])
def test_events_are_limited_per_second(limited, plan, limit):
    workspace = limited.workspace(plan)
    replies = [workspace.get("/events") for _ in range(limit * 3)]
    assert replies[0].status_code == 200
    assert {r.headers["x-ratelimit-limit"] for r in replies} == {str(limit)}
    refused = [r for r in replies if r.status_code == 429]
    assert refused, "three times the limit was let through"
    assert refused[-1].headers["retry-after"] in ("1", "2")
    time.sleep(2.1)
    assert workspace.get("/events").status_code == 200
    # Other paths are counted apart.
    assert workspace.get("/domains").headers["x-ratelimit-limit"] != str(limit)


def test_a_limit_that_is_reached_records_nothing(limited):
    workspace = limited.workspace()
    key = limited.token(workspace.slug, "--publishable")
    customer, link = workspace.lead_customer()
    wait_for_a_new_minute()
    wire, sale = Wire(limited.port, key), {"customerExternalId": customer, "amount": 1}
    status, head, _ = wire.post("/track/sale/client", sale)
    assert status == 200 and b"x-ratelimit-limit: 600" in head.lower()
    codes = [wire.post("/track/sale/client", sale)[0] for _ in range(605)]
    assert codes == [200] * 599 + [429] * 6
    assert workspace.fresh(link)["sales"] == 600
    status, head, _ = wire.post("/track/sale/client", {})
    assert status == 429 and b"access-control-allow-origin: *" in head.lower()
