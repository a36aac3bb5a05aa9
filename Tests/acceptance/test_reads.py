"""GET /customers and GET /events: shape, paging, order, filters, periods."""

import re
from datetime import datetime, timedelta, timezone

import pytest

from harness import assert_error, pairs

MOMENT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
CUSTOMER = ["id", "name", "email", "avatar", "externalId", "stripeCustomerId", "country", "sales",
            "saleAmount", "createdAt", "firstSaleAt", "subscriptionCanceledAt"]
CLICK = set("id timestamp url country city region continent device browser os trigger referer refererUrl qr ip".split())
FLAT = set("click_id link_id domain key url continent country city device browser os qr ip".split())


@pytest.fixture(scope="module")
def shop(server):
    """Five customers of two links; customer n has n sales of 100 n."""
    workspace = server.workspace()
    workspace.links = [workspace.link(externalId=f"link-{n}") for n in range(2)]
    workspace.ids = []
    for n in range(5):
        id = f"buyer-{n}"
        workspace.lead(id, workspace.click(workspace.links[n % 2]), customerName=f"Name {n}",
                       customerEmail=f"b{n}@example.com", metadata={"n": n})
        workspace.ids.append(id)
    for n in range(5):
        for sale in range(n):
            workspace.sold(f"buyer-{n}", 100 * n, invoiceId=f"in-{n}-{sale}", metadata={"of": n},
                           paymentProcessor="stripe", eventName="Paid")
    return workspace


def names(customers):
    return [c["externalId"] for c in customers]


def test_a_customer(shop):
    for prefix in ("", "/api"):
        by_external = shop.get(f"{prefix}/customers/ext_buyer-3")
        assert by_external.status_code == 200
        customer = by_external.json()
        assert set(customer) == set(CUSTOMER) and len(pairs(by_external.content)) == len(CUSTOMER)
        assert (customer["name"], customer["email"], customer["sales"], customer["saleAmount"]) == (
            "Name 3", "b3@example.com", 3, 900)
        assert re.fullmatch(MOMENT, customer["createdAt"]) and re.fullmatch(MOMENT, customer["firstSaleAt"])
        assert re.fullmatch("cus_[0-9A-Z]{25}", customer["id"])
        assert shop.get(f"{prefix}/customers/{customer['id']}").content == by_external.content
    assert shop.customer("buyer-0")["firstSaleAt"] is None and shop.customer("buyer-0")["sales"] == 0


def test_a_customer_with_its_link(shop):
    customer = shop.ok("GET", "/customers/ext_buyer-1", params={"includeExpandedFields": "true"})
    link = shop.links[1]
    assert customer["link"] == {name: link[name] for name in ("id", "domain", "key", "shortLink", "url", "programId")}
    assert customer["programId"] is None and customer["partner"] is None and customer["discount"] is None
    listed = shop.ok("GET", "/customers", params={"includeExpandedFields": "true", "externalId": "buyer-1"})
    assert listed == [customer]


@pytest.mark.parametrize("id", ["cus_none", "ext_none", "buyer-1", "ext_", "ext_BUYER-1", "ext_buyer-1%20"])
def test_customers_that_are_not_there(shop, id):
    assert_error(shop.get(f"/customers/{id}"), 404, "not_found", re.compile(r"(?s)cus_.*ext_"))


@pytest.mark.parametrize("id, spellings", [
    ("ann@example.com", ["ann@example.com", "ann%40example.com", "%61nn@example.com"]),
    ("auth0|5f", ["auth0%7C5f"]), ("a b", ["a%20b"]), ("a+b", ["a+b", "a%2Bb"]), ("a/b", ["a%2Fb"]),
    ("50%", ["50%25"]), ("%41", ["%2541"]), ("ü\U0001F496", ["%C3%BC%F0%9F%92%96"]), ("a?b#c", ["a%3Fb%23c"])], ids=str)
