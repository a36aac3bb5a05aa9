"""Following short links: where the visitor goes and which clicks count."""

import re

import pytest

from harness import BROWSER, Wire, assert_error, cookie, follow, httpx, together, unique


@pytest.fixture(scope="module")
def shop(server):
    workspace = server.workspace()
    workspace.ok("POST", "/domains", json={
        "slug": "go.store.example", "notFoundUrl": "https://store.example/lost",
        "expiredUrl": "https://store.example/late"})
    return workspace


def clicks(workspace, link):
    return workspace.fresh(link)["clicks"]


def test_a_visitor_goes_on_and_the_click_counts(server, acme):
    link = acme.link()
    reply = follow(server, link["key"])
    assert reply.status_code == 302 and reply.headers["location"] == link["url"]
    assert re.fullmatch(
        rf"dub_id_{re.escape(link['domain'])}_{link['key']}=[0-9A-Za-z]{{16}}; Path=/{link['key']}; Max-Age=3600",
        reply.headers["set-cookie"])
    assert "x-powered-by" in reply.headers
    assert reply.headers["x-robots-tag"] == "googlebot: noindex"
    now = acme.fresh(link)
    assert now["clicks"] == 1 and now["lastClicked"]
    [event] = acme.events("clicks", linkId=link["id"])
    assert event["click"]["id"] == cookie(reply)
    assert event["click"]["trigger"] == "link" and event["click"]["referer"] == "(direct)"


@pytest.mark.parametrize("url, location", [
    ("https://x.example/a", "https://x.example/a?dub_id={}"),
    ("https://x.example/a?b=1", "https://x.example/a?b=1&dub_id={}"),
    ("https://x.example/a#frag", "https://x.example/a?dub_id={}#frag"),
    ("https://x.example/?dub_id=old&z=1", "https://x.example/?dub_id={}&z=1"),
])
def test_conversion_links_carry_the_click(server, acme, url, location):
    link = acme.link(url=url, trackConversion=True)
    reply = follow(server, link["key"])
    assert reply.headers["location"] == location.format(cookie(reply))


def test_the_click_that_was_handed_on_leads_to_a_sale(server, acme):
    link, customer = acme.link(trackConversion=True), unique("c")
    location = follow(server, link["key"]).headers["location"]
    acme.lead(customer, re.search("dub_id=([0-9A-Za-z]{16})", location)[1])
    acme.sold(customer, 70)
    assert acme.fresh(link)["saleAmount"] == 70


def test_one_visitor_counts_once_an_hour(server, acme):
    link, agent = acme.link(trackConversion=True), f"{BROWSER} {unique('same')}"
    ids = {cookie(follow(server, link["key"], agent)) for _ in range(3)}
    assert len(ids) == 1 and clicks(acme, link) == 1
    follow(server, link["key"])
    assert clicks(acme, link) == 2


def test_one_visitor_at_once_counts_once(server, acme):
    link, agent = acme.link(), f"{BROWSER} {unique('same')}"
    ids = together(20, lambda _: cookie(follow(server, link["key"], agent)))
    # Each node may tell an id of its own; all stand for one click.
    assert 1 <= len(set(ids)) <= len(server.ports) and clicks(acme, link) == 1
    for id in set(ids):
        acme.lead(unique("c"), id)


def test_many_visitors_at_once_all_count(server, acme):
    link = acme.link()
    ids = together(40, lambda n: cookie(follow(server, link["key"], f"{BROWSER} crowd {n}")))
    assert len(set(ids)) == 40 and clicks(acme, link) == 40


def test_head_goes_on_but_does_not_count(server, acme):
    link = acme.link()
    reply = follow(server, link["key"], method="HEAD")
    assert reply.status_code == 302 and reply.headers["location"].startswith(link["url"])
    assert clicks(acme, link) == 0


def test_visitors_who_ask_not_to_be_counted(server, acme):
    link = acme.link(trackConversion=True)
    for reply in (follow(server, link["key"] + "?dub-no-track=1"),
                  follow(server, link["key"], **{"dub-no-track": "1"})):
        assert reply.status_code == 302 and "dub_id" not in reply.headers["location"]
    assert clicks(acme, link) == 0


def test_a_scanned_code_is_told_apart(server, acme):
    link = acme.link()
    follow(server, link["key"] + "?qr=1", Referer="https://www.poster.example/a")
    [event] = acme.events("clicks", linkId=link["id"])
    assert event["click"]["trigger"] == "qr" and event["click"]["qr"] is True and event["qr"] == 1
    assert event["click"]["refererUrl"] == "https://www.poster.example/a"


