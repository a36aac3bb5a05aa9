"""Input that means harm: it is refused, or it does none."""

import json
import random
import socket
import threading
import time
from urllib.parse import quote, urlsplit

import httpx
import pytest

from harness import BROWSER, Server, Wire, assert_error, follow, together, unique

ACTIVE = ["javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)", "java\tscript:alert(1)", "javascript\n:alert(1)", "data:text/html,<script>",
          "vbscript:x", "file:///etc/passwd", "blob:https://x.example/1", "ftp://x.example", "https:javascript:alert(1)", "//evil.example", "https://", "https:///x",
          "http://a b.example", "https://x.example\r\nSet-Cookie: a=b", "https://x.example/\x00", "https://x%0d%0a.example", "view-source:https://x.example",
          "https://x.example\\@evil.example", "https://x.example/a\\b", "x.example\\@evil.example"]


@pytest.mark.parametrize("url", ACTIVE)
def test_schemes_that_act(acme, url):
    fields = [{"url": url}, {"ios": url}, {"android": url}, {"geo": {"DE": url}}, {"expiredUrl": url}, {"image": url}]
    fields.append({"trackConversion": True, "testVariants": [{"url": url, "percentage": 50}, {"url": "https://x.example", "percentage": 50}]})
    link = acme.link()
    for field in fields:
        if "\x00" in url and "url" in field:
            continue
        reply = acme.post("/links", {"url": "https://x.example", **field})
        if "url" in field and reply.status_code == 200:
            # A text that is no URL by itself may be one with https:// before it.
            assert reply.json()["url"].startswith("https://") and urlsplit(reply.json()["url"]).hostname
            continue
        assert reply.status_code in (400, 422), f"{field}: {reply.text}"
        assert acme.http.patch(f"/links/{link['id']}", json=field).status_code in (400, 422)
    for field in ("expiredUrl", "notFoundUrl"):
        assert acme.post("/domains", {"slug": f"{unique('act')}.example", field: url}).status_code in (400, 422)
    assert acme.fresh(link) == link


@pytest.fixture(scope="module")
def circle(server):
    space = server.workspace()
    space.slug1, space.slug2 = (space.ok("POST", "/domains", json={"slug": f"{unique('c')}.example"})["slug"] for _ in range(2))
    return space


@pytest.mark.parametrize("form", [
    "https://{}/x", "http://{}", "https://{}:8443/", "https://www.{}/", "https://user:pw@{}/", "https://{}./x", "HTTPS://{}", "{}/x", "https://{}?a", "https://{}#a"])
def test_links_to_links(server, circle, acme, form):
    for space in (circle, acme):
        for slug in (circle.slug1, circle.slug1.upper()):
            url = form.format(slug)
            for field in ({"url": url}, {"url": "https://x.example", "expiredUrl": "https://" + url.split("://")[-1]},
                          {"url": "https://x.example", "geo": {"DE": "https://" + url.split("://")[-1]}}):
                reply = space.post("/links", field)
                assert reply.status_code == 422 and "short link of this server" in reply.text, reply.text


def test_ways_back_that_come_later(server, circle):
    """The domain becomes the server's own after the link was made."""
    slug = f"{unique('later')}.example"
    link = circle.link(url=f"https://{slug}/", domain=circle.slug1)
    assert follow(server, link["key"], host=circle.slug1).status_code == 302
    circle.ok("POST", "/domains", json={"slug": slug})
    reply = follow(server, link["key"], host=circle.slug1)
    assert reply.status_code == 508 and "location" not in reply.headers
    # The address that the request itself came to.
    own = circle.link(url=f"http://127.0.0.1:{server.port}/x", domain=circle.slug1)
    assert follow(server, own["key"], host=f"127.0.0.1:{server.port}").status_code in (404, 508)
    here = server.workspace().link(url=f"http://127.0.0.1:{server.port}/x")
    assert follow(server, here["key"]).status_code == 508
    assert circle.fresh(link)["clicks"] == 1


def test_a_not_found_page_that_is_not_found(server, circle):
    circle.ok("PATCH", f"/domains/{circle.slug2}", json={"notFoundUrl": f"https://{circle.slug2}/none"})
    assert follow(server, "none", host=circle.slug2).status_code == 404


