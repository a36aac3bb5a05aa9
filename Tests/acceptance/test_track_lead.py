"""POST /track/lead: rules of the body, modes, quantity, one lead per customer and name."""

import json
import re

import pytest

from harness import BAD_JSON, BROWSER, assert_error, pairs, unique

LEAD = "/track/lead"
HEART = "\U0001F496"
NEEDS_CLICK = (
    "The `clickId` property was not provided in the request, "
    "and no existing customer with the provided `customerExternalId` was found.")


@pytest.fixture(scope="module")
def quiet(server):
    workspace = server.workspace()
    workspace.known, workspace.only_link = workspace.lead_customer()
    workspace.open_click = workspace.click(workspace.only_link)
    return workspace


def refused(workspace, body, status, code, message):
    before = workspace.state(workspace.only_link)
    assert_error(workspace.post(LEAD, body), status, code, message)
    assert workspace.state(workspace.only_link) == before


def starts(text):
    return re.compile("^" + re.escape(text))


def too_big(name, size):
    return f"too_big: {name}: Too big: expected string to have <={size} characters"


INVALID = [
    ({"eventName": None}, starts("invalid_type: eventName: ")),
    ({"eventName": 5}, starts("invalid_type: eventName: ")),
    ({"eventName": ""}, "too_small: eventName: eventName is required"),
    ({"eventName": " \t\n\u00a0\ufeff"}, "too_small: eventName: eventName is required"),
    ({"eventName": "x" * 256}, too_big("eventName", 255)),
    ({"eventName": HEART * 128}, too_big("eventName", 255)),
    ({"customerExternalId": "x" * 101}, too_big("customerExternalId", 100)),
    ({"customerExternalId": HEART * 51}, too_big("customerExternalId", 100)),
    ({"externalId": "x" * 101}, too_big("externalId", 100)),
    ({"customerId": "x" * 101}, too_big("customerId", 100)),
    ({"customerExternalId": 1}, "invalid_type: customerExternalId: Invalid input: expected string, received number"),
    ({"clickId": 1}, "invalid_type: clickId: Invalid input: expected string, received number"),
    ({"customerName": "x" * 101}, too_big("customerName", 100)),
    ({"customerEmail": "x"}, "invalid_format: customerEmail: Invalid email address"),
    ({"customerEmail": "x" * 95 + "@bc.de"}, too_big("customerEmail", 100)),
    ({"mode": "sync"}, 'invalid_value: mode: Invalid option: expected one of "async"|"wait"|"deferred"'),
    ({"mode": "WAIT"}, 'invalid_value: mode: Invalid option: expected one of "async"|"wait"|"deferred"'),
    ({"mode": 1}, 'invalid_value: mode: Invalid option: expected one of "async"|"wait"|"deferred"'),
    ({"eventQuantity": 0}, "too_small: eventQuantity: Too small: expected number to be >=1"),
    ({"eventQuantity": -3}, "too_small: eventQuantity: Too small: expected number to be >=1"),
    ({"eventQuantity": 101}, "too_big: eventQuantity: Too big: expected number to be <=100"),
    ({"eventQuantity": 1.5}, "invalid_type: eventQuantity: Invalid input: expected int, received number"),
    ({"eventQuantity": "2"}, starts("invalid_type: eventQuantity: Invalid input: expected ")),
    ({"metadata": []}, starts("invalid_type: metadata: Invalid input: expected ")),
    ({"metadata": {"k": "x" * 9993}}, "custom: metadata: Metadata must be less than 10,000 characters when stringified"),
]


@pytest.mark.parametrize("change, message", INVALID, ids=lambda v: str(v)[:60])
def test_a_broken_rule_is_named_and_changes_nothing(quiet, change, message):
    body = {"clickId": quiet.open_click, "eventName": "New", "customerExternalId": unique("c"), **change}
    refused(quiet, body, 422, "unprocessable_entity", message)


def test_the_event_name_is_required(quiet):
    refused(quiet, {"clickId": quiet.open_click, "customerExternalId": "x"}, 422,
            "unprocessable_entity", starts("invalid_type: eventName: "))


@pytest.mark.parametrize("ids", [
    {}, {"customerExternalId": ""}, {"customerExternalId": "   "}, {"externalId": None, "customerId": " "}])
def test_some_customer_id_is_required(quiet, ids):
    refused(quiet, {"clickId": quiet.open_click, "eventName": "x", **ids}, 400, "bad_request",
            "customerExternalId is required")


@pytest.mark.parametrize("body", [b"", b"{", b"[1,", b'{"eventName":}'])
def test_what_is_not_json_is_refused(quiet, body):
    refused(quiet, body, 400, "bad_request", BAD_JSON)