def test_ids_in_paths_are_decoded(acme, id, spellings):
    link = acme.link(externalId=id)
    acme.lead(id, acme.click(link))
    for spelling in spellings:
        assert acme.ok("GET", f"/customers/ext_{spelling}")["externalId"] == id
        assert acme.ok("GET", f"/links/ext_{spelling}")["id"] == link["id"]
        assert acme.ok("PATCH", f"/links/ext_{spelling}", json={"title": spelling})["id"] == link["id"]


@pytest.mark.parametrize("id, spellings", [
    ("q a b", ["q+a+b", "q%20a%20b", "q+a%20b"]), ("q+b", ["q%2Bb"]), ("q&b=c", ["q%26b%3Dc"]),
    ("q\u00fc", ["q%C3%BC"])], ids=str)
def test_values_in_queries_are_decoded(acme, id, spellings):
    link = acme.link(externalId=id)
    acme.lead(id, acme.click(link))
    for spelling in spellings:
        assert names(acme.ok("GET", f"/customers?externalId={spelling}")) == [id], spelling
        assert acme.ok("GET", f"/links/info?externalId=ext_{spelling}")["id"] == link["id"]


def test_a_nul_in_a_search_finds_nothing(shop):
    reply = shop.get("/customers?search=%00")
    assert (reply.status_code in (400, 422)) or reply.json() == []


@pytest.mark.parametrize("query, found", [
    ({}, [4, 3, 2, 1, 0]), ({"sortOrder": "asc"}, [0, 1, 2, 3, 4]), ({"sortOrder": "desc"}, [4, 3, 2, 1, 0]),
    ({"sortBy": "createdAt", "sortOrder": "asc"}, [0, 1, 2, 3, 4]),
    ({"sortBy": "saleAmount"}, [4, 3, 2, 1, 0]), ({"sortBy": "saleAmount", "sortOrder": "asc"}, [0, 1, 2, 3, 4]),
    ({"email": "b2@example.com"}, [2]), ({"email": "B9@example.com"}, []), ({"externalId": "buyer-3"}, [3]),
    ({"externalId": "buyer"}, []), ({"search": "b1@example.com"}, [1]), ({"search": "Name 4"}, [4]),
    ({"email": "b2@example.com", "externalId": "buyer-3"}, [2]),
    ({"externalId": "buyer-3", "search": "Name 4"}, [3]), ({"country": "XX"}, []),
    ({"pageSize": 2}, [4, 3]), ({"pageSize": 2, "page": 2}, [2, 1]), ({"pageSize": 2, "page": 3}, [0]),
    ({"pageSize": 2, "page": 4}, []), ({"pageSize": 100, "page": 1000}, []), ({"search": "%"}, []), ({"search": "_"}, []),
    ({"externalId": "' OR 1=1 --"}, []),
], ids=str)
def test_lists_of_customers(shop, query, found):
    assert names(shop.ok("GET", "/customers", params=query)) == [f"buyer-{n}" for n in found]


def test_customers_of_a_link(shop):
    for n, link in enumerate(shop.links):
        listed = shop.ok("GET", "/customers", params={"linkId": link["id"], "sortOrder": "asc"})
        assert names(listed) == [f"buyer-{i}" for i in range(n, 5, 2)]


PAGES = [
    ({"page": "x"}, "Page must be a number."), ({"page": 0}, "Page must be greater than 0."),
    ({"page": -1}, "Page must be greater than 0."),
    ({"page": 1001}, "Page is too big (cannot be more than 1000), recommend using cursor-based pagination instead."),
]


@pytest.mark.parametrize("path", ["/customers", "/domains"])
@pytest.mark.parametrize("query, message", PAGES, ids=str)
def test_pages_that_make_no_sense(shop, path, query, message):
    assert_error(shop.get(path, **query), 422, "unprocessable_entity", re.compile(re.escape(message)))


@pytest.mark.parametrize("path, name, most", [("/events", "limit", 1000), ("/customers", "pageSize", 100)])
def test_sizes_that_make_no_sense(shop, path, name, most):
    for value, message in [("9" * 25, f"Max page size is {most}."), ("x", "Page size must be a number."),
                           ("0", "Page size must be greater than 0.")]:
        reply = shop.get(path, **{name: value})
        assert_error(reply, 422, "unprocessable_entity", re.compile(re.escape(message)))
    assert_error(shop.get(path, page="9" * 25), 422, "unprocessable_entity", re.compile("Page is too big"))


