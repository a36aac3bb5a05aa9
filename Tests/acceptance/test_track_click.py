"""POST /track/click: clicks that a site's script reports; no key, any origin."""

import re

import pytest

from harness import BAD_JSON, BROWSER, assert_error, httpx, unique

CORS = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "POST, OPTIONS",
    "access-control-allow-headers": "Content-Type, Authorization",
}


def report(server, body, agent=None, prefix="", **headers):
    headers = {"User-Agent": agent or f"{BROWSER} {unique('visit')}", **headers}
    kind = {"content": body} if isinstance(body, bytes) else {"json": body}
    reply = httpx.post(f"{server.url}{prefix}/track/click", headers=headers, **kind)
    assert {name: reply.headers.get(name) for name in CORS} == CORS
    return reply


def at(link, **fields):
    return {"domain": link["domain"], "key": link["key"], **fields}


@pytest.mark.parametrize("prefix", ["", "/api"])
def test_a_click_is_recorded_and_leads_to_a_sale(server, acme, prefix):
    link = acme.link()
    reply = report(server, at(link), prefix=prefix)
    assert reply.status_code == 200 and list(reply.json()) == ["clickId"]
    click = reply.json()["clickId"]
    assert re.fullmatch("[0-9A-Za-z]{16}", click)
    assert acme.fresh(link)["clicks"] == 1
    customer = unique("c")
    acme.lead(customer, click)
    acme.sold(customer, 9)
    assert acme.fresh(link)["saleAmount"] == 9


def test_one_visitor_is_one_click_for_an_hour(server, acme):
    link, agent = acme.link(), f"{BROWSER} {unique('same')}"
    ids = {report(server, at(link), agent).json()["clickId"] for _ in range(3)}
    assert len(ids) == 1 and acme.fresh(link)["clicks"] == 1
    assert report(server, at(acme.link()), agent).json()["clickId"] not in ids
    assert acme.click(link, agent) in ids
    assert acme.fresh(link)["clicks"] == 1


def test_the_same_visitor_at_once_is_one_click(server, acme):
    from harness import together
    link, agent = acme.link(), f"{BROWSER} {unique('same')}"
    ids = together(16, lambda _: report(server, at(link), agent).json()["clickId"])
    assert len(set(ids)) == 1 and acme.fresh(link)["clicks"] == 1


def test_page_and_referrer_are_kept(server, acme):
    link = acme.link()
    report(server, at(link, url="https://shop.example/landing?x=1", referrer="https://www.news.example/a"))
    [event] = acme.events("clicks", linkId=link["id"])
    assert event["click"]["url"] == event["url"] == "https://shop.example/landing?x=1"
    assert event["click"]["refererUrl"] == "https://www.news.example/a"
    assert event["click"]["referer"] in ("www.news.example", "news.example")


@pytest.mark.parametrize("fields", [{"url": None, "referrer": None}, {"url": "no url"}, {"other": 1}])
def test_a_page_that_is_no_url_is_the_links_destination(server, acme, fields):
    link = acme.link()
    assert report(server, at(link, **fields)).status_code == 200
    [event] = acme.events("clicks", linkId=link["id"])
    assert event["click"]["url"] == link["url"]


@pytest.mark.parametrize("spelling", ["{}", "https://{}", "http://{}/some/path", "www.{}", "https://www.{}/", "{}/x"])
def test_spellings_of_the_domain(server, acme, spelling):
    link = acme.link()
    body = at(link) | {"domain": spelling.format(link["domain"])}
    assert report(server, body).status_code == 200


@pytest.mark.parametrize("body, status, code, message", [
    ({}, 422, "unprocessable_entity", "invalid_type: domain: domain is required."),
    ({"key": "k"}, 422, "unprocessable_entity", "invalid_type: domain: domain is required."),
    ({"domain": "d.example"}, 422, "unprocessable_entity", "invalid_type: key: key is required."),
    ({"domain": "d.example", "key": "k"}, 404, "not_found", "Link not found for domain: d.example and key: k."),
    ({"domain": "https://www.d.example/x", "key": "k"}, 404, "not_found", "Link not found for domain: d.example and key: k."),
    ({"domain": 5, "key": "k"}, 422, "unprocessable_entity", re.compile("^invalid_type: domain: ")),
    ({"domain": "d.example", "key": []}, 422, "unprocessable_entity", re.compile("^invalid_type: key: ")),
    ({"domain": "d.example", "key": "k", "url": 5}, 422, "unprocessable_entity", re.compile("^invalid_type: url: ")),
    (b"{", 400, "bad_request", BAD_JSON), (b"", 400, "bad_request", BAD_JSON),
])
def test_errors(server, body, status, code, message):
    assert_error(report(server, body), status, code, message)


def test_preflight(server):
    for prefix in ("", "/api"):
        reply = httpx.options(f"{server.url}{prefix}/track/click", headers={"Origin": "https://x.example"})
        assert (reply.status_code, reply.content) == (204, b"")
        assert {name: reply.headers.get(name) for name in CORS} == CORS


def test_disabled_and_expired_links_still_count(server, acme):
    for change in ({"disabledAt": "2026-01-01T00:00:00Z"}, {"expiresAt": "2020-01-01"}, {"archived": True}):
        link = acme.link(**change)
        assert report(server, at(link)).status_code == 200
        assert acme.fresh(link)["clicks"] == 1


def denied(host):
    return (f"Request origin '{host}' is not included in the allowed hostnames for this workspace. "
            "Update your allowed hostnames here: https://app.dub.co/settings/tracking")


def test_only_allowed_sites_may_report(server):
    strict = server.workspace()
    server.command("workspace", "update", strict.slug, "--allowed-hostnames", "a.example,*.b.example")
    link = strict.link()
    for headers, host in [
        ({}, "null"), ({"Referer": "https://evil.example/"}, "evil.example"),
        ({"Origin": "https://www.evil.example"}, "evil.example"), ({"Origin": "https://b.example"}, "b.example"),
        ({"Referer": "https://evil.example", "Origin": "https://a.example"}, "evil.example"),
        ({"Origin": "https://sub.a.example"}, "sub.a.example"), ({"Origin": "https://xb.example"}, "xb.example"),
    ]:
        assert_error(report(server, at(link), **headers), 403, "forbidden", denied(host))
    assert strict.fresh(link)["clicks"] == 0
    allowed = [
        {"Referer": "https://a.example/page"}, {"Origin": "https://www.a.example:8443"},
        {"Origin": "https://x.b.example"}, {"Origin": "https://y.x.b.example"},
        {"Referer": "https://A.example/", "Origin": "https://evil.example"}]
    for headers in allowed:
        assert report(server, at(link), **headers).status_code == 200, headers
    assert strict.fresh(link)["clicks"] == len(allowed)
    # A repeated click is answered whatever the site.
    agent = f"{BROWSER} {unique('same')}"
    first = report(server, at(link), agent, Origin="https://a.example").json()
    assert report(server, at(link), agent, Origin="https://evil.example").json() == first
