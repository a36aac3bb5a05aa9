"""Redirects do not wait for the commit of their click: who is told which id, what is lost and how that is told,
and that the way which answers from a request's bytes says the same as the one behind it."""

import re
import signal
import time

import httpx
import pytest

from engines import IS_SQLITE, held
from harness import BROWSER, Server, Wire, cookie, cookie_of, eventually, follow, together, unique
from load import body

SERVER_FLAGS = ("--trusted-proxies", "127.0.0.1", "--country-header", "X-Country")
# A visitor whose click other nodes may be asked about waits for so long at most.
WAIT, SLACK = 1, 2


@pytest.fixture
def own(tmp_path):
    """A server of which at most four clicks wait."""
    server = Server(tmp_path, "--queue-depth", "8").start()
    try:
        yield server
        assert server.stop() == 0, server.log.read_text()
        server.verify()
    finally:
        if server.process:
            server.stop(signal.SIGKILL)


def at_once(server, link, agent=None, **headers):
    return follow(server, link["key"], agent, settled=False, **headers)


def clicks(workspace, link) -> int:
    return workspace.fresh(link)["clicks"]


# --- who waits ----------------------------------------------------------------------------------

def test_a_visitor_does_not_wait_for_the_commit(server, acme):
    link = acme.link()
    follow(server, link["key"])
    with held(server, acme):
        start = time.monotonic()
        replies = [at_once(server, link) for _ in range(10)]
        assert time.monotonic() - start < SLACK
        assert [reply.status_code for reply in replies] == [302] * 10
        assert len({cookie(reply) for reply in replies}) == 10
        assert clicks(acme, link) == 1, "the database was not held"
    eventually("all are counted", lambda: clicks(acme, link) == 11)
    for reply in replies:
        acme.lead(unique("c"), cookie(reply))
    assert server.lost_clicks() == 0


def test_a_click_that_is_handed_on_is_there(server, acme):
    """On one file at once; where other nodes may be told of it, a while is waited for the commit."""
    link = acme.link(trackConversion=True)
    follow(server, link["key"])
    with held(server, acme):
        start = time.monotonic()
        reply = at_once(server, link)
        taken = time.monotonic() - start
        assert reply.status_code == 302 and f"dub_id={cookie(reply)}" in reply.headers["location"]
        assert taken < SLACK if IS_SQLITE else WAIT <= taken < WAIT + SLACK
    eventually("it is counted", lambda: clicks(acme, link) == 2)
    acme.lead(unique("c"), cookie(reply))


def test_a_lead_right_behind_finds_its_click(server, acme):
    """On the connection of the visit itself, while many others come."""
    links = [acme.link(trackConversion=n % 2 == 0) for n in range(4)]

    def work(thread: int):
        wire = Wire(server.ports[0], acme.token)
        for n in range(25):
            agent = f"User-Agent: {BROWSER} behind {thread} {n}\r\n"
            status, head, _ = wire.request("GET", f"/{links[n % 4]['key']}", extra=agent)
            assert status == 302
            status, _, content = wire.post("/track/lead", body(
                clickId=cookie_of(head), eventName="Sign up", customerExternalId=f"behind-{thread}-{n}"))
            assert status == 200, content
        wire.close()

    together(16, work)
    assert sum(acme.fresh(link)["leads"] for link in links) == 16 * 25
    assert sum(clicks(acme, link) for link in links) == 16 * 25


# --- who comes again ----------------------------------------------------------------------------