@pytest.mark.parametrize("path, query", [
    ("/customers", {"pageSize": 101}), ("/customers", {"pageSize": 0}), ("/customers", {"pageSize": "x"}),
    ("/customers", {"sortBy": "name"}), ("/customers", {"sortOrder": "up"}),
    ("/customers", {"includeExpandedFields": "1"}), ("/events", {"limit": 1001}), ("/events", {"limit": 0}),
    ("/events", {"page": 0}), ("/events", {"page": "x"}), ("/events", {"event": "visits"}),
    ("/events", {"sortBy": "amount"}), ("/events", {"sortOrder": "up"}), ("/events", {"interval": "2d"}),
    ("/events", {"start": "someday"}), ("/events", {"start": "2026-02-30"}), ("/events", {"end": "x"}),
], ids=str)
def test_parameters_that_make_no_sense(shop, path, query):
    reply = shop.get(path, **query)
    assert_error(reply, 422, "unprocessable_entity")


CURSORS = [
    ({"startingAfter": "a", "endingBefore": "b"}, "You cannot use both startingAfter and endingBefore at the same time."),
    ({"startingAfter": "a", "page": 2}, "You cannot use both page and startingAfter/endingBefore at the same time. Please use one pagination method."),
    ({"startingAfter": "a", "sortBy": "saleAmount"}, "Cursor-based pagination only supports sorting by `createdAt`. Use offset-based pagination (page/pageSize) for other sort fields."),
    ({"startingAfter": "cus_none"}, "Invalid cursor: the provided ID does not exist."),
]


@pytest.mark.parametrize("query, message", CURSORS, ids=str)
def test_cursors_that_make_no_sense(shop, query, message):
    assert_error(shop.get("/customers", **query), 422, "unprocessable_entity", re.compile(re.escape(message)))


def test_cursors(shop):
    everyone = shop.ok("GET", "/customers")
    after = shop.ok("GET", "/customers", params={"startingAfter": everyone[1]["id"], "pageSize": 2})
    assert names(after) == names(everyone[2:4])
    before = shop.ok("GET", "/customers", params={"endingBefore": everyone[3]["id"], "pageSize": 2})
    assert names(before) == names(everyone[1:3])


# --- events --------------------------------------------------------------------------------------

def test_a_click(shop):
    events = shop.ok("GET", "/events", params={"linkId": shop.links[0]["id"]})
    assert len(events) == 3
    for event in events:
        assert event["event"] == "click" and re.fullmatch(MOMENT, event["timestamp"])
        assert CLICK <= set(event["click"]) and FLAT <= set(event)
        assert event["click_id"] == event["click"]["id"] and event["link_id"] == event["link"]["id"]
        assert event["link"] == shop.fresh(shop.links[0])
        assert "customer" not in event and "sale" not in event and "eventId" not in event


def test_a_lead(shop):
    [event] = [e for e in shop.events("leads") if e["customer"]["externalId"] == "buyer-4"]
    assert event["event"] == "lead" and re.fullmatch("[0-9A-Za-z]{16}", event["eventId"])
    assert event["eventName"] == "Sign up" and event["metadata"] == {"n": 4}
    assert event["customer"] == shop.customer("buyer-4")
    assert CLICK <= set(event["click"]) and FLAT <= set(event) and event["link"]["id"] == shop.links[0]["id"]
    assert "sale" not in event


def test_a_sale(shop):
    events = shop.events("sales", customerId=shop.customer("buyer-2")["id"])
    assert sorted(e["sale"]["invoiceId"] for e in events) == ["in-2-0", "in-2-1"]
    for event in events:
        assert event["event"] == "sale" and event["eventName"] == "Paid" and event["metadata"] == {"of": 2}
        assert event["sale"] == {
            "amount": 200, "invoiceId": event["invoice_id"], "paymentProcessor": "stripe", "currency": "usd"}
        assert event["saleAmount"] == 200 and event["payment_processor"] == "stripe"
        assert event["customer"] == shop.customer("buyer-2")
        [click] = {e["click"]["id"] for e in shop.events("leads", customerId=event["customer"]["id"])}
        assert event["click"]["id"] == click
    assert len({e["eventId"] for e in events}) == 2