@pytest.mark.parametrize("path", [
    "/%", "/%zz", "/%ff", "/%00", "/a%0d%0aSet-Cookie:x=1", "/%E2%82", "/..%2f..%2fetc/passwd", "/a//b", "/%2e%2e/", "/" + "x" * 8000, "/%25", "/💖".encode().decode("latin-1"),
    "/a?%zz=%", "/a?" + "&" * 5000, "/a?" + "a=" * 3000, "/+", "/a+b+", "/%2B"])
def test_paths_that_break(server, acme, path):
    link = acme.link()
    for target in (path, path.replace("/a", f"/{link['key']}", 1)):
        wire = Wire(server.port, acme.token)
        wire.head = f"Host: 127.0.0.1\r\nUser-Agent: {BROWSER}\r\n"
        try:
            status, head, _ = wire.request("GET", target)
        except OSError:
            continue  # refused by closing
        assert status < 500 and b"Set-Cookie: x" not in head and b"set-cookie:x" not in head.lower(), (target, head)
        wire.close()


@pytest.mark.parametrize("name", ["dub_id", "a", "qr"])
def test_headers_cant_be_injected(server, acme, name):
    link = acme.link(url="https://x.example/a", key=unique("inject/é"))
    for value in ("x%0d%0aX-Injected:1", "%0aX-Injected:1", "%E5%98%8A%E5%98%8DX-Injected:1", "\u2028x"):
        reply = follow(server, f"{quote(link['key'])}?{name}={value}", cookie="a=b%0d%0aX-Injected:1")
        assert reply.status_code == 302 and "x-injected" not in reply.headers
        assert urlsplit(reply.headers["location"]).hostname == "x.example"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1@evil.example", "x" * 250, "[::1]", "ev\u0131l.example".encode().decode("latin-1"), "."])
def test_hosts_that_are_made_up(server, acme, host):
    link = acme.link()
    wire = Wire(server.port, acme.token)
    wire.head = f"Host: {host}\r\nX-Forwarded-Host: evil.example\r\nForwarded: host=evil.example\r\nAuthorization: Bearer {acme.token}\r\nUser-Agent: {BROWSER}\r\n"
    status, head, body = wire.request("GET", f"/{link['key']}")
    assert status in (302, 400, 404) and b"evil" not in head + body
    status, _, body = wire.request("POST", "/links", b'{"url":"https://x.example"}')
    assert status in (200, 400) and b"evil" not in body
    wire.close()


def test_two_hosts_or_a_whole_address(server, acme):
    link = acme.link()
    for request in (f"GET http://evil.example/{link['key']} HTTP/1.1\r\nHost: 127.0.0.1\r\n", f"GET /{link['key']} HTTP/1.1\r\nHost: a.example\r\nHost: evil.example\r\n"):
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
            connection.sendall((request + f"User-Agent: {BROWSER}\r\nConnection: close\r\n\r\n").encode())
            answer = b""
            while part := connection.recv(65536):
                answer += part
        assert b"evil" not in answer and not answer.startswith(b"HTTP/1.1 5")


def test_pages_show_texts_as_texts(server, acme):
    attack = "\"'><script>alert(1)</script>"
    for fields, path in (({"title": attack, "proxy": True, "description": attack}, ""), ({"title": attack}, "+"), ({"title": attack, "rewrite": True}, ""),
                         ({"password": "x", "title": attack}, "?pw=" + quote(attack)), ({"url": "mailto:a@b.example?subject=\"><script>alert(1)</script>"}, "")):
        link = acme.link(**({"url": "https://x.example/\"><script>alert(1)</script>"} | fields))
        for agent in (BROWSER, "Googlebot/2.1"):
            reply = follow(server, link["key"] + path, agent)
            assert "<script" not in reply.text and "default-src 'none'" in reply.headers.get("content-security-policy", "default-src 'none'")