def test_who_comes_again_counts_once_and_is_told_an_id_that_works(tmp_path):
    """Also if the server knows no more that they were there: another id stands for the same click then."""
    server = Server(tmp_path).start()
    acme = server.workspace()
    link, agent = acme.link(), f"{BROWSER} {unique('again')}"
    first = cookie(at_once(server, link, agent))
    assert cookie(at_once(server, link, agent)) == first or len(server.ports) > 1
    eventually("it is counted", lambda: clicks(acme, link) == 1)
    assert server.stop() == 0
    server.start()
    again = [cookie(follow(server, link["key"], agent)) for _ in range(3)]
    third = again[-1]
    assert again[0] != first
    # By now the server has learned which click it was.
    assert third == first or len(server.ports) > 1
    by_cookie = cookie(follow(server, link["key"], cookie=f"dub_id_localhost_{link['key']}={again[0]}"))
    assert clicks(acme, link) == 1 and len(acme.events("clicks", linkId=link["id"])) == 1
    for id in {first, by_cookie, *again}:
        customer = unique("c")
        answer = acme.lead(customer, id)
        assert answer["click"]["id"] == first
        assert acme.sold(customer, 5, clickId=id)
        direct = acme.sold(unique("direct"), 7, clickId=id)
        assert direct["sale"]["amount"] == 7
    leads = {event["click"]["id"] for event in acme.events("leads", linkId=link["id"])}
    sales = {event["click"]["id"] for event in acme.events("sales", linkId=link["id"])}
    assert leads == sales == {first}
    assert server.stop() == 0
    server.verify()


def test_the_ids_that_sites_and_redirects_tell_are_the_same(server, acme):
    """A click that a site has reported is not another one."""
    link, agent = acme.link(), f"{BROWSER} {unique('site')}"
    port = server.ports[0]
    reported = httpx.post(f"http://127.0.0.1:{port}/track/click", headers={"User-Agent": agent}, json={
        "domain": link["domain"], "key": link["key"]}).json()["clickId"]
    reply = httpx.get(f"http://127.0.0.1:{port}/{link['key']}", headers={"User-Agent": agent})
    assert cookie(reply) == reported
    server.settle(port)
    assert clicks(acme, link) == 1


# --- what is lost -------------------------------------------------------------------------------

@pytest.mark.one_node
def test_a_full_queue_loses_clicks_and_not_visitors(own):
    acme = own.workspace()
    link = acme.link(trackConversion=IS_SQLITE)
    customer, _ = acme.lead_customer()
    follow(own, link["key"])
    with held(own, acme):
        replies = [at_once(own, link) for _ in range(12)]
        assert [reply.status_code for reply in replies] == [302] * 12
        told = [cookie_of(b"\r\n" + f"set-cookie: {reply.headers.get('set-cookie')}".encode()) for reply in replies]
        missing = told.count(None)
        assert 5 <= missing < 12 and own.lost_clicks() == missing
        for reply, id in zip(replies, told):
            assert reply.headers["location"].startswith(link["url"])
            assert ("dub_id" in reply.headers["location"]) == (id is not None and IS_SQLITE)
        # There is room for calls that are waited for.
        sale = body(customerExternalId=customer, amount=1, invoiceId=unique("room"))
        wires = [Wire(own.port, acme.token) for _ in range(3)]
        for wire in wires:
            wire.socket.sendall(
                f"POST /track/sale HTTP/1.1\r\n{wire.head}Content-Length: {len(sale)}\r\n\r\n".encode() + sale)
        time.sleep(0.2)
    assert [wire.answer()[0] for wire in wires] == [200] * 3
    for id in filter(None, told):
        acme.lead(unique("c"), id)
    assert clicks(acme, link) == 1 + 12 - missing and own.lost_clicks() == missing


@pytest.mark.one_node
def test_a_commit_that_fails_loses_its_click(own):
    """The visitor has gone on by then. A next visit is a new one."""
    acme = own.workspace()
    link, agent = acme.link(), f"{BROWSER} {unique('failed')}"
    follow(own, link["key"])
    with held(own, acme):
        id = cookie(at_once(own, link, agent))
        assert cookie(at_once(own, link, agent)) == id
        eventually("the commit has failed", lambda: own.lost_clicks() > 0, seconds=25)
    own.settle(own.port)
    assert own.lost_clicks() == 1, "one visitor is one click"
    assert clicks(acme, link) == 1
    reply = acme.post("/track/lead", {"clickId": id, "eventName": "Sign up", "customerExternalId": unique("c")})
    assert reply.status_code == 404
    again = cookie(follow(own, link["key"], agent))
    assert again != id and clicks(acme, link) == 2
    acme.lead(unique("c"), again)


