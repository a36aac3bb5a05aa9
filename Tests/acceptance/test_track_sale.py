"""POST /track/sale: every rule of the body, who is credited, invoices, money."""

import json
import re

import pytest

from harness import BAD_JSON, assert_error, httpx, pairs, unique

SALE = "/track/sale"
NOTHING = '{{"eventName":{0},"customer":null,"sale":null}}'
HEART = "\U0001F496"  # two UTF-16 units


@pytest.fixture(scope="module")
def quiet(server):
    """A workspace in which refused requests must leave every byte of every list as it was."""
    workspace = server.workspace()
    workspace.known, workspace.only_link = workspace.lead_customer()
    workspace.sold(workspace.known, invoiceId="first")
    return workspace


def refused(workspace, body, status, code, message):
    before = workspace.state(workspace.only_link)
    assert_error(workspace.post(SALE, body), status, code, message)
    assert workspace.state(workspace.only_link) == before


def starts(text):
    return re.compile("^" + re.escape(text))


LONG = {
    "customerExternalId": 100, "externalId": 100, "customerId": 100, "customerName": 100,
    "eventName": 255,
}
INVALID = [
    ({"amount": None}, starts("invalid_type: amount: ")),
    ({"amount": "100"}, starts("invalid_type: amount: ")),
    ({"amount": True}, starts("invalid_type: amount: ")),
    ({"amount": []}, starts("invalid_type: amount: ")),
    ({"amount": {}}, starts("invalid_type: amount: ")),
    ({"amount": -1}, "too_small: amount: amount cannot be negative"),
    ({"amount": -(2**53) + 1}, "too_small: amount: amount cannot be negative"),
    ({"amount": 1.5}, "invalid_type: amount: Invalid input: expected int, received number"),
    ({"amount": -0.5}, "invalid_type: amount: Invalid input: expected int, received number"),
    ({"amount": 0.1}, "invalid_type: amount: Invalid input: expected int, received number"),
    ({"amount": 2**53}, starts("too_big: amount: ")),
    ({"amount": 2**63}, starts("too_big: amount: ")),
    ({"amount": 10**40}, starts("too_big: amount: ")),
    ({"currency": "zzz"}, re.compile("currency")),
    ({"currency": "us"}, re.compile("currency")),
    ({"currency": ""}, re.compile("currency")),
    ({"currency": "usd "}, re.compile("currency")),
    ({"currency": "dollar"}, re.compile("currency")),
    ({"currency": "ΕUR"}, re.compile("currency")),
    ({"currency": None}, "invalid_type: currency: Invalid input: expected string, received null"),
    ({"currency": 840}, "invalid_type: currency: Invalid input: expected string, received number"),
    ({"eventName": None}, "invalid_type: eventName: Invalid input: expected string, received null"),
    ({"eventName": 7}, "invalid_type: eventName: Invalid input: expected string, received number"),
    ({"paymentProcessor": "paypal"}, starts(
        'invalid_value: paymentProcessor: Invalid option: expected one of "stripe"|"shopify"|"polar"|"paddle"|')),
    ({"paymentProcessor": "Stripe"}, starts("invalid_value: paymentProcessor: ")),
    ({"paymentProcessor": ""}, starts("invalid_value: paymentProcessor: ")),
    ({"paymentProcessor": None}, starts("invalid_value: paymentProcessor: ")),
    ({"paymentProcessor": 1}, starts("invalid_value: paymentProcessor: ")),
    ({"invoiceId": 12}, "invalid_type: invoiceId: Invalid input: expected string, received number"),
    ({"invoiceId": {}}, "invalid_type: invoiceId: Invalid input: expected string, received object"),
    ({"leadEventName": False}, "invalid_type: leadEventName: Invalid input: expected string, received boolean"),
    ({"clickId": 5}, "invalid_type: clickId: Invalid input: expected string, received number"),
    ({"metadata": "text"}, starts("invalid_type: metadata: Invalid input: expected ")),
    ({"metadata": [1]}, starts("invalid_type: metadata: Invalid input: expected ")),
    ({"metadata": 3}, starts("invalid_type: metadata: Invalid input: expected ")),
    ({"metadata": True}, starts("invalid_type: metadata: Invalid input: expected ")),
    ({"metadata": {"k": "x" * 9993}}, "custom: metadata: Metadata must be less than 10,000 characters when stringified"),
    ({"metadata": {"k": HEART * 4997}}, "custom: metadata: Metadata must be less than 10,000 characters when stringified"),
    ({"metadata": {"k": "\n" * 4997}}, "custom: metadata: Metadata must be less than 10,000 characters when stringified"),
    ({"customerEmail": "nobody"}, "invalid_format: customerEmail: Invalid email address"),
    ({"customerEmail": "a@b"}, "invalid_format: customerEmail: Invalid email address"),
    ({"customerEmail": ""}, "invalid_format: customerEmail: Invalid email address"),
    ({"customerEmail": "a b@c.de"}, "invalid_format: customerEmail: Invalid email address"),
    ({"customerEmail": "a@@c.de"}, "invalid_format: customerEmail: Invalid email address"),
    ({"customerEmail": 1}, starts("invalid_type: customerEmail: ")),
    ({"customerEmail": "a" * 95 + "@bc.de"}, "too_big: customerEmail: Too big: expected string to have <=100 characters"),
    ({"customerName": 5}, "invalid_type: customerName: Invalid input: expected string, received number"),
    ({"customerAvatar": 5}, "invalid_type: customerAvatar: Invalid input: expected string, received number"),
    ({"customerExternalId": 42}, "invalid_type: customerExternalId: Invalid input: expected string, received number"),
    ({"externalId": 42}, "invalid_type: externalId: Invalid input: expected string, received number"),
    ({"customerId": 42}, "invalid_type: customerId: Invalid input: expected string, received number"),
] + [
    ({name: text}, f"too_big: {name}: Too big: expected string to have <={size} characters")
    for name, size in LONG.items()
    for text in ("x" * (size + 1), HEART * (size // 2) + "xx", "é" * (size + 1))
]


@pytest.mark.parametrize("change, message", INVALID, ids=lambda v: str(v)[:60])
def test_a_broken_rule_is_named_and_changes_nothing(quiet, change, message):
    body = {"customerExternalId": quiet.known, "amount": 100, "invoiceId": "new", **change}
    refused(quiet, body, 422, "unprocessable_entity", message)


def test_the_amount_is_required(quiet):
    body = {"customerExternalId": quiet.known}
    refused(quiet, body, 422, "unprocessable_entity", "invalid_type: amount: amount is required")
    refused(quiet, {}, 422, "unprocessable_entity", "invalid_type: amount: amount is required")


@pytest.mark.parametrize("ids", [
    {}, {"customerExternalId": ""}, {"customerExternalId": None, "externalId": "", "customerId": None}])
def test_some_customer_id_is_required(quiet, ids):
    refused(quiet, {"amount": 1, **ids}, 400, "bad_request", "customerExternalId is required")


MALFORMED = [
    b"", b" ", b"{", b"{]", b"}", b'{"amount":1,}', b"{'amount':1}", b'{"amount":01}', b'{"amount":+1}',
    b'{"amount":.5}', b'{"amount":1.}', b'{"amount":1e}', b'{"amount":0x1}', b'{"amount":NaN}',
    b'{"amount":Infinity}', b'{"amount":1}x', b'{"amount":1}{"amount":1}', b'{amount:1}',
    b'{"amount" 1}', b'{"amount":1 "x":2}', b'{"amount":tru}', b'{"a":"\\x"}', b'{"a":"\\u12"}',
    b'{"a":"tab\there"}', b'{"a":"line\nbreak"}', b'{"a":"open}', b"// no\n{}", b'{"a":[1,]}', b"nul",
    b"customerExternalId=x&amount=1",
]


@pytest.mark.parametrize("body", MALFORMED, ids=repr)
def test_what_is_not_json_is_refused(quiet, body):
    refused(quiet, body, 400, "bad_request", BAD_JSON)


@pytest.mark.parametrize("body, kind", [
    (b"null", "null"), (b"[]", "array"), (b'[{"amount":1}]', "array"), (b"5", "number"),
    (b'"text"', "string"), (b"true", "boolean")])
def test_json_that_is_no_object_is_refused(quiet, body, kind):
    refused(quiet, body, 422, "unprocessable_entity",
            f"invalid_type: : Invalid input: expected object, received {kind}")


def with_fields(known: str, fields: bytes) -> bytes:
    return b'{"customerExternalId":' + json.dumps(known).encode() + b"," + fields + b"}"


HOSTILE = [
    (b'"amount":1,"amount":2', "amount"),
    (b'"amount":1,"am\\u006funt":2', "amount"),
    (b'"amount":1,"metadata":{"a":1,"a":2}', "metadata"),
    (b'"amount":1,"metadata":{"deep":[{"a":1,"a":2}]}', "metadata"),
    (b'"amount":1,"eventName":"\xff"', "eventName"),
    (b'"amount":1,"eventName":"\xc0\xaf"', "eventName"),
    (b'"amount":1,"eventName":"\xed\xa0\x80"', "eventName"),
    (b'"amount":1,"eventName":"\xf0\x9f"', "eventName"),
    (b'"amount":1,"eventName":"\\n\xf5\x80\x80\x80"', "eventName"),
    (b'"amount":1,"metadata":{"k":"\xff"}', "metadata"),
    (b'"amount":1,"eventName":"a\x00b"', "eventName"),
    (b'"amount":1,"eventName":"a\\u0000b"', "eventName"),
    (b'"amount":1,"invoiceId":"\\u0000"', "invoiceId"),
    (b'"amount":1,"metadata":{"k":"\\u0000"}', "metadata"),
    (b'"amount":1,"metadata":{"\\u0000":1}', "metadata"),
    (b'"amount":1,"eventName":"\\ud800"', "eventName"),
    (b'"amount":1,"eventName":"\\udc00\\ud800"', "eventName"),
    (b'"amount":1,"eventName":"\\ud83dx"', "eventName"),
    (b'"amount":1,"eventName":"\\ud83d\\u0041"', "eventName"),
    (b'"amount":1,"metadata":{"k":["\\ud800"]}', "metadata"),
    (b'"amount":1,"metadata":' + b'{"a":' * 60 + b"1" + b"}" * 60, "metadata"),
    (b'"amount":1,"metadata":{"a":' + b"[" * 50_000 + b"]" * 50_000 + b"}", "metadata"),
    (b'"amount":1,"metadata":{"a":' + b"[" * 200_000, "metadata"),
    (b'"amount":1e400', "amount"),
    (b'"amount":1e99999999999999999999', "amount"),
    (b'"amount":-1e400', "amount"),
    (b'"amount":1e-2', "amount"),
    (b'"amount":1' + b"0" * 5000, "amount"),
    (b'"amount":99999999999999999999', "amount"),
    (b'"amount":1.0000000000000000001', "amount"),
    (b'"amount":9007199254740991.5', "amount"),
]


@pytest.mark.parametrize("fields, name", HOSTILE, ids=lambda v: str(v)[:60])
def test_hostile_json_is_refused_and_the_field_named(quiet, fields, name):
    before = quiet.state(quiet.only_link)
    reply = quiet.post(SALE, with_fields(quiet.known, fields))
    assert reply.status_code in (400, 422), reply.text
    assert name in reply.json()["error"]["message"], reply.text
    assert quiet.state(quiet.only_link) == before


def test_too_many_keys_are_refused(quiet):
    body = {"customerExternalId": quiet.known, "amount": 1} | {f"k{n}": 0 for n in range(50_000)}
    before = quiet.state(quiet.only_link)
    reply = quiet.post(SALE, body)
    assert reply.status_code in (400, 413, 422), reply.text
    assert reply.json()["error"]["message"]
    assert quiet.state(quiet.only_link) == before


@pytest.mark.parametrize("size, fits", [(1 << 20, True), ((1 << 20) + 1, False), (5 << 20, False)])
def test_a_body_may_have_one_mebibyte(quiet, size, fits):
    head = json.dumps({"customerExternalId": "nobody", "amount": 1, "pad": ""})[:-2].encode()
    body = head + b"x" * (size - len(head) - 2) + b'"}'
    assert len(body) == size
    before = quiet.state(quiet.only_link)
    reply = quiet.post(SALE, body)
    if fits:
        assert reply.status_code == 200 and reply.text == NOTHING.format('"Purchase"')
    else:
        assert 400 <= reply.status_code < 500, reply.text
        assert set(reply.json()["error"]) == {"code", "message", "doc_url"}
    assert quiet.state(quiet.only_link) == before


def test_a_body_sent_in_chunks_is_bounded_too(quiet):
    def chunks():
        yield b'{"pad":"'
        for _ in range(40):
            yield b"x" * 65_536
        yield b'"}'

    before = quiet.state(quiet.only_link)
    try:
        reply = quiet.http.post(SALE, content=chunks())
        assert 400 <= reply.status_code < 500, reply.text
    except httpx.HTTPError:
        pass  # closing the connection in the middle of it is an answer as well
    assert quiet.state(quiet.only_link) == before


def test_a_body_sent_in_chunks_is_read(acme):
    customer, _ = acme.lead_customer()
    text = json.dumps({"customerExternalId": customer, "amount": 77}).encode()
    reply = acme.http.post(SALE, content=iter([text[:9], text[9:]]))
    assert reply.status_code == 200 and reply.json()["sale"]["amount"] == 77


# --- answers -------------------------------------------------------------------------------------

@pytest.mark.parametrize("prefix", ["", "/api"])
def test_the_whole_answer(acme, prefix):
    customer, link = acme.lead_customer(
        customerName="Ann", customerEmail="ann@example.com", customerAvatar="https://a.example/x.png")
    sale = {
        "externalId": customer, "amount": 996_500, "paymentProcessor": "custom",
        "eventName": "Invoice paid", "invoiceId": unique("in"), "currency": "usd",
        "leadEventName": "Sign up", "metadata": {"plan": "pro", "seats": 3}}
    reply = acme.post(prefix + SALE, sale)
    assert reply.status_code == 200
    assert reply.headers["content-type"].startswith("application/json")
    assert "access-control-allow-origin" not in reply.headers
    assert "idempotent-replayed" not in reply.headers
    stored = acme.customer(customer)
    assert pairs(reply.content) == [
        ("eventName", "Invoice paid"),
        ("customer", [
            ("id", stored["id"]), ("name", "Ann"), ("email", "ann@example.com"),
            ("avatar", stored["avatar"]), ("externalId", customer)]),
        ("sale", [
            ("amount", "996500"), ("currency", "usd"), ("paymentProcessor", "custom"),
            ("invoiceId", sale["invoiceId"]), ("metadata", [("plan", "pro"), ("seats", "3")])]),
    ]
    assert stored["id"].startswith("cus_")


def test_defaults(acme):
    customer, _ = acme.lead_customer()
    answer = acme.sold(customer, 1)
    assert answer["eventName"] == "Purchase"
    assert answer["sale"] == {
        "amount": 1, "currency": "usd", "paymentProcessor": "custom", "invoiceId": None,
        "metadata": None}


@pytest.mark.parametrize("spelled, amount", [
    (b"100", 100), (b"1e2", 100), (b"1E+2", 100), (b"100.0", 100), (b"100.000", 100),
    (b"12300e-2", 123), (b"1.5e1", 15), (b"9007199254740991", 2**53 - 1), (b"1", 1)])
def test_whole_amounts_however_spelled(acme, spelled, amount):
    customer, link = acme.lead_customer()
    reply = acme.post(SALE, with_fields(customer, b'"amount":' + spelled))
    assert reply.status_code == 200, reply.text
    assert dict(dict(pairs(reply.content))["sale"])["amount"] == str(amount)
    assert acme.fresh(link)["saleAmount"] == amount
    assert acme.customer(customer)["saleAmount"] == amount


@pytest.mark.parametrize("spelled", [b"0", b"-0", b"0.0", b"0e9", b"-0.0e1"])
def test_zero_records_nothing(acme, spelled):
    customer, link = acme.lead_customer()
    invoice = unique("in")
    before = acme.fresh(link)
    reply = acme.post(SALE, with_fields(
        customer, b'"amount":' + spelled + f',"invoiceId":"{invoice}"'.encode()))
    assert (reply.status_code, reply.text) == (200, NOTHING.format('"Purchase"'))
    assert acme.fresh(link) == before
    assert acme.customer(customer)["sales"] == 0
    # It is not remembered either: the invoice is free.
    assert acme.sold(customer, 5, invoiceId=invoice)["sale"]["amount"] == 5


def test_an_unknown_customer_records_nothing_and_keeps_the_invoice_free(acme):
    customer, invoice = unique("stranger"), unique("in")
    reply = acme.sale(customer, invoiceId=invoice, eventName='Say "hi"')
    assert (reply.status_code, reply.text) == (200, NOTHING.format('"Say \\"hi\\""'))
    assert acme.get(f"/customers/ext_{customer}").status_code == 404
    acme.lead(customer, acme.click(acme.link()))
    answer = acme.sale(customer, invoiceId=invoice)
    assert answer.json()["sale"] and "idempotent-replayed" not in answer.headers


@pytest.mark.parametrize("processor", [
    "stripe", "shopify", "polar", "paddle", "apple", "revenuecat", "dub", "custom"])
def test_processors(acme, processor):
    customer, _ = acme.lead_customer()
    assert acme.sold(customer, paymentProcessor=processor)["sale"]["paymentProcessor"] == processor


@pytest.mark.parametrize("fields", [
    {"invoiceId": None}, {"leadEventName": None}, {"metadata": None}, {"clickId": None},
    {"customerName": None, "customerEmail": None, "customerAvatar": None},
    {"externalId": None, "customerId": None}, {"unknownField": {"a": [1]}}, {"clickId": ""}, {"clickId": "  "}])
def test_what_may_be_null_empty_or_unknown(acme, fields):
    customer, _ = acme.lead_customer()
    assert acme.sold(customer, **fields)["sale"]["metadata"] is None


@pytest.mark.parametrize("name", ["", " spaced ", "x" * 255, HEART * 127 + "x", "Ünï→\u2028", 'q"\\/\b\f\n\r\t\x7f'])
def test_event_names_are_kept_to_the_letter(acme, name):
    customer, _ = acme.lead_customer()
    assert acme.sold(customer, eventName=name)["eventName"] == name


@pytest.mark.parametrize("id", ["x" * 100, HEART * 50, "ünïcode id", "a/b?c=d&e#f", "%41", " lead ", '"q"'])
def test_customer_ids_are_kept_to_the_letter(server, id):
    acme = server.workspace()
    # A lead trims the id, a sale does not.
    acme.lead(id, acme.click(acme.link()))
    answer = acme.sale(id.strip()).json()
    assert answer["customer"]["externalId"] == id.strip()
    if id != id.strip():
        assert acme.sale(id).json()["customer"] is None


def test_the_names_of_the_customer_id_and_their_precedence(acme):
    one, _ = acme.lead_customer()
    two, _ = acme.lead_customer()
    three, _ = acme.lead_customer()
    for ids, winner in [
        ({"customerExternalId": one, "externalId": two, "customerId": three}, one),
        ({"externalId": two, "customerId": three}, two), ({"customerId": three}, three),
        ({"customerExternalId": "", "externalId": two}, two),
        ({"customerExternalId": None, "externalId": "", "customerId": three}, three),
    ]:
        answer = acme.post(SALE, {"amount": 1, **ids}).json()
        assert answer["customer"]["externalId"] == winner


@pytest.mark.parametrize("text", [
    '{"b":1.0,"a":1e2,"c":12345678901234567890,"d":0.1,"e":-0,"f":1.10}',
    '{"z":{"y":[1,2,{"x":null}]},"a":true,"":"empty"}', "{}",
    '{"text":"\\u00e9\\ud83d\\udc96 \\"q\\" \\\\ / \\n"}', '{"k":"' + "x" * 9992 + '"}',
    '{"k":"' + HEART * 4996 + '"}', '{"k":"' + "\\u0041" * 9992 + '"}',
    '{ "k" : [ ' + "1 ,   " * 3000 + "2 ] }", '{"__proto__":{"a":1},"constructor":1}'],
    ids=lambda v: v[:40])
def test_metadata_is_echoed_as_sent(acme, text):
    customer, _ = acme.lead_customer()
    body = with_fields(customer, b'"amount":5,"metadata":' + text.encode())
    reply = acme.post(SALE, body)
    assert reply.status_code == 200, reply.text
    assert dict(dict(pairs(reply.content))["sale"])["metadata"] == pairs(text)
    event = acme.get("/events", event="sales", customerId=acme.customer(customer)["id"])
    assert pairs(text) in [dict(e).get("metadata") for e in pairs(event.content)]


# --- invoices ------------------------------------------------------------------------------------

def test_an_invoice_is_recorded_once(acme):
    customer, link = acme.lead_customer()
    invoice = unique("in")
    first = acme.sale(customer, 4900, invoiceId=invoice, metadata={"a": 1.50})
    again = acme.sale(customer, 4900, invoiceId=invoice, metadata={"other": True})
    assert again.status_code == 200 and again.content == first.content
    assert again.headers["idempotent-replayed"] == "true"
    assert "tribute-idempotency-conflict" not in again.headers
    link = acme.fresh(link)
    assert (link["sales"], link["saleAmount"], link["conversions"]) == (1, 4900, 1)


@pytest.mark.parametrize("change, names", [
    ({"amount": 1}, {"amount"}), ({"amount": 0}, {"amount"}), ({"currency": "eur"}, {"currency"}),
    ({"eventName": "Other"}, {"eventName"}), ({"amount": 2, "currency": "JPY"}, {"amount", "currency"}),
    ({"paymentProcessor": "stripe", "metadata": {"x": 1}}, set()), ({"currency": "USD"}, set()),
    ({"clickId": "nosuchclick"}, set()), ({"leadEventName": "nosuchlead"}, set())])
def test_the_first_answer_stands_and_differences_are_named(acme, change, names):
    customer, link = acme.lead_customer()
    sale = {"customerExternalId": customer, "amount": 4900, "invoiceId": unique("in")}
    first = acme.post(SALE, sale)
    again = acme.post(SALE, {**sale, **change})
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    told = again.headers.get("tribute-idempotency-conflict", "")
    assert set(filter(None, told.split(","))) == names
    if len(names) == 2:
        assert told == "amount,currency"
    assert acme.fresh(link)["sales"] == 1


def test_a_replay_by_another_customer_gets_the_first_answer(acme):
    one, _ = acme.lead_customer()
    two, link = acme.lead_customer()
    invoice = unique("in")
    first = acme.sale(one, invoiceId=invoice)
    for customer in (two, unique("stranger")):
        again = acme.sale(customer, invoiceId=invoice)
        assert again.content == first.content
        assert again.headers["tribute-idempotency-conflict"].startswith("customer")
    assert acme.fresh(link)["sales"] == 0


def test_a_replay_outlives_its_link(acme):
    customer, link = acme.lead_customer()
    invoice = unique("in")
    first = acme.sale(customer, invoiceId=invoice)
    acme.ok("DELETE", f"/links/{link['id']}")
    assert acme.sale(customer, invoiceId=invoice).content == first.content
    assert acme.sale(customer).status_code == 404


def test_strict_workspaces_refuse_a_differing_replay(server):
    strict = server.workspace()
    server.command("workspace", "update", strict.slug, "--on-conflict", "refuse")
    customer, link = strict.lead_customer()
    first = strict.sale(customer, 100, invoiceId="in-1")
    before = strict.state(link)
    assert_error(strict.sale(customer, 200, invoiceId="in-1"), 409, "conflict", re.compile("amount"))
    assert strict.state(link) == before
    assert strict.sale(customer, 100, invoiceId="in-1").content == first.content


@pytest.mark.parametrize("invoice", [None, ""])
def test_without_an_invoice_every_sale_counts(acme, invoice):
    customer, link = acme.lead_customer()
    for _ in range(2):
        assert acme.sold(customer, 10, invoiceId=invoice)["sale"]["invoiceId"] == invoice
    assert acme.fresh(link)["sales"] == 2


def test_invoices_are_told_apart_to_the_letter(acme):
    customer, link = acme.lead_customer()
    name = unique("in")
    # é composed and decomposed are two spellings, two invoices.
    invoices = [name, name.upper(), name + " ", " " + name, name + "é", name + "e\u0301", name + HEART]
    for invoice in invoices:
        reply = acme.sale(customer, 10, invoiceId=invoice)
        assert reply.json()["sale"]["invoiceId"] == invoice
        assert "idempotent-replayed" not in reply.headers
    assert acme.fresh(link)["sales"] == len(invoices)


def test_a_long_invoice_is_as_good_as_a_short_one(acme):
    customer, link = acme.lead_customer()
    invoice = unique("in") + "x" * 300
    first = acme.sale(customer, 10, invoiceId=invoice)
    assert first.status_code == 200, first.text
    assert acme.sale(customer, 10, invoiceId=invoice).content == first.content
    assert acme.fresh(link)["sales"] == 1


def test_fields_without_a_documented_limit_may_be_long(acme):
    customer, _ = acme.lead_customer()
    long = "x" * 300
    assert_error(acme.sale(customer, leadEventName=long), 404, "not_found",
                 f"Lead event not found for externalId: {customer} and leadEventName: {long}")
    assert_error(acme.sale(unique("direct"), clickId=long), 404, "not_found",
                 f"Click event not found for clickId: {long}")
    acme.sold(customer, clickId=long)


def test_an_invoice_belongs_to_its_workspace(acme, other):
    invoice = unique("in")
    for workspace in (acme, other):
        customer, link = workspace.lead_customer()
        assert "idempotent-replayed" not in workspace.sale(customer, invoiceId=invoice).headers
        assert workspace.fresh(link)["sales"] == 1


# --- credit --------------------------------------------------------------------------------------

def test_the_latest_lead_is_credited_unless_one_is_named(acme):
    customer, first = acme.lead_customer(name="Trial")
    second = acme.link()
    acme.lead(customer, acme.click(second), "Demo")
    acme.sold(customer, 10)
    acme.sold(customer, 20, leadEventName="Trial")
    acme.sold(customer, 40, leadEventName="Demo")
    acme.sold(customer, 80, leadEventName=None)
    assert acme.fresh(first)["saleAmount"] == 20
    assert acme.fresh(second)["saleAmount"] == 130
    assert acme.customer(customer)["saleAmount"] == 150


@pytest.mark.parametrize("name", ["sign up", "Sign Up", "Sign up ", "sign-up", "nothing"])
def test_the_named_lead_is_matched_to_the_letter(acme, name):
    customer, link = acme.lead_customer()
    before = acme.fresh(link)
    assert_error(acme.sale(customer, leadEventName=name), 404, "not_found",
                 f"Lead event not found for externalId: {customer} and leadEventName: {name}")
    assert acme.fresh(link) == before


def test_a_customer_without_a_lead_has_no_sale(acme):
    customer, link = acme.lead_customer(mode="deferred")
    assert_error(acme.sale(customer), 404, "not_found",
                 f"Lead event not found for externalId: {customer} and leadEventName: null")
    assert acme.fresh(link)["sales"] == 0


def test_a_disabled_link_earns_nothing(acme):
    customer, link = acme.lead_customer()
    id = acme.customer(customer)["id"]
    acme.ok("PATCH", f"/links/{link['id']}", json={"disabledAt": "2026-01-01T00:00:00Z"})
    assert_error(acme.sale(customer, invoiceId=unique("in")), 404, "not_found",
                 f"Link {link['id']} for customer {id} is disabled, sale not tracked")
    acme.ok("PATCH", f"/links/{link['id']}", json={"disabledAt": None})
    acme.sold(customer)


def test_a_deleted_link_leaves_its_customers_without_one(acme):
    customer, link = acme.lead_customer()
    acme.ok("DELETE", f"/links/{link['id']}")
    id = acme.customer(customer)["id"]
    assert_error(acme.sale(customer), 404, "not_found", f"Link not found for customer {id}")


@pytest.mark.parametrize("change", [
    {"archived": True}, {"expiresAt": "2020-01-01T00:00:00Z"}])
def test_archived_and_expired_links_earn_all_the_same(acme, change):
    customer, link = acme.lead_customer()
    acme.ok("PATCH", f"/links/{link['id']}", json=change)
    acme.sold(customer, 7)
    assert acme.fresh(link)["saleAmount"] == 7


def test_a_click_given_for_a_known_customer_counts(acme):
    customer, first = acme.lead_customer()
    second = acme.link()
    acme.sold(customer, 30, clickId=acme.click(second))
    assert (acme.fresh(first)["saleAmount"], acme.fresh(second)["saleAmount"]) == (0, 30)
    assert acme.fresh(second)["leads"] == 0


def test_a_useless_click_does_not_lose_the_sale_of_a_known_customer(acme, other):
    customer, link = acme.lead_customer()
    disabled = acme.link()
    dead = acme.click(disabled)
    acme.ok("PATCH", f"/links/{disabled['id']}", json={"disabledAt": "2026-01-01T00:00:00Z"})
    foreign = other.click(other.link())
    for click in ("nosuchclick", foreign, dead):
        acme.sold(customer, 30, clickId=click)
    assert acme.fresh(link)["saleAmount"] == 90


# --- direct sales --------------------------------------------------------------------------------

def test_a_direct_sale_makes_customer_lead_and_sale(acme):
    link, customer = acme.link(), unique("direct")
    click = acme.click(link)
    answer = acme.sold(
        customer, 2500, clickId=f"  {click} ", customerName="Dora", customerEmail="dora@example.com",
        customerAvatar="https://a.example/d.png", metadata={"m": 1})
    assert answer["customer"]["name"] == "Dora" and answer["customer"]["email"] == "dora@example.com"
    now = acme.fresh(link)
    assert (now["clicks"], now["leads"], now["sales"], now["saleAmount"], now["conversions"]) == (1, 1, 1, 2500, 1)
    [lead] = acme.events("leads", linkId=link["id"])
    assert lead["eventName"] == "Direct sale tracking lead event"
    assert lead["metadata"] == {"m": 1} and lead["click"]["id"] == click
    # The next sale needs no click.
    acme.sold(customer, 100)
    assert acme.fresh(link)["saleAmount"] == 2600


def test_the_lead_of_a_direct_sale_can_be_named(acme):
    link, customer = acme.link(), unique("direct")
    acme.sold(customer, clickId=acme.click(link), leadEventName="Checkout")
    assert [e["eventName"] for e in acme.events("leads", linkId=link["id"])] == ["Checkout"]
    acme.sold(customer, leadEventName="Checkout")


@pytest.mark.parametrize("fields, name", [
    ({"customerName": "N", "customerEmail": "e@example.com"}, "N"),
    ({"customerEmail": "e@example.com"}, "e@example.com"), ({}, None)])
def test_the_name_of_a_new_customer(acme, fields, name):
    answer = acme.sold(unique("direct"), clickId=acme.click(acme.link()), **fields)
    assert answer["customer"]["name"] == name if name else answer["customer"]["name"]
    assert answer["customer"]["email"] == fields.get("customerEmail")


def test_direct_sales_need_a_usable_click(acme, other):
    customer = unique("direct")
    gone, disabled = acme.link(), acme.link()
    gone_click, disabled_click = acme.click(gone), acme.click(disabled)
    acme.ok("DELETE", f"/links/{gone['id']}")
    acme.ok("PATCH", f"/links/{disabled['id']}", json={"disabledAt": "2026-01-01T00:00:00Z"})
    foreign_link = other.link()
    foreign = other.click(foreign_link)
    for click, message in [
        ("nosuchclick", "Click event not found for clickId: nosuchclick"),
        (gone_click, f"Link not found for clickId: {gone_click}"),
        (foreign, f"Link {foreign_link['id']} for clickId {foreign} does not belong to the workspace"),
        (disabled_click, f"Link {disabled['id']} for clickId {disabled_click} is disabled, sale not tracked"),
    ]:
        assert_error(acme.sale(customer, clickId=click), 404, "not_found", message)
    assert acme.get(f"/customers/ext_{customer}").status_code == 404
    assert acme.fresh(disabled)["leads"] == 0 and other.fresh(foreign_link)["leads"] == 0


def test_a_direct_sale_of_nothing_sells_nothing(acme):
    link = acme.link()
    reply = acme.sale(unique("direct"), 0, clickId=acme.click(link))
    assert (reply.status_code, reply.text) == (200, NOTHING.format('"Purchase"'))
    assert acme.fresh(link)["sales"] == 0


# --- money ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("code", ["eur", "EUR", "Jpy", "KWD", "clf", "gbp", "BHD"])
def test_other_currencies_are_kept_and_never_summed(acme, code):
    customer, link = acme.lead_customer()
    answer = acme.sold(customer, 12345, currency=code)
    assert (answer["sale"]["amount"], answer["sale"]["currency"]) == (12345, code.lower())
    acme.sold(customer, 100, currency="USD")
    now = acme.fresh(link)
    assert (now["sales"], now["saleAmount"]) == (2, 100)
    assert acme.customer(customer)["saleAmount"] == 100
    amounts = {e["sale"]["currency"]: e["sale"]["amount"] for e in acme.events("sales", linkId=link["id"])}
    assert amounts == {code.lower(): 12345, "usd": 100}


def test_counters(acme):
    link = acme.link()
    one, _ = acme.lead_customer(link)
    two, _ = acme.lead_customer(link)
    for customer, amount in [(one, 100), (one, 200), (two, 400)]:
        acme.sold(customer, amount)
    now = acme.fresh(link)
    assert (now["clicks"], now["leads"], now["conversions"], now["sales"], now["saleAmount"]) == (2, 2, 2, 3, 700)
    buyer = acme.customer(one)
    assert (buyer["sales"], buyer["saleAmount"]) == (2, 300) and buyer["firstSaleAt"]
    first = buyer["firstSaleAt"]
    acme.sold(one, 1)
    assert acme.customer(one)["firstSaleAt"] == first


def test_the_type_of_the_content_does_not_matter(acme):
    customer, _ = acme.lead_customer()
    body = json.dumps({"customerExternalId": customer, "amount": 5})
    for kind in ({}, {"Content-Type": "text/plain"}, {"Content-Type": "application/json; charset=utf-8"}):
        assert acme.post(SALE, body, headers=kind).json()["sale"]["amount"] == 5