def test_caches_are_not_stale(server, acme, tmp_path):
    """Through this server, through another on the same file, and from the command line."""
    beside = Server(server.folder)
    beside.log = tmp_path / "log"
    beside.start()
    try:
        link = acme.link(url="https://x.example/0")
        path = f"/links/{link['id']}"
        for n, change in enumerate([{"url": "https://x.example/1"}, {"disabledAt": "2026-01-01"}, {"disabledAt": None}, {"password": "x"}, {"password": None},
                                    {"expiresAt": "2020-01-01"}, {"expiresAt": None}]):
            assert follow(server, link["key"]).status_code and follow(beside, link["key"]).status_code
            acme.ok("PATCH", path, json=change)
            answers = [follow(s, link["key"]) for s in (server, beside)]
            assert len({(a.status_code, a.headers.get("location")) for a in answers}) == 1
            expected = {"disabledAt": 404, "password": 200, "expiresAt": 410}.get(next(iter(change))) if next(iter(change.values())) else 302
            assert answers[0].status_code == (302 if "url" in change else expected), change
        acme.ok("DELETE", path)
        assert [follow(s, link["key"]).status_code for s in (server, beside)] == [404, 404]
        slug = f"{unique('gone')}.example"
        acme.ok("POST", "/domains", json={"slug": slug})
        kept = acme.link(domain=slug)
        assert follow(beside, kept["key"], host=slug).status_code == 302
        acme.ok("DELETE", f"/domains/{slug}")
        assert follow(beside, kept["key"], host=slug).status_code == 404
    finally:
        beside.stop()


def test_nobody_is_sent_to_where_the_link_no_longer_leads(server, acme):
    link = acme.link(url="https://x.example/0")
    done = []

    def work(index):
        if index == 0:
            for n in range(1, 40):
                acme.ok("PATCH", f"/links/{link['id']}", json={"url": f"https://x.example/{n}"})
                done.append(n)
            return
        for _ in range(60):
            known = len(done)
            place = follow(server, link["key"]).headers["location"]
            assert int(place.rsplit("/", 1)[1]) >= known

    together(4, work)


def test_long_and_deep_bodies(acme):
    assert_error(acme.post("/links", {"url": "https://x.example/" + "a" * 32_000}), 422, "unprocessable_entity")
    assert_error(acme.post("/links", {"url": "https://x.example", "geo": {"DE": "https://x.example/" + "a" * 32_000}}), 422, "unprocessable_entity")
    assert_error(acme.post("/links", {"url": "https://x.example", "key": "k" * 191}), 422, "unprocessable_entity")
    assert_error(acme.post("/links", {"url": "https://x.example", "key": "é" * 190}), 422, "unprocessable_entity", "Invalid key.")
    assert_error(acme.post("/links", b'{"url":' + b"[" * 50_000), 400, "bad_request")
    assert acme.post("/links/bulk", b"[" + b"{}," * 400_000 + b"{}]").status_code in (413, 422)


VALUES = [None, "", 0, -1, 1.5, True, [], {}, "x" * 300, "x" * 40_000, "\u202e", "\U0001F600", "https://[::1", "http://%41", "https://x.example:99999", "0000-00-00",
          ["a"], [None], [[]], {"DE": None}, {"": ""}, [{}], "ext_", "_root", "' OR 1=1 --", "%", "\\", "\n", "-a,b", ",,,", "99999999999999999999", "1e5", "xn--", "..", "@", "{"]
BODY = """url domain key keyLength prefix externalId tenantId trackConversion archived tagIds tagNames tagId folderId expiresAt expiredUrl password title image
ios geo utm_source ref testVariants testCompletedAt webhookIds programId slug notFoundUrl logo assetLinks primary name color accessLevel email avatar
stripeCustomerId country deepLink dubDomain linkIds externalIds data""".split()
QUERY = """domain tagId tagIds tagNames folderId search linkIds showArchived sortBy page pageSize limit startingAfter endingBefore groupBy email externalId
event interval start end key url trigger os qr root saleType query customerId bots ids size level margin fgColor format redir_url pw""".split()