@pytest.mark.one_node
def test_nobody_is_told_an_id_while_commits_fail(own):
    """It would stand for nothing, and take the place of one that does. The click itself is tried."""
    acme = own.workspace()
    link = acme.link()
    follow(own, link["key"])
    with held(own, acme):
        assert cookie(at_once(own, link))
        eventually("the commit has failed", lambda: own.lost_clicks() > 0, seconds=25)
        late = at_once(own, link)
        assert late.status_code == 302 and "set-cookie" not in late.headers
    own.settle(own.port)
    assert clicks(acme, link) == 2 and own.lost_clicks() == 1
    assert cookie(at_once(own, link))


def test_kill_right_after_a_redirect(tmp_path):
    """The click may be lost; nothing else may be."""
    server = Server(tmp_path).start()
    acme = server.workspace()
    link = acme.link()
    follow(server, link["key"])
    for turn in range(5):
        ids = [cookie(at_once(server, link)) for _ in range(5)]
        server.stop(signal.SIGKILL)
        server.start()
        counted = clicks(acme, link)
        assert 1 <= counted <= 1 + 5 * (turn + 1)
        for id in ids:
            reply = acme.post("/track/lead", {
                "clickId": id, "eventName": "Sign up", "customerExternalId": unique("c")})
            assert reply.status_code in (200, 404)
    assert server.stop() == 0
    server.verify()


def test_what_was_accepted_is_committed_before_the_end(tmp_path):
    server = Server(tmp_path).start()
    acme = server.workspace()
    link = acme.link()
    follow(server, link["key"])
    together(8, lambda n: [at_once(server, link) for _ in range(10)])
    assert server.stop() == 0
    server.start()
    assert clicks(acme, link) == 81
    assert server.stop() == 0
    server.verify()


# --- as new as the registry ---------------------------------------------------------------------

def test_changes_take_effect_on_a_connection_that_is_open(server, acme):
    """Made here, or by another process on the same database."""
    beside = Server(server.folder)
    beside.database = server.database
    beside.start()
    try:
        link = acme.link()
        wires = [Wire(port, "") for port in server.ports]

        def visit():
            found = []
            for wire in wires:
                wire.head = "Host: localhost\r\n"
                found.append(wire.request("GET", f"/{link['key']}", extra=f"User-Agent: {BROWSER}\r\n")[:2])
            return found

        def change(n: int, **fields):
            port = (server.ports + beside.ports)[n % (len(server.ports) + 1)]
            reply = httpx.patch(f"http://127.0.0.1:{port}/links/{link['id']}", json=fields, headers={
                "Authorization": f"Bearer {acme.token}"})
            assert reply.status_code == 200, reply.text

        for n in range(20):
            change(n, url=f"https://x.example/{n}")
            for _ in range(2):
                for status, head in visit():
                    assert status == 302 and f"https://x.example/{n}\r\n".encode() in head
            change(n + 1, disabledAt="2026-01-01T00:00:00Z")
            assert [status for status, _ in visit()] == [404] * len(wires)
            change(n, disabledAt=None)
        assert httpx.delete(f"{beside.url}/links/{link['id']}", headers={
            "Authorization": f"Bearer {acme.token}"}).status_code == 200
        assert [status for status, _ in visit()] == [404] * len(wires)
        for wire in wires:
            wire.close()
    finally:
        assert beside.stop() == 0


def test_a_link_expires_on_time(server, acme):
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 6))
    link = acme.link(expiresAt=soon)
    assert at_once(server, link).status_code == 302
    eventually("it has expired", lambda: at_once(server, link).status_code == 410)


# --- the same, whichever way --------------------------------------------------------------------

