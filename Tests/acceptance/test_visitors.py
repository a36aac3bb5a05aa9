"""Who follows a link: bots, browsers, places, proxies; and visits that are reported."""

from pathlib import Path

import geoacumen
import pytest

from harness import BROWSER, Server, assert_error, cookie, follow, httpx, unique

SERVER_FLAGS = ("--trusted-proxies", "127.0.0.1", "--country-header", "CF-IPCountry")
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
CORS = {"access-control-allow-origin": "*", "access-control-allow-methods": "POST, OPTIONS",
        "access-control-allow-headers": "Content-Type, Authorization"}


def clicks(acme, link, **query):
    return acme.ok("GET", "/events", params={"event": "clicks", "interval": "all", "linkId": link["id"], **query})


def post(server, path, body, agent=None, **headers):
    headers = {"User-Agent": agent or f"{BROWSER} {unique('visit')}", **headers}
    reply = httpx.post(f"{server.url}{path}", json=body, headers=headers)
    assert {name: reply.headers.get(name) for name in CORS} == CORS
    return reply


@pytest.mark.parametrize("agent", [
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "curl/8.5.0", "python-requests/2.32", "Wget/1.21", "axios/1.7",
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", "facebookexternalhit/1.1", "PostmanRuntime/7.39", "node"])
def test_bots_go_on_and_do_not_count(server, acme, agent):
    link, customer = acme.link(trackConversion=True), unique("c")
    reply = follow(server, link["key"], f"{agent}")
    assert reply.status_code == 302 and reply.headers["location"].startswith(link["url"])
    assert acme.fresh(link)["clicks"] == 0 and acme.fresh(link)["lastClicked"] is None
    assert clicks(acme, link) == []
    [flagged] = clicks(acme, link, bots="true")
    assert flagged["click"]["id"] == cookie(reply) and flagged["click"]["bot"] is True
    # Flagged, not dropped: what it leads to is on the books.
    acme.lead(customer, cookie(reply))
    acme.sold(customer, 50)
    assert acme.fresh(link)["saleAmount"] == 50


def test_who_says_so_is_a_bot(server, acme):
    link = acme.link()
    follow(server, link["key"] + "?bot=1")
    assert acme.fresh(link)["clicks"] == 0 and len(clicks(acme, link, bots="true")) == 1


@pytest.mark.parametrize("agent, expected", [
    (IPHONE, ("Mobile Safari", "iOS", "Mobile")),
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0", ("Edge", "Windows", "Desktop")),
    ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36", ("Chrome", "Mac OS", "Desktop")),
    ("Something/1.0", ("Unknown", "Unknown", "Desktop"))])
def test_browsers_systems_devices(server, acme, agent, expected):
    link = acme.link()
    follow(server, link["key"], agent)
    [event] = clicks(acme, link)
    assert tuple(event["click"][name] for name in ("browser", "os", "device")) == expected
    assert tuple(event[name] for name in ("browser", "os", "device")) == expected
    for name, value in zip(("browser", "os", "device"), expected):
        assert len(clicks(acme, link, **{name: value})) == 1 and clicks(acme, link, **{name: "-" + value}) == []


def test_the_proxys_word_is_taken(server, acme):
    link = acme.link(geo={"US": "https://x.example/us"})
    reply = follow(server, link["key"], **{"X-Forwarded-For": "203.0.113.7", "CF-IPCountry": "US"})
    assert reply.headers["location"] == "https://x.example/us"
    [event] = clicks(acme, link)
    assert (event["click"]["ip"], event["click"]["country"]) == ("203.0.113.7", "US")
    assert len(clicks(acme, link, country="DE,US")) == 1 and clicks(acme, link, country="Unknown") == []


@pytest.mark.parametrize("forwarded, address", [
    ("6.6.6.6, 203.0.113.7", "203.0.113.7"), ("203.0.113.7, 127.0.0.1", "203.0.113.7"), ("nonsense", "127.0.0.1"),
    ("6.6.6.6, nonsense", "127.0.0.1"), ("2001:db8::7", "2001:db8::7"), ("203.0.113.7:4711", "203.0.113.7"), ("", "127.0.0.1")])
def test_whose_address_it_is(server, acme, forwarded, address):
    link = acme.link()
    follow(server, link["key"], **{"X-Forwarded-For": forwarded})
    assert clicks(acme, link)[0]["click"]["ip"] == address


def test_visitors_behind_a_proxy_are_told_apart(server, acme):
    link, agent = acme.link(), f"{BROWSER} same"
    for address in ("203.0.113.7", "203.0.113.8", "203.0.113.7"):
        follow(server, link["key"], agent, **{"X-Forwarded-For": address})
    assert acme.fresh(link)["clicks"] == 2


@pytest.mark.parametrize("country, shown", [("DE", "DE"), ("fr", "FR"), ("XX", "Unknown"), ("U", "Unknown"), ("USA", "Unknown"), ("1A", "Unknown")])
def test_countries(server, acme, country, shown):
    link = acme.link()
    follow(server, link["key"], **{"X-Forwarded-For": "203.0.113.7", "CF-IPCountry": country})
    [event] = clicks(acme, link)
    assert event["click"]["country"] == shown
    assert event["click"]["ip"] == ("" if shown in ("DE", "FR") else "203.0.113.7"), "no addresses from the European Union"


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """A server that believes no proxy and has a database of places."""
    [file] = Path(geoacumen.__file__).parent.rglob("*.mmdb")
    server = Server(tmp_path_factory.mktemp("places"), "--geo-database", str(file), "--trusted-proxies", "127.0.0.1").start()
    yield server
    server.stop()
    server.verify()


def test_places_by_address(places):
    acme = places.workspace()
    link = acme.link(geo={"US": "https://x.example/us"})
    assert follow(places, link["key"], **{"X-Forwarded-For": "8.8.8.8"}).headers["location"] == "https://x.example/us"
    # The header was not configured here.
    follow(places, link["key"], **{"X-Forwarded-For": "127.0.0.1", "CF-IPCountry": "US"})
    assert sorted(e["click"]["country"] for e in clicks(acme, link)) == ["US", "Unknown"]


def test_without_a_proxy_nobodys_word_is_taken(tmp_path):
    server = Server(tmp_path).start()
    try:
        acme = server.workspace()
        link = acme.link()
        follow(server, link["key"], **{"X-Forwarded-For": "203.0.113.7", "CF-IPCountry": "US", "Forwarded": "for=203.0.113.7"})
        [event] = clicks(acme, link)
        assert (event["click"]["ip"], event["click"]["country"]) == ("127.0.0.1", "Unknown")
    finally:
        server.stop()


@pytest.mark.parametrize("flags, message", [
    (("--country-header", "CF-IPCountry"), "needs --trusted-proxies"), (("--trusted-proxies", "10.0.0.0/99"), "--trusted-proxies"),
    (("--geo-database", "/nowhere.mmdb"), "--geo-database"), (("--user-agent-patterns", "/nowhere.yaml"), "--user-agent-patterns"),
    (("--geo-database", "/etc/hostname"), "/etc/hostname is no database"), (("--user-agent-patterns", "/etc/passwd"), "/etc/passwd is no list"),
    (("--country-header", "a b", "--trusted-proxies", "::1"), "--country-header")])
def test_settings_that_are_wrong(server, flags, message):
    done = server.run("serve", "--port", "1", *flags, timeout=20)
    assert done.returncode != 0 and message in done.stderr + done.stdout and "Fatal" not in done.stderr


# --- visits that are reported --------------------------------------------------------------------


def test_a_deep_link_opens_an_app(server, acme):
    link = acme.link(key=unique("deep") + "/a")
    agent = "MyApp/1 CFNetwork/1410 Darwin/22"
    for url in (f"https://localhost/{link['key']}", f"https://www.LOCALHOST/{link['key'].upper()}/?x=1#y"):
        reply = post(server, "/track/open", {"deepLink": url}, agent)
        found = reply.json()
        assert list(found) == ["clickId", "link"] and found["link"] == {k: link[k] for k in ("id", "domain", "key", "url")}
    [event] = clicks(acme, link)
    assert (event["click"]["trigger"], event["click"]["id"]) == ("deeplink", found["clickId"])
    quiet = post(server, "/track/open", {"deepLink": url}, **{"dub-no-track": "1"}).json()
    assert quiet["clickId"] is None and quiet["link"]["id"] == link["id"]


def test_an_app_that_was_just_installed_finds_its_click(server):
    acme = server.workspace()
    slug = f"{unique('app')}.example"
    acme.ok("POST", "/domains", json={"slug": slug})
    link = acme.link(domain=slug, ios="https://apps.apple.com/app/id1", trackConversion=True)
    ask = lambda domain, address: post(server, "/track/open", {"dubDomain": domain}, "App/1", **{"X-Forwarded-For": address}).json()  # noqa: E731
    assert ask(slug, "203.0.113.9") == {"clickId": None, "link": None}
    reply = follow(server, link["key"], IPHONE, host=slug, **{"X-Forwarded-For": "203.0.113.9", "CF-IPCountry": "DE"})
    assert reply.headers["location"].startswith("https://apps.apple.com/app/id1")
    for spelling in (slug, f"https://{slug}/", slug.upper()):
        found = ask(spelling, "203.0.113.9")
        assert found["clickId"] == cookie(reply) and found["link"]["id"] == link["id"]
    assert ask(slug, "203.0.113.10")["clickId"] is None and ask("other.example", "203.0.113.9")["clickId"] is None
    # A visitor who was not sent to a store is not looked for.
    web = acme.link(domain=slug)
    follow(server, web["key"], host=slug, **{"X-Forwarded-For": "203.0.113.11"})
    assert ask(slug, "203.0.113.11")["clickId"] is None


@pytest.mark.parametrize("path, body, status, code, message", [
    ("/track/open", {}, 422, "unprocessable_entity", "custom: : You need to provide either `deepLink` or `dubDomain` for deferred deep linking."),
    ("/track/open", {"deepLink": "no url"}, 422, "unprocessable_entity", "custom: deepLink: Invalid URL"),
    ("/track/open", {"deepLink": "https://localhost/none"}, 404, "not_found", "Deep link not found: https://localhost/none"),
    ("/track/visit", {}, 400, "bad_request", "Missing domain or url"),
    ("/track/visit", {"domain": "localhost"}, 400, "bad_request", "Missing domain or url"),
    ("/track/visit", {"domain": "localhost", "url": "no url"}, 422, "unprocessable_entity", "invalid_format: url: Invalid URL"),
    ("/track/visit", {"domain": "a.example", "url": "https://x.example/none"}, 404, "not_found", "Link not found for domain: a.example and key: none."),
])
def test_reports_that_are_refused(server, path, body, status, code, message):
    assert_error(post(server, path, body), status, code, message)


def test_page_views(server, acme):
    link = acme.link(key=unique("page"))
    agent = f"{BROWSER} reader"
    url = f"https://docs.example/{link['key']}/?x=1"
    ids = {post(server, "/track/visit", {"domain": "localhost", "url": url, "referrer": "https://news.example/a"}, agent).json()["clickId"] for _ in range(2)}
    [event] = clicks(acme, link)
    assert ids == {event["click"]["id"]}
    assert (event["click"]["trigger"], event["click"]["url"], event["click"]["referer"]) == ("pageview", url, "news.example")
    server.command("workspace", "update", acme.slug, "--allowed-hostnames", "docs.example")
    try:
        assert_error(post(server, "/track/visit", {"domain": "localhost", "url": url}), 403, "forbidden")
        assert post(server, "/track/visit", {"domain": "localhost", "url": url}, Referer="https://docs.example/x").status_code == 200
        assert acme.fresh(link)["clicks"] == 2
    finally:
        server.command("workspace", "update", acme.slug, "--allowed-hostnames", "")


def test_reported_clicks_of_bots_and_of_who_asks_not_to_be_counted(server, acme):
    link = acme.link()
    body = {"domain": "localhost", "key": link["key"]}
    assert post(server, "/track/click", body, **{"dub-no-track": "1"}).json() == {"clickId": None}
    flagged = post(server, "/track/click", body, "curl/8").json()["clickId"]
    assert acme.fresh(link)["clicks"] == 0 and [e["click"]["id"] for e in clicks(acme, link, bots="true")] == [flagged]


def test_preflights(server):
    for path in ("/track/open", "/track/visit", "/api/track/open"):
        reply = httpx.options(server.url + path)
        assert reply.status_code == 204 and {name: reply.headers.get(name) for name in CORS} == CORS


@pytest.mark.parametrize("agent", [
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/124.0.0.0 Safari/537.36", "Iframely/1.3.1 (+https://iframely.com/docs/about)",
    "http.rb/5.1.1 (Mastodon/4.2; +https://social.example/)", "facebookcatalog/1.0", "Bluesky Cardyb/1.1", "Claude-Web/1.0", "Playwright/1.40", "Dart/3.2 (dart:io)"])
def test_more_programs(server, acme, agent):
    link = acme.link()
    assert follow(server, link["key"], agent).status_code == 302
    assert acme.fresh(link)["clicks"] == 0


@pytest.mark.parametrize("agent, device", [
    ("Mozilla/5.0 (Linux; Android 13; CUBOT P80) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/116.0.0.0 Mobile Safari/537.36", "Mobile"),
    ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 Instagram 320.0.0.0", "Mobile"),
    ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36 Aircraft/1", "Desktop")])
def test_people_are_no_programs(server, acme, agent, device):
    link = acme.link()
    follow(server, link["key"], agent)
    assert acme.fresh(link)["clicks"] == 1
    assert clicks(acme, link)[0]["click"]["device"] == device