@pytest.mark.parametrize("fields, name", [
    (b'"eventName":"a","eventName":"b"', "eventName"),
    (b'"eventName":"\xff"', "eventName"), (b'"eventName":"\\u0000"', "eventName"),
    (b'"eventName":"\\udfff"', "eventName"),
    (b'"eventName":"a","eventQuantity":1e400', "eventQuantity"),
    (b'"eventName":"a","eventQuantity":99999999999999999999', "eventQuantity"),
    (b'"eventName":"a","metadata":{"a":{"b":1,"b":2}}', "metadata"),
    (b'"eventName":"a","metadata":{"a":' + b"[" * 9000 + b"]" * 9000 + b"}", "metadata"),
], ids=lambda v: str(v)[:50])
def test_hostile_json_is_refused_and_the_field_named(quiet, fields, name):
    head = f'{{"clickId":"{quiet.open_click}","customerExternalId":"{unique("c")}",'.encode()
    before = quiet.state(quiet.only_link)
    reply = quiet.post(LEAD, head + fields + b"}")
    assert reply.status_code in (400, 422), reply.text
    assert name in reply.json()["error"]["message"], reply.text
    assert quiet.state(quiet.only_link) == before


@pytest.mark.parametrize("click", [None, "", "   ", "absent"])
def test_an_unknown_customer_needs_a_click(quiet, click):
    body = {"eventName": "x", "customerExternalId": unique("c"), "clickId": click}
    if click == "absent":
        del body["clickId"]
    refused(quiet, body, 400, "bad_request", NEEDS_CLICK)


@pytest.mark.parametrize("prefix", ["", "/api"])
@pytest.mark.parametrize("mode", [{}, {"mode": "async"}, {"mode": "wait"}])
def test_the_whole_answer(acme, mode, prefix):
    link = acme.link(externalId=unique("ext"), tenantId="tenant-1")
    click, customer = acme.click(link), unique("c")
    reply = acme.post(prefix + LEAD, {
        "clickId": f" {click} ", "eventName": "  Sign up ", "customerExternalId": f" {customer} ",
        "customerName": "Ann", "customerEmail": "ann@example.com", "metadata": {"a": 1}, **mode})
    assert reply.status_code == 200
    assert "access-control-allow-origin" not in reply.headers
    assert pairs(reply.content) == [
        ("click", [("id", click)]),
        ("link", [
            ("id", link["id"]), ("domain", link["domain"]), ("key", link["key"]),
            ("shortLink", link["shortLink"]), ("url", link["url"]), ("partnerId", None),
            ("programId", None), ("tenantId", "tenant-1"), ("externalId", link["externalId"])]),
        ("customer", [
            ("name", "Ann"), ("email", "ann@example.com"), ("avatar", None), ("externalId", customer)]),
    ]
    # Readable and sellable at once, in every mode but deferred.
    acme.sold(customer, 5)
    [event] = acme.events("leads", linkId=link["id"])
    assert event["eventName"] == "Sign up" and event["metadata"] == {"a": 1}
    assert event["customer"]["externalId"] == customer
    now = acme.fresh(link)
    assert (now["leads"], now["sales"], now["saleAmount"]) == (1, 1, 5)


def test_a_sale_right_after_a_lead_finds_it(acme):
    link = acme.link()
    for _ in range(100):
        customer = unique("c")
        acme.lead(customer, acme.click(link))
        assert acme.sale(customer, 1).json()["sale"], customer
    assert acme.fresh(link)["saleAmount"] == 100


def test_the_same_lead_again_records_nothing(acme):
    customer, link = acme.lead_customer(customerName="Ann", customerEmail="ann@example.com")
    other_click = acme.click(acme.link())
    before = acme.state(link)
    for name in ("Sign up", "sign up", "SIGN-UP", "sign-up", " Sign up "):
        answer = acme.lead(customer, other_click, name, customerName="Bob")
        assert answer["link"] is None and answer["click"] == {"id": other_click}
        assert answer["customer"] == {
            "name": "Ann", "email": "ann@example.com", "avatar": None, "externalId": customer}
    assert acme.state(link) == before


def test_a_duplicate_is_answered_before_its_click_is_looked_at(acme):
    customer, link = acme.lead_customer()
    answer = acme.lead(customer, "nosuchclick")
    assert answer["link"] is None and answer["click"] == {"id": "nosuchclick"}


@pytest.mark.parametrize("name", ["Sign  up", "Sign\tup", "Signup", "Sign_up", "Sign up!"])
def test_another_name_is_another_lead(acme, name):
    customer, link = acme.lead_customer()
    assert acme.lead(customer, None, name)["link"]["id"] == link["id"]
    assert acme.fresh(link)["leads"] == 2


def test_leads_of_two_workspaces_do_not_meet(acme, other):
    customer = unique("c")
    for workspace in (acme, other):
        link = workspace.link()
        assert workspace.lead(customer, workspace.click(link))["link"]["id"] == link["id"]