def destinations():
    variants = [{"url": "https://x.example/one", "percentage": 50}, {"url": "https://x.example/two", "percentage": 50}]
    return {
        "plain": {}, "tracked": {"trackConversion": True}, "indexed": {"doIndex": True},
        "root": {"url": "https://x.example"}, "query": {"url": "https://x.example/a?b=1&c=%20#d", "trackConversion": True},
        "letters": {"url": "https://x.example/ü?q=é", "trackConversion": True},
        "reference": {"url": "https://x.example/?dub_client_reference_id=1", "trackConversion": True},
        "singular": {"url": "https://a.sng.link/x?wpcl=a{dub_id}b"}, "appsflyer": {"url": "https://a.onelink.me/x"},
        "store": {"url": "https://play.google.com/store?id=1&referrer=r"}, "apple": {"url": "https://apps.apple.com/app"},
        "systems": {"ios": "https://x.example/ios", "android": "https://x.example/android"},
        "countries": {"geo": {"DE": "https://x.example/de"}},
        "test": {"testVariants": variants, "testCompletedAt": "2099-01-01T00:00:00Z", "trackConversion": True},
        "app": {"url": "mailto:a@b.example"}, "frame": {"rewrite": True}, "preview": {"proxy": True, "title": "T"},
        "password": {"password": "secret"}, "late": {"expiresAt": "2020-01-01T00:00:00Z"},
        "not yet": {"expiresAt": "2099-01-01T00:00:00Z"},
        "elsewhere": {"expiresAt": "2020-01-01T00:00:00Z", "expiredUrl": "https://x.example/late"},
        "disabled": {"disabledAt": "2026-01-01T00:00:00Z"}, "archived": {"archived": True},
    }


PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15"
VISITS = [
    ("{key}", ""), ("{key}?qr=1", ""), ("{key}?a=1&b=%C3%A9&a=2", ""), ("{key}?pw=secret", ""), ("{key}?", ""),
    ("{key}?redir_url=https%3A%2F%2Fx.example%2Fchosen%3Fvia%3Dx", ""), ("{key}?dub-no-track", ""), ("{key}?bot=1", ""),
    ("{key}", "dub-no-track: 1\r\n"), ("{key}", "Referer: https://www.news.example/a?b\r\n"), ("{key}", "Referer:\r\n"),
    ("{key}", f"User-Agent: {PHONE}\r\n"), ("{key}", "User-Agent: Googlebot/2.1\r\n"), ("{key}", "user-agent:\t \r\n"),
    ("{key}", "X-Forwarded-For: 198.51.100.7, 203.0.113.9\r\nX-Country: de\r\n"),
    ("{key}", "X-Forwarded-For: 198.51.100.7\r\nx-forwarded-for: 203.0.113.9\r\n"), ("{key}", "X-Country: DE\r\nX-Country: US\r\n"),
    ("{key}", "Cookie: a=b; dub_id_localhost_{key}={known}; c\r\n"), ("{key}", "Cookie: a=b\r\nCookie: dub_id_localhost_{key}={known}\r\n"),
    ("{key}", "Cookie: dub_test_url=https%3A%2F%2Fx.example%2Ftwo\r\n"), ("{key}/", ""), ("/{key}", ""), ("{KEY}", ""), ("%{hex}", ""),
    ("{key}#x", ""), ("{key}?a#x", ""), ("{key}+", ""), ("{key}/no", ""), (".well-known/{key}", ""), ("{key}.php", ""), ("./{key}", ""),
    ("{key}", "Content-Length: 0\r\n"), ("{key}", "Content-Length: 3\r\n\r\nabc"), ("{key}", "Accept: */*\r\nIf-None-Match: x\r\n"),
]