def test_what_the_visitor_brings_goes_along(server, acme):
    link = acme.link(url="https://x.example/a?color=red&size=1")
    location = follow(server, link["key"] + "?color=blue&coupon=1&qr=1").headers["location"]
    base, query = location.split("?")
    assert base == "https://x.example/a"
    assert sorted(query.split("&")) == ["color=blue", "coupon=1", "size=1"]


@pytest.mark.parametrize("query, onward", [
    ("%ff=%fe", "%EF%BF%BD=%EF%BF%BD"), ("a=%zz+b", "a=%25zz%20b"), ("%", "%25="), ("a=%C3%A9", "a=%C3%A9"),
])
def test_what_the_visitor_brings_broken_goes_along_as_browsers_read_it(server, acme, query, onward):
    link = acme.link(url="https://x.example/a")
    location = follow(server, f"{link['key']}?{query}").headers["location"]
    assert location == f"https://x.example/a?{onward}"


@pytest.mark.parametrize("spelling", ["{}", "{}/", "/{}", "{}//"])
def test_keys_with_slashes(server, acme, shop, spelling):
    key = unique("promo") + "/summer/x"
    link, other = acme.link(key=key), shop.link(key=key, domain="go.store.example")
    reply = follow(server, spelling.format(key))
    assert (reply.status_code, reply.headers["location"]) == (302, link["url"])
    assert f"Path=/{key};" in reply.headers["set-cookie"]
    assert follow(server, spelling.format(key), host="go.store.example").status_code == 302
    assert clicks(acme, link) == 1 and clicks(shop, other) == 1
    assert_error(follow(server, key + "/y"), 404, "not_found")


def test_links_that_lead_nowhere(server, acme):
    assert_error(follow(server, unique("nokey")), 404, "not_found")
    disabled = acme.link(disabledAt="2026-01-01T00:00:00Z")
    assert follow(server, disabled["key"]).status_code == 404
    late = acme.link(expiresAt="2020-01-01T00:00:00Z")
    reply = follow(server, late["key"])
    assert "location" not in reply.headers and reply.status_code in (200, 404, 410)
    onward = acme.link(expiresAt="2020-01-01T00:00:00Z", expiredUrl="https://x.example/late")
    reply = follow(server, onward["key"])
    assert (reply.status_code, reply.headers["location"]) == (302, "https://x.example/late")
    for link in (disabled, late, onward):
        assert clicks(acme, link) == 0


def test_changes_take_effect_with_the_next_visitor(server, acme):
    link = acme.link()
    path = f"/links/{link['id']}"
    for n in range(5):
        acme.ok("PATCH", path, json={"url": f"https://x.example/{n}"})
        assert follow(server, link["key"]).headers["location"] == f"https://x.example/{n}"
    acme.ok("PATCH", path, json={"disabledAt": "2026-01-01T00:00:00Z"})
    assert follow(server, link["key"]).status_code == 404
    acme.ok("PATCH", path, json={"disabledAt": None})
    assert follow(server, link["key"]).status_code == 302
    acme.ok("DELETE", path)
    assert follow(server, link["key"]).status_code == 404


def test_letters_beyond_ascii_in_the_destination(server, acme):
    link = acme.link(url="https://x.example/ü?q=é")
    location = follow(server, link["key"]).headers["location"]
    assert location == "https://x.example/%C3%BC?q=%C3%A9"


@pytest.mark.parametrize("host", ["go.store.example", "GO.store.example", "www.go.store.example", "go.store.example:8443"])
def test_a_host_that_is_a_link_domain(server, shop, host):
    link = shop.link(key=f"a/{unique('deep')}")
    reply = follow(server, link["key"], host=host)
    assert (reply.status_code, reply.headers["location"]) == (302, link["url"])
    assert clicks(shop, link) == 1


def test_on_a_link_domain_there_is_no_api(server, shop):
    for path in ("customers", "links/info", "track/sale", "healthz", "metrics"):
        reply = follow(server, path, host="go.store.example", Authorization=f"Bearer {shop.token}")
        assert (reply.status_code, reply.headers.get("location")) in [
            (302, "https://store.example/lost"), (307, "https://store.example/lost")], path
    reply = httpx.post(f"{server.url}/track/sale", json={"customerExternalId": "x", "amount": 1},
                       headers={"Host": "go.store.example", "Authorization": f"Bearer {shop.token}"})
    assert 400 <= reply.status_code < 500


def test_a_link_of_one_domain_is_not_on_another(server, shop, acme):
    link = acme.link()
    assert follow(server, link["key"], host="go.store.example").headers["location"] == "https://store.example/lost"