@pytest.mark.parametrize("click", ["stored", "", None])
def test_a_known_customer_keeps_data_and_click(acme, click):
    link, customer = acme.link(), unique("c")
    stored = acme.click(link)
    acme.lead(customer, stored, customerName="Ann", customerEmail="ann@example.com")
    before = acme.customer(customer)
    answer = acme.lead(customer, stored if click == "stored" else click, "Demo", customerName="Bob",
                       customerEmail="bob@example.com", customerAvatar="https://a.example/b.png")
    assert answer["click"] == {"id": stored} and answer["link"]["id"] == link["id"]
    assert answer["customer"]["name"] == "Ann" and answer["customer"]["email"] == "ann@example.com"
    assert acme.customer(customer) == before


def test_a_later_lead_is_credited_to_its_own_click(acme):
    customer, first = acme.lead_customer()
    second = acme.link()
    assert acme.lead(customer, acme.click(second), "Demo")["link"]["id"] == second["id"]
    assert (acme.fresh(first)["leads"], acme.fresh(second)["leads"]) == (1, 1)


@pytest.mark.parametrize("quantity, count", [(1, 1), (5, 5), (100, 100), (None, 1), (2.0, 2)])
def test_quantity_counts_as_many_leads(acme, quantity, count):
    customer, link = acme.lead_customer(eventQuantity=quantity)
    assert acme.fresh(link)["leads"] == count
    events = acme.events("leads", linkId=link["id"])
    assert len({e["eventId"] for e in events}) == len(events) == count
    assert acme.lead(customer, None, eventQuantity=7)["link"] is None
    assert acme.fresh(link)["leads"] == count


def test_deferred_makes_the_customer_only(acme):
    customer, link = acme.lead_customer(mode="deferred")
    assert acme.fresh(link)["leads"] == 0 and acme.events("leads", linkId=link["id"]) == []
    assert acme.customer(customer)["externalId"] == customer
    assert acme.sale(customer).status_code == 404
    # Again is no duplicate; the real one needs no click.
    assert acme.lead(customer, None, mode="deferred")["link"]["id"] == link["id"]
    assert acme.lead(customer, "")["link"]["id"] == link["id"]
    assert acme.fresh(link)["leads"] == 1
    acme.sold(customer)


def test_unusable_clicks(acme, other):
    customer = unique("c")
    gone, disabled = acme.link(), acme.link()
    gone_click, disabled_click = acme.click(gone), acme.click(disabled)
    acme.ok("DELETE", f"/links/{gone['id']}")
    acme.ok("PATCH", f"/links/{disabled['id']}", json={"disabledAt": "2026-01-01T00:00:00Z"})
    foreign_link = other.link()
    foreign = other.click(foreign_link)
    for mode in ("async", "wait", "deferred"):
        for click, message in [
            ("nosuchclick", "Click event not found for clickId: nosuchclick"),
            (gone_click, f"Link not found for clickId: {gone_click}"),
            (foreign, f"Link {foreign_link['id']} for clickId {foreign} does not belong to the workspace"),
            (disabled_click, f"Link {disabled['id']} for clickId {disabled_click} is disabled, lead not tracked"),
        ]:
            body = {"clickId": click, "eventName": "Sign up", "customerExternalId": customer, "mode": mode}
            assert_error(acme.post(LEAD, body), 404, "not_found", message)
    assert acme.get(f"/customers/ext_{customer}").status_code == 404
    # None of the failures claimed the lead.
    acme.ok("PATCH", f"/links/{disabled['id']}", json={"disabledAt": None})
    assert acme.lead(customer, disabled_click)["link"]["id"] == disabled["id"]


def test_names_of_new_customers(acme):
    link = acme.link()
    answer = acme.lead(unique("c"), acme.click(link), customerEmail="e@example.com")
    assert answer["customer"]["name"] == "e@example.com"
    spare = acme.lead(unique("c"), acme.click(link))["customer"]
    assert spare["name"] and spare["email"] is None


def test_metadata_is_kept_as_sent(acme):
    link, text = acme.link(), '{"b":1.0,"a":1e2,"z":[1.50,{"k":null}]}'
    body = json.dumps({"clickId": acme.click(link), "eventName": "x", "customerExternalId": unique("c")})
    reply = acme.post(LEAD, body[:-1] + f',"metadata":{text}}}')
    assert reply.status_code == 200, reply.text
    events = pairs(acme.get("/events", event="leads", linkId=link["id"]).content)
    assert [dict(e)["metadata"] for e in events] == [pairs(text)]


def test_the_same_visitor_keeps_one_click(server, acme):
    link, agent = acme.link(), f"{BROWSER} {unique('same')}"
    assert acme.click(link, agent) == acme.click(link, agent) or len(server.ports) > 1
    assert acme.fresh(link)["clicks"] == 1