@pytest.mark.parametrize("seed", range(3))
def test_no_value_of_any_field_is_too_strange(acme, seed):
    dice = random.Random(seed)
    link, tag = acme.link(), acme.ok("POST", "/tags", json={"name": unique("t")})
    folder = acme.ok("POST", "/folders", json={"name": unique("f")})
    writes = [("POST", "/links"), ("PATCH", f"/links/{link['id']}"), ("PUT", "/links/upsert"), ("POST", "/links/bulk"), ("PATCH", "/links/bulk"), ("POST", "/domains"),
              ("POST", "/tags"), ("PATCH", f"/tags/{tag['id']}"), ("POST", "/folders"), ("PATCH", f"/folders/{folder['id']}"), ("POST", "/customers"), ("POST", "/track/open"),
              ("POST", "/track/visit"), ("POST", "/track/click")]
    reads = ["/links", "/links/count", "/links/info", "/customers", "/customers/count", "/events", "/tags", "/folders", "/domains", "/qr", "/" + link["key"]]
    for _ in range(250):
        method, path = dice.choice(writes)
        body = {"url": "https://x.example"} | {dice.choice(BODY): dice.choice(VALUES) for _ in range(dice.choice([1, 1, 3]))}
        if path == "/links/bulk":
            body = [body] if method == "POST" else {"linkIds": [link["id"]], "data": body}
        reply = acme.http.request(method, path, content=json.dumps(body).encode())
        assert reply.status_code < 500, f"{method} {path} {str(body)[:300]}: {reply.text}"
        query = {dice.choice(QUERY): str(dice.choice(VALUES))[:2_000] for _ in range(dice.choice([1, 1, 3]))}
        reply = acme.http.get(path := dice.choice(reads), params=query, headers={"User-Agent": BROWSER})
        assert reply.status_code < 500 or reply.status_code == 508, f"{path} {query}: {reply.text}"


def test_thousands_of_parameters_take_a_moment(server, acme):
    link = acme.link(url="https://x.example/a")
    query = "&".join(f"k{n}={n}" for n in range(6000))
    begun = time.monotonic()
    reply = follow(server, f"{link['key']}?{query}")
    assert reply.status_code == 302 and reply.headers["location"] == f"https://x.example/a?{query}"
    assert time.monotonic() - begun < 3, "it took minutes when each was set by itself"


def test_endless_names_beyond_ascii_take_a_moment(server):
    begun = time.monotonic()
    names = "".join(chr(0x4E00 + n) for n in range(10_000))
    httpx.post(f"{server.url}/track/open", json={"deepLink": f"https://{names}.example/{names}"}, timeout=30)
    httpx.post(f"{server.url}/track/click", json={"domain": names[:190], "key": names[:190]}, timeout=30)
    assert follow(server, quote(names[:5000])).status_code == 404
    assert time.monotonic() - begun < 3