def test_late_links_of_a_domain_go_where_it_says(server, shop):
    link = shop.link(expiresAt="2020-01-01T00:00:00Z")
    reply = follow(server, link["key"], host="go.store.example")
    assert (reply.status_code, reply.headers["location"]) == (302, "https://store.example/late")


def test_the_root_of_a_domain(server, shop):
    root = shop.get("/links/info", domain="go.store.example", key="_root")
    if root.status_code == 200:
        shop.ok("PATCH", f"/links/{root.json()['id']}", json={"url": "https://store.example/home"})
    else:
        shop.link(key="_root", url="https://store.example/home")
    reply = follow(server, "", host="go.store.example")
    assert (reply.status_code, reply.headers["location"]) == (301, "https://store.example/home")


def test_a_laptop_needs_no_dns(server, shop):
    link = shop.link()
    reply = follow(server, link["key"])
    assert (reply.status_code, reply.headers["location"]) == (302, link["url"])


def test_hosts_that_make_no_sense_do_no_harm(server, acme):
    for host in ("", "[::1", "a" * 300, "x:y:z"):
        wire = Wire(server.port, acme.token)
        wire.head = f"Host: {host}\r\n"
        status, _, _ = wire.request("GET", "/healthz")
        assert status < 500
        wire.close()
    for key in ("%", "%ff", "%00", "a%2Fb", "x" * 5000, "%E2%82"):
        assert follow(server, key).status_code in (400, 404, 414), key


@pytest.mark.parametrize("key, asked", [("größe", "gr%C3%B6%C3%9Fe"), ("Sale", "sale"), ("a/Ключ", "a/%D0%BA%D0%BB%D1%8E%D1%87")])
def test_cookies_are_for_the_path_that_was_asked_for(server, acme, key, asked):
    """Browsers send a cookie back to its path only, letter by letter."""
    prefix = unique("path")
    link = acme.link(key=f"{prefix}/{key}", password="x")
    with httpx.Client(headers={"User-Agent": f"{BROWSER} {prefix}"}) as browser:
        first = browser.get(f"{server.url}/{prefix}/{asked}", params={"pw": "x"})
        assert first.status_code == 302
        assert all(f"; Path=/{prefix}/{asked};" in text for text in first.headers.get_list("set-cookie"))
        assert browser.get(f"{server.url}/{prefix}/{asked}").status_code == 302, "the password is remembered"
    for port in server.ports:
        server.settle(port)
    assert clicks(acme, link) == 1


def test_letters_are_the_same_however_composed(server, acme):
    link = acme.link(key=unique("u\u0308ber"))
    assert follow(server, link["key"]).status_code == 302
    number = link["key"].rsplit("-", 1)[1]
    assert follow(server, f"%C3%BCber-{number}").status_code == follow(server, f"u%CC%88ber-{number}").status_code


def test_programs_do_not_use_up_the_clicks_of_people(server, acme):
    link, agent = acme.link(), f"{BROWSER} {unique('person')}"
    flagged = cookie(follow(server, link["key"] + "?bot=1", agent))
    counted = cookie(follow(server, link["key"], agent))
    assert flagged != counted and clicks(acme, link) == 1
    again = follow(server, link["key"], f"{agent} x", cookie=f"dub_id_localhost_{link['key']}={flagged}")
    assert cookie(again) != flagged and clicks(acme, link) == 2


def test_a_parameter_named_pw_goes_along_without_a_password(server, acme):
    assert follow(server, acme.link(url="https://x.example/a")["key"] + "?pw=2").headers["location"] == "https://x.example/a?pw=2"
    assert follow(server, acme.link(url="https://x.example/a", password="2")["key"] + "?pw=2&b=1").headers["location"] == "https://x.example/a?b=1"


def test_a_referer_is_its_host(server, acme):
    link = acme.link()
    follow(server, link["key"], referer="https://www.news.example/a?b")
    follow(server, link["key"], referer="")
    assert [e["click"]["referer"] for e in acme.events("clicks", linkId=link["id"])] == ["(direct)", "news.example"]


@pytest.mark.one_node
def test_redirects_of_a_domain_are_counted(server, shop):
    link = shop.link(domain="go.store.example")

    name = 'tribute_http_requests_total{method="GET",route="/{key}",status="3xx"}'
    before = server.metric(name)
    follow(server, link["key"], host="go.store.example")
    assert server.metric(name) == before + 1
    refused = follow(server, link["key"], host="go.store.example", method="POST")
    assert refused.status_code == 405 and refused.headers["allow"] == "GET, HEAD"