@pytest.mark.sqlite  # on a server there is one way
@pytest.mark.parametrize("host", ["localhost", "go.same.example"])
@pytest.mark.parametrize("name", destinations())
def test_both_ways_answer_the_same_bytes(server, acme, host, name):
    """A header that nobody reads leads to the handlers behind. The same visitor each time: the ids are the same only
    if both ways know them by the same address, agent, link and cookie."""
    if host != "localhost" and not any(d["slug"] == host for d in acme.ok("GET", "/domains")):
        acme.ok("POST", "/domains", json={"slug": host})
    link = acme.link(key=unique("same"), domain=host, **destinations()[name])
    port = server.ports[0]
    known = httpx.get(f"http://127.0.0.1:{port}/{link['key']}", headers={
        "Host": host, "User-Agent": f"{BROWSER} {unique('cookie')}"}).headers.get("set-cookie", "=none;")
    names = {"key": link["key"], "KEY": link["key"].upper(), "known": known.split(";")[0].split("=")[1],
             "hex": f"{ord(link['key'][0]):02x}{link['key'][1:]}"}
    for number, (path, headers) in enumerate(VISITS):
        path, headers = path.format(**names), headers.format(**names)
        if "User-Agent" not in headers and "user-agent" not in headers:
            headers = f"User-Agent: {BROWSER} both {number}\r\n" + headers
        ways = ["", "Proxy-Connection: keep-alive\r\n"]
        found = [answer(port, host, path, way + headers) for way in (ways if number % 2 else ways[::-1]) + [ways[0]]]
        assert found[0] == found[1] == found[2], (path, headers)
    server.settle(port)


def answer(port: int, host: str, path: str, headers: str) -> bytes:
    wire = Wire(port, "")
    end = "" if headers.endswith("\r\n\r\nabc") else "\r\n"
    wire.socket.sendall(f"GET /{path} HTTP/1.1\r\nHost: {host}\r\n{headers}{end}".encode())
    status, head, content = wire.answer()
    wire.close()
    return re.sub(rb"(?im)^date: .*$", b"", head) + content


@pytest.mark.sqlite
@pytest.mark.parametrize("host", ["localhost", "go.lane.example"])
def test_plain_visits_go_by_the_lane(server, acme, host):
    """Else the comparison above would compare one way with itself."""
    if host != "localhost":
        acme.ok("POST", "/domains", json={"slug": host})
    link = acme.link(key=unique("lane"), domain=host)
    port = server.ports[0]

    agent = f"User-Agent: {BROWSER} lane\r\n"
    answer(port, host, link["key"], agent)
    before = server.metric("tribute_fast_lane_answers_total")
    for n in range(10):
        answer(port, host, link["key"], agent)
    assert server.metric("tribute_fast_lane_answers_total") == before + 10
    for way in ["X~Way: 1\r\n", f"User-Agent: {unique('unheard of')}\r\n"]:
        answer(port, host, link["key"], way if "User" in way else way + agent)
    assert server.metric("tribute_fast_lane_answers_total") == before + 10
    server.settle(port)


def test_answers_keep_the_order_of_the_requests(server, acme):
    """Visits that are answered at once wait for the calls before them."""
    customer, _ = acme.lead_customer()
    links = [acme.link(url=f"https://x.example/{n}") for n in range(5)]
    wire = Wire(server.ports[0], acme.token)
    data = b""
    for n in range(100):
        sale = body(customerExternalId=customer, amount=n + 1, invoiceId=unique("order"))
        data += f"POST /track/sale HTTP/1.1\r\n{wire.head}Content-Length: {len(sale)}\r\n\r\n".encode() + sale
        data += f"GET /{links[n % 5]['key']} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: {BROWSER} {n}\r\n\r\n".encode()
        if n % 10 == 0:
            data += b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    wire.socket.sendall(data)
    for n in range(100):
        status, _, content = wire.answer()
        assert status == 200 and f'"amount":{n + 1},'.encode() in content
        status, head, _ = wire.answer()
        assert status == 302 and f"https://x.example/{n % 5}\r\n".encode() in head
        if n % 10 == 0:
            assert wire.answer()[2] == b'{"status":"ok"}'
    wire.close()
    server.settle(server.ports[0])
    assert sum(clicks(acme, link) for link in links) == 100