@pytest.mark.parametrize("path", ["/", "/readyz", "/links", "/links/x", "/nope", "/api/nope", "/track/click", "/qr", "/events"])
def test_a_head_is_never_followed_by_a_body(server, path):
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(f"HEAD {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nHEAD /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while part := connection.recv(65536):
            answer += part
    heads = answer.split(b"\r\n\r\n")
    assert len(heads) == 3 and heads[2] == b"", "two heads and nothing else"
    assert heads[1].startswith(b"HTTP/1.1 200")


def test_domains_that_are_the_servers_own(tmp_path):
    own = Server(tmp_path, "--public-url", "https://public.example", "--api-hosts", "api.example,API2.example", "--default-domain", "short.example").start()
    try:
        acme = own.workspace()
        for slug in ("public.example", "api.example", "api2.example", "API.example", "short.example"):
            assert_error(acme.post("/domains", {"slug": slug}), 422, "unprocessable_entity", "Invalid domain")
        reply = acme.http.post("/domains", json={"slug": "here.example"}, headers={"Host": "here.example"})
        assert_error(reply, 422, "unprocessable_entity", "Invalid domain")
        made = acme.ok("POST", "/domains", json={"slug": "there.example"})
        assert_error(acme.http.patch(f"/domains/{made['slug']}", json={"slug": "api.example"}), 422, "unprocessable_entity", "Invalid domain")
        assert_error(acme.post("/links", {"url": "https://x.example", "domain": "short.example", "key": "_root"}), 409, "conflict")
        # A host with a name does not show what stands on a workspace's domain.
        link = acme.link(domain="there.example")
        assert follow(own, link["key"]).status_code == 302, "a laptop without DNS"
        assert follow(own, link["key"], host="api.example").status_code == 404
        assert follow(own, link["key"], host="there.example.").status_code == 302
    finally:
        own.stop()


def test_a_domain_does_not_bring_links_of_others(tmp_path):
    """The server's default domain of before is somebody's domain now."""
    before = Server(tmp_path, "--default-domain", "old.example").start()
    acme, other = before.workspace(), before.workspace()
    link = acme.link(key="mine")
    assert_error(other.post("/links", {"url": "https://x.example", "domain": "nobodys.example"}), 403, "forbidden", "Domain does not belong to workspace.")
    before.stop()
    after = Server(tmp_path, "--default-domain", "new.example")
    after.start()
    try:
        for space in (acme, other):
            space.http.base_url, space.http.server = after.url, after
        assert_error(other.post("/domains", {"slug": "old.example"}), 409, "conflict")
        free = other.ok("POST", "/domains", json={"slug": "free.example"})
        assert_error(other.http.patch(f"/domains/{free['slug']}", json={"slug": "old.example"}), 409, "conflict")
        # Its own links it may have.
        acme.ok("POST", "/domains", json={"slug": "old.example"})
        assert follow(after, "mine", host="old.example").status_code == 302
        acme.ok("DELETE", "/domains/old.example")
        assert acme.get(f"/links/{link['id']}").status_code == 404
        after.verify()
    finally:
        after.stop()


def test_a_taken_name_does_not_close_the_links_of_others(server, acme, other):
    slug = f"{unique('victim')}.example"
    link = acme.link(url=f"https://{slug}/landing")
    other.ok("POST", "/domains", json={"slug": slug})
    assert follow(server, link["key"]).headers["location"] == f"https://{slug}/landing"


def test_settings_that_lead_in_a_circle(server, circle):
    late = {"expiresAt": "2020-01-01"}
    own = f"https://{circle.slug1}/"
    circle.ok("PATCH", f"/domains/{circle.slug1}", json={"expiredUrl": own + "late", "notFoundUrl": f"https://{circle.slug2}/a"})
    circle.ok("PATCH", f"/domains/{circle.slug2}", json={"notFoundUrl": own + "a"})
    circle.link(domain=circle.slug1, key="late", **late)
    assert follow(server, "late", host=circle.slug1).status_code == 410
    assert follow(server, "a", host=circle.slug1).status_code == 404
    link = circle.link(domain=circle.slug1, expiredUrl=f"http://127.0.0.1:{server.port}/x", **late)
    assert follow(server, link["key"], host=f"127.0.0.1:{server.port}").status_code in (404, 410)
    circle.ok("PATCH", f"/domains/{circle.slug1}", json={"expiredUrl": None, "notFoundUrl": None})


@pytest.mark.one_node
def test_passwords_are_not_guessed_without_end(server, acme):
    link = acme.link(password="right")
    if time.time() % 60 > 50:  # the count starts anew with each minute
        time.sleep(60.1 - time.time() % 60)
    found = [follow(server, f"{link['key']}?pw=wrong{n}").status_code for n in range(40)]
    assert found[:30] == [200] * 30 and found[30:] == [429] * 10
    late = follow(server, f"{link['key']}?pw=right")
    assert late.status_code == 429 and late.headers["retry-after"] == "60"
    assert follow(server, f"{acme.link(password='right')['key']}?pw=right").status_code == 302


def test_what_an_app_is_not_told(server, acme):
    for fields in ({"password": "x"}, {"disabledAt": "2020-01-01"}):
        link = acme.link(**fields)
        found = httpx.post(f"{server.url}/track/open", json={"deepLink": f"https://localhost/{link['key']}"}).json()
        assert found["link"]["id"] == link["id"] and found["link"]["url"] == ""


@pytest.mark.parametrize("key", [".", "..", "a/../b", "./a", "a\u200bb", "a\ufeff", "a\u202eb", "a\u00adb"])
def test_keys_that_nobody_can_ask_for_or_see(acme, key):
    assert_error(acme.post("/links", {"url": "https://x.example", "key": key}), 422, "unprocessable_entity", "Invalid key.")


def test_hosts_that_look_alike(acme):
    slug = f"{unique('wide')}.example"
    made = acme.ok("POST", "/domains", json={"slug": slug.replace("wide", "\uff57ide").replace(".", "\u200b.")})
    assert made["slug"] == slug


def test_hostnames_that_make_no_sense(server):
    space = server.workspace()
    for entry in ("http://good.example", "good.example/x", ".example", "*.*.example", "a..b"):
        done = server.run("workspace", "update", space.slug, "--allowed-hostnames", entry)
        assert done.returncode != 0 and "is no host name" in done.stderr, entry
    done = server.command("workspace", "update", space.slug, "--allowed-hostnames", "WWW.Good.example,*.wide.example")
    assert json.loads(done)["allowedHostnames"] == ["good.example", "*.wide.example"]


@pytest.mark.parametrize("header", [
    "Connection: Upgrade\r\nUpgrade: h2c", "Upgrade: websocket", "Connection: close", "Connection: Close",
    "Connection: close, TE", "Connection: foo ,\tCLOSE", "Connection: keep-alive\r\nConnection: close"])
def test_a_connection_that_is_to_end_ends_with_its_answer(server, acme, header):
    """An upgrade that is offered is not taken; what stands behind it would be read by nobody."""
    customer, _ = acme.lead_customer()
    for _ in range(2):
        wire = Wire(server.ports[0], acme.token)
        invoices = [unique("last"), unique("behind")]
        for invoice in invoices:
            sale = json.dumps({"customerExternalId": customer, "amount": 1, "invoiceId": invoice}).encode()
            wire.socket.sendall(
                f"POST /track/sale HTTP/1.1\r\n{wire.head}{header}\r\nContent-Length: {len(sale)}\r\n\r\n".encode()
                + sale)
        status, head, _ = wire.answer()
        assert status == 200 and b"connection: close" in head.lower()
        wire.socket.settimeout(2)
        assert wire.socket.recv(1000) == b""
        wire.close()
        found = [event["sale"]["invoiceId"] for event in acme.events("sales")]
        assert invoices[0] in found and invoices[1] not in found


@pytest.mark.parametrize("header", ["", "Connection: close\r\n", "Upgrade: h2c\r\n"])
def test_an_early_answer_is_not_taken_back(server, acme, header):
    """The client is still sending when the answer comes: a connection that is closed at once could lose it."""
    wire = Wire(server.ports[0], "dub_wrong")
    wire.socket.sendall(
        f"POST /track/sales/batch HTTP/1.1\r\n{wire.head}{header}Content-Length: 200000\r\n\r\n".encode() + b"[" * 1_000)
    time.sleep(0.5)
    for _ in range(20):
        wire.socket.sendall(b" " * 5_000)
        time.sleep(0.01)
    assert wire.answer()[0] == 401
    wire.close()


def test_requests_that_always_wait_leave_nothing_behind(server, acme):
    """A client that never lets its connection run dry: what was answered is not kept."""
    if len(server.ports) > 1:
        return
    customer, _ = acme.lead_customer()
    wire = Wire(server.ports[0], acme.token)
    filling = "x" * 9_000
    # Always the same sale: nothing is written.
    body = json.dumps({
        "customerExternalId": customer, "amount": 1, "invoiceId": unique("always"),
        "metadata": {"text": filling}}).encode()
    request = f"POST /track/sale HTTP/1.1\r\n{wire.head}Content-Length: {len(body)}\r\n\r\n".encode() + body

    def memory() -> int:
        status = open(f"/proc/{server.process.pid}/status").read()
        return int(status.split("VmRSS:")[1].split()[0])

    # Faster than they are answered.
    writer = threading.Thread(target=lambda: [wire.socket.sendall(request) for _ in range(6_500)])
    writer.start()
    for n in range(6_500):
        if n == 500:
            before = memory()
        assert wire.answer()[0] == 200
    writer.join()
    wire.close()
    assert memory() - before < 30_000, "54 MB came in the meantime"
