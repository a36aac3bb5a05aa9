"""/track/lead/client and /track/sale/client: what a browser may call with a publishable key."""

import re

import pytest

from harness import BAD_JSON, assert_error, bearer, httpx, pairs, unique

CORS = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "POST, OPTIONS",
    "access-control-allow-headers": "Content-Type, Authorization",
}
BOTH = pytest.mark.parametrize("path", ["/track/lead/client", "/track/sale/client"])


@pytest.fixture(scope="module")
def site(server):
    workspace = server.workspace()
    workspace.key = server.token(workspace.slug, "--publishable")
    return workspace


@pytest.fixture(scope="module")
def guarded(server):
    workspace = server.workspace()
    workspace.key = server.token(workspace.slug, "--publishable")
    server.command("workspace", "update", workspace.slug, "--allowed-hostnames", "a.com,*.b.com")
    return workspace


def call(server, path, body, key=None, **headers):
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    kind = {"content": body} if isinstance(body, bytes) else {"json": body}
    reply = httpx.post(server.url + path, headers=headers, **kind)
    assert {name: reply.headers.get(name) for name in CORS} == CORS, path
    return reply


def test_the_key_is_of_its_own_kind(site):
    assert re.fullmatch("dub_pk_[A-Za-z0-9_-]{16,64}", site.key)


@pytest.mark.parametrize("prefix", ["", "/api"])
def test_lead_and_sale_from_a_page(server, site, prefix):
    link, customer = site.link(), unique("c")
    click = site.click(link)
    reply = call(server, f"{prefix}/track/lead/client", {
        "clickId": click, "eventName": "Sign up", "customerExternalId": f" {customer} "}, site.key)
    assert reply.status_code == 200, reply.text
    assert [k for k, _ in pairs(reply.content)] == ["click", "link", "customer"]
    body = {"customerExternalId": f" {customer} ", "amount": 50, "invoiceId": unique("in")}
    first = call(server, f"{prefix}/track/sale/client", body, site.key)
    assert first.status_code == 200, first.text
    assert [k for k, _ in pairs(first.content)] == ["eventName", "customer", "sale"]
    again = call(server, f"{prefix}/track/sale/client", body, site.key)
    assert again.content == first.content and again.headers["idempotent-replayed"] == "true"
    # The server's own endpoint knows the invoice too.
    same = site.sale(customer, 50, invoiceId=body["invoiceId"])
    assert same.content == first.content and same.headers["idempotent-replayed"] == "true"
    assert site.fresh(link)["saleAmount"] == 50


@BOTH
def test_order_of_the_checks_of_the_key(server, site, path):
    bad = b"{"
    assert_error(call(server, path, bad), 401, "unauthorized", "Missing publishable key.")
    wrong = "Invalid or missing publishable key."
    for value in ("Basic x", site.key, f"bearer {site.key}", f"Bearer {site.token}", "Bearer dub_x"):
        reply = httpx.post(server.url + path, content=bad, headers={"Authorization": value})
        assert_error(reply, 400, "bad_request", wrong)
    assert_error(call(server, path, bad, "dub_pk_" + "x" * 24), 401, "unauthorized", "Invalid publishable key.")


@BOTH
@pytest.mark.parametrize("plan", ["free", "pro"])
def test_the_plan_comes_before_the_body(server, path, plan):
    poor = server.workspace(plan)
    key = server.token(poor.slug, "--publishable")
    assert_error(call(server, path, b"{", key), 403, "forbidden", "Unauthorized: Need higher plan.")


def test_a_new_key_replaces_the_old_one_at_once(server):
    workspace = server.workspace()
    old = server.token(workspace.slug, "--publishable")
    body = {"customerExternalId": "x", "amount": 1}
    assert call(server, "/track/sale/client", body, old).status_code == 200
    new = server.token(workspace.slug, "--publishable")
    assert_error(call(server, "/track/sale/client", body, old), 401, "unauthorized", "Invalid publishable key.")
    assert call(server, "/track/sale/client", body, new).status_code == 200


@pytest.mark.parametrize("method, path", [
    ("POST", "/track/sale"), ("POST", "/track/lead"), ("GET", "/customers"), ("GET", "/events"),
    ("POST", "/links"), ("GET", "/domains")])
def test_a_publishable_key_opens_nothing_else(server, site, method, path):
    reply = httpx.request(method, server.url + path, headers=bearer(site.key))
    assert_error(reply, 401, "unauthorized", "Unauthorized: Invalid API key.")