@pytest.mark.parametrize("kind, total", [("clicks", 5), ("leads", 5), ("sales", 10)])
def test_pages_of_events(shop, kind, total):
    def ids(**query):
        key = (lambda e: e["click"]["id"]) if kind == "clicks" else (lambda e: e["eventId"])
        return [key(e) for e in shop.ok("GET", "/events", params={"event": kind, **query})]

    everything = ids()
    assert len(set(everything)) == len(everything) == total
    assert ids(sortOrder="asc") == ids(order="asc") == everything[::-1]
    assert ids(sortOrder="desc", sortBy="timestamp") == everything
    assert [id for page in range(1, total // 3 + 2) for id in ids(limit=3, page=page)] == everything
    assert ids(limit=3, page=99) == [] and ids(limit=1000) == everything
    times = [e["timestamp"] for e in shop.ok("GET", "/events", params={"event": kind})]
    assert times == sorted(times, reverse=True)


def test_filters_of_events(shop):
    one, two = shop.links
    for query, count in [
        ({"linkId": one["id"]}, 6), ({"linkId": two["id"]}, 4), ({"linkId": f"{one['id']},{two['id']}"}, 10),
        ({"linkId": "link_none"}, 0), ({"externalId": "ext_link-1"}, 4), ({"externalId": "ext_none"}, 0),
        ({"domain": "localhost"}, 10), ({"domain": "none.example"}, 0),
        ({"domain": "localhost", "key": one["key"]}, 6), ({"customerId": "cus_none"}, 0),
    ]:
        assert len(shop.events("sales", **query)) == count, query
    assert len(shop.events("clicks", customerId=shop.customer("buyer-1")["id"])) == 1


@pytest.mark.parametrize("interval", ["24h", "7d", "30d", "90d", "1y", "mtd", "qtd", "ytd", "all"])
def test_intervals(shop, interval):
    assert len(shop.ok("GET", "/events", params={"event": "sales", "interval": interval})) == 10


def moment(seconds):
    return (datetime.now(timezone.utc) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def test_start_and_end(shop):
    def count(**query):
        return len(shop.ok("GET", "/events", params={"event": "sales", **query}))

    assert count(start=moment(-3600)) == 10 and count(start=moment(60)) == 0
    assert count(start=moment(-7200), end=moment(-3600)) == 0
    assert count(start=moment(-3600), end=moment(60), interval="24h") == 10
    assert count(start=moment(60), interval="all") == 0, "start wins over interval"
    assert count(start=moment(-86_400)[:10]) == 10
    assert count(start="2020-01-01T00:00:00+02:00", end="2020-12-31") == 0
    stamps = sorted(e["timestamp"] for e in shop.events("sales"))
    assert count(start=stamps[0], end=stamps[-1]) == 10


def test_an_end_before_the_start_is_refused(shop):
    reply = shop.get("/events", start=moment(0), end=moment(-60))
    assert reply.status_code in (200, 422) and (reply.status_code == 422 or reply.json() == [])


def test_events_of_a_deleted_link_stay(server):
    # What was earned stays on the books (docs/integrate/differences.md).
    workspace = server.workspace()
    customer, link = workspace.lead_customer()
    kept, other = workspace.lead_customer()
    for one in (customer, kept):
        workspace.sold(one, 5)
    workspace.ok("DELETE", f"/links/{link['id']}")
    for kind in ("clicks", "leads", "sales"):
        assert {e["link"]["id"] for e in workspace.events(kind)} == {other["id"], link["id"]}


def test_an_empty_workspace(server):
    empty = server.workspace()
    for path in ("/customers", "/events?event=sales", "/events?event=leads", "/events", "/domains"):
        reply = empty.get(path)
        assert (reply.status_code, reply.text) == (200, "[]")