@BOTH
@pytest.mark.parametrize("headers, host", [
    ({}, "null"), ({"Origin": "https://evil.com"}, "evil.com"), ({"Origin": "null"}, "null"),
    ({"Referer": "https://www.evil.com/x"}, "evil.com"), ({"Origin": "https://b.com"}, "b.com"),
    ({"Origin": "https://x.a.com"}, "x.a.com"), ({"Origin": "https://a.com.evil.com"}, "a.com.evil.com"),
    ({"Referer": "https://evil.com/?https://a.com", "Origin": "https://a.com"}, "evil.com"),
    ({"Referer": "https://a.com@evil.com/"}, "evil.com")])
def test_hostnames_are_checked_after_the_json_and_before_the_rules(server, guarded, path, headers, host):
    message = (f"Request origin '{host}' is not included in the allowed hostnames for this workspace. "
               "Update your allowed hostnames here: https://app.dub.co/settings/tracking")
    assert_error(call(server, path, {}, guarded.key, **headers), 403, "forbidden", message)
    assert_error(call(server, path, b"{", guarded.key, **headers), 400, "bad_request", BAD_JSON)


@BOTH
@pytest.mark.parametrize("headers", [
    {"Origin": "https://a.com"}, {"Referer": "https://www.a.com/cart"}, {"Origin": "https://x.b.com"},
    {"Referer": "https://y.x.b.com/", "Origin": "https://evil.com"}])
def test_allowed_hostnames_reach_the_rules(server, guarded, path, headers):
    assert call(server, path, {}, guarded.key, **headers).status_code == 422


def test_the_list_of_hostnames_takes_effect_at_once(server):
    workspace = server.workspace()
    key = server.token(workspace.slug, "--publishable")
    body, headers = {"customerExternalId": "x", "amount": 1}, {"Origin": "https://c.com"}
    for hostnames, status in [("a.com", 403), ("c.com", 200), ("a.com", 403), ("", 200)]:
        server.command("workspace", "update", workspace.slug, "--allowed-hostnames", hostnames)
        assert call(server, "/track/sale/client", body, key, **headers).status_code == status


@pytest.mark.parametrize("path, change, message", [
    ("sale", {"customerExternalId": None}, re.compile("^invalid_type: customerExternalId: ")),
    ("sale", {"customerExternalId": ""}, "too_small: customerExternalId: customerExternalId is required"),
    ("sale", {"customerExternalId": "  "}, "too_small: customerExternalId: customerExternalId is required"),
    ("sale", {"customerExternalId": "x" * 101}, "too_big: customerExternalId: Too big: expected string to have <=100 characters"),
    ("sale", {"customerExternalId": ..., "externalId": "x"}, re.compile("^invalid_type: customerExternalId: ")),
    ("sale", {"customerExternalId": ..., "customerId": "x"}, re.compile("^invalid_type: customerExternalId: ")),
    ("sale", {"amount": -1}, "too_small: amount: amount cannot be negative"),
    ("sale", {"amount": ...}, "invalid_type: amount: amount is required"),
    ("lead", {"customerExternalId": ..., "externalId": "x"}, re.compile("^invalid_type: customerExternalId: ")),
    ("lead", {"clickId": None}, re.compile("^invalid_type: clickId: ")),
    ("lead", {"clickId": ...}, re.compile("^invalid_type: clickId: ")),
    ("lead", {"eventName": " "}, "too_small: eventName: eventName is required"),
    ("lead", {"mode": "x"}, 'invalid_value: mode: Invalid option: expected one of "async"|"wait"|"deferred"'),
], ids=lambda v: str(v)[:40])
def test_the_stricter_rules(server, site, path, change, message):
    body = {"customerExternalId": "c", "amount": 1} if path == "sale" else {
        "customerExternalId": "c", "clickId": "k", "eventName": "e"}
    body = {k: v for k, v in (body | change).items() if v is not ...}
    before = site.state()
    assert_error(call(server, f"/track/{path}/client", body, site.key), 422, "unprocessable_entity", message)
    assert site.state() == before


def test_an_empty_click_means_the_customers_own(server, site):
    customer, link = site.lead_customer(mode="deferred")
    reply = call(server, "/track/lead/client", {
        "clickId": "", "eventName": "Sign up", "customerExternalId": customer}, site.key)
    assert reply.status_code == 200 and reply.json()["link"]["id"] == link["id"]


@BOTH
def test_preflight_needs_no_key(server, path):
    for prefix in ("", "/api"):
        reply = httpx.options(server.url + prefix + path)
        assert (reply.status_code, reply.content) == (204, b"")
        assert {name: reply.headers.get(name) for name in CORS} == CORS
        assert "access-control-allow-credentials" not in reply.headers
