"""GET /events: every filter on the three kinds, and pages that concurrent writes don't move."""

import re
import threading

import pytest

from harness import BROWSER, assert_error, follow, pairs, unique

CLICK = ["id", "timestamp", "url", "country", "city", "region", "continent", "device", "browser", "os", "ip", "ua", "trigger", "referer",
         "refererUrl", "qr"]
FLAT = {"click_id", "link_id", "domain", "key", "url", "continent", "country", "city", "device", "browser", "os", "qr", "ip"}


@pytest.fixture(scope="module")
def shop(server):
    """Two links; Ann and Bob came by the first, Cid by the second, each with leads and sales of their own."""
    shop = server.workspace()
    shop.ok("POST", "/domains", json={"slug": "ev.example"})
    shop.tag = shop.ok("POST", "/tags", json={"name": "t"})["id"]
    shop.folder = shop.ok("POST", "/folders", json={"name": "f"})["id"]
    shop.one = shop.link(key="One", tagIds=[shop.tag], utm_source="news", utm_medium="mail", externalId="e1", tenantId="t1")
    shop.two = shop.link(key="two", folderId=shop.folder, url="https://other.example/")
    shop.ids = {}
    for name, link, headers in [
        ("ann", shop.one, {"Referer": "https://www.news.example/a"}), ("bob", shop.one, {}), ("cid", shop.two, {"Referer": "https://blog.example/"})]:
        suffix = "?qr=1" if name == "bob" else ""
        reply = follow(server, link["key"] + suffix, host="ev.example", **headers)
        click = reply.headers["set-cookie"].split(";")[0].split("=", 1)[1]
        shop.lead(name, click, metadata={"plan": "pro" if name == "ann" else "free", "seats": len(shop.ids) + 1})
        for number in range(2 if name != "cid" else 1):
            shop.sold(name, 100 * (number + 1), metadata={"plan": "pro", "n": number, "size": f"{number}.50"}, invoiceId=f"{name}{number}")
        shop.ids[name] = shop.customer(name)["id"]
    root = shop.ok("GET", "/links/info", params={"domain": "ev.example", "key": "_root"})
    shop.ok("PATCH", f"/links/{root['id']}", json={"url": "https://root.example/"})
    follow(server, "", host="ev.example")
    return shop


def found(shop, kind, **query):
    return shop.ok("GET", "/events", params={"event": kind, "interval": "all", "sortOrder": "asc", **query})


def who(shop, kind, **query):
    """The customers of the events, or the links' keys of clicks."""
    return [e["customer"]["externalId"] if kind != "clicks" else e["key"] for e in found(shop, kind, **query)]


BOTH, ALL = "ann ann bob bob", "ann ann bob bob cid"


@pytest.mark.parametrize("query, clicks, sales", [
    ({}, "One One two _root", ALL), ({"domain": "ev.example"}, "One One two _root", ALL), ({"domain": "no.example"}, "", ""),
    ({"domain": "-ev.example"}, "", ""), ({"key": "one", "domain": "ev.example"}, "One One", BOTH), ({"key": "-ONE"}, "two _root", "cid"),
    ({"key": "one,two"}, "One One two", ALL), ({"externalId": "ext_e1"}, "One One", BOTH), ({"externalId": "e9"}, "", ""),
    ({"tenantId": "t1"}, "One One", BOTH), ({"tenantId": "-t1"}, "two _root", "cid"), ({"utm_source": "news"}, "One One", BOTH),
    ({"utm_medium": "-mail"}, "two _root", "cid"), ({"utm_campaign": "x"}, "", ""), ({"trigger": "qr"}, "One", "bob bob"),
    ({"qr": "true"}, "One", "bob bob"), ({"qr": "false"}, "One two _root", "ann ann cid"), ({"trigger": "-qr,link"}, "", ""),
    ({"referer": "www.news.example"}, "One", "ann ann"), ({"referer": "(direct)"}, "One _root", "bob bob"),
    ({"refererUrl": "https://blog.example/"}, "two", "cid"), ({"referer": "-(direct)"}, "One two", "ann ann cid"),
    ({"country": "Unknown"}, "One One two _root", ALL), ({"country": "DE"}, "", ""), ({"country": "-DE"}, "One One two _root", ALL),
    ({"browser": "Chrome"}, "One One two _root", ALL), ({"browser": "-Chrome"}, "", ""), ({"os": "Linux,iOS"}, "One One two _root", ALL),
    ({"device": "Desktop"}, "One One two _root", ALL), ({"device": "Mobile"}, "", ""), ({"continent": "EU"}, "", ""), ({"city": "Unknown"}, "One One two _root", ALL),
    ({"region": "Unknown"}, "One One two _root", ALL), ({"url": "https://other.example/"}, "two", "cid"), ({"root": "true"}, "_root", ""),
    ({"root": "false"}, "One One two", ALL), ({"folderId": "unsorted"}, "One One _root", BOTH), ({"bots": "true"}, "", ALL),
    ({"page": 2, "limit": 2}, "two _root", "bob bob"), ({"limit": 1}, "One", "ann"), ({"start": "2020-01-01"}, "One One two _root", ALL),
    ({"start": "2090-01-01"}, "", ""), ({"end": "2020-01-01", "start": "2019-01-01"}, "", ""), ({"interval": "24h"}, "One One two _root", ALL),
    ({"timezone": "Europe/Berlin"}, "One One two _root", ALL), ({"sortBy": "timestamp"}, "One One two _root", ALL),
    ({"order": "asc"}, "One One two _root", ALL), ({"query": "metadata['plan']:'pro'"}, "", ALL)], ids=lambda v: str(v)[:40])
def test_filters(shop, query, clicks, sales):
    assert who(shop, "clicks", **query) == clicks.split()
    assert who(shop, "sales", **query) == sales.split()


def test_filters_by_id(shop):
    for kind, one in (("clicks", ["One", "One"]), ("sales", BOTH.split()), ("leads", ["ann", "bob"])):
        assert who(shop, kind, linkId=shop.one["id"]) == one
        assert len(who(shop, kind, linkId=f"{shop.one['id']},{shop.two['id']}")) == len(one) + 1
        assert one[0] not in who(shop, kind, linkId="-" + shop.one["id"])
        assert who(shop, kind, tagId=shop.tag) == who(shop, kind, tagIds=shop.tag) == one
        assert one[0] not in who(shop, kind, tagId="-" + shop.tag)
        assert len(who(shop, kind, folderId=shop.folder)) == 1
    for kind, expected in (("clicks", ["One"]), ("leads", ["bob"]), ("sales", ["bob", "bob"])):
        assert who(shop, kind, customerId=shop.ids["bob"]) == expected
        assert who(shop, kind, customerId="cus_none") == []
    assert who(shop, "sales", customerId=f"{shop.ids['bob']},{shop.ids['cid']}") == ["bob", "bob", "cid"]
    assert who(shop, "sales", customerId="-" + shop.ids["bob"]) == ["ann", "ann", "cid"]
    assert who(shop, "sales", saleType="new") == ["ann", "bob", "cid"] and who(shop, "sales", saleType="recurring") == ["ann", "bob"]


@pytest.mark.parametrize("query, expected", [
    ("metadata['n']:'1'", "ann bob"), ("metadata['n']=0", "ann bob cid"), ("metadata['n']!='1'", "ann bob cid"), ("metadata['n']>0", "ann bob"),
    ("metadata['n']>=0", ALL), ("metadata['size']<1", "ann bob cid"), ("metadata['size']<='0.5'", "ann bob cid"), ("metadata['none']:'x'", ""),
    ('metadata["plan"]:"pro" AND metadata[\'n\']:\'1\'', "ann bob"), ("metadata['plan']>'1'", "")])
def test_metadata(shop, query, expected):
    assert who(shop, "sales", query=query) == expected.split()


def test_metadata_of_leads_by_pages(shop):
    assert who(shop, "leads", query="metadata['plan']:'free'") == ["bob", "cid"]
    assert who(shop, "leads", query="metadata['plan']:'free'", limit=1, page=2) == ["cid"]
    assert_error(shop.get("/events", event="leads", query="plan is free"), 422, "unprocessable_entity", re.compile("^custom: query: "))


def test_the_whole_objects(shop):
    click = found(shop, "clicks")[0]
    lead, sale = found(shop, "leads")[0], found(shop, "sales")[0]
    assert set(click) == {"event", "timestamp", "click", "link"} | FLAT
    assert set(lead) == {"event", "timestamp", "eventId", "eventName", "metadata", "click", "link", "customer"} | FLAT
    assert set(sale) == set(lead) | {"sale", "saleAmount", "invoice_id", "payment_processor"}
    assert [e["event"] for e in (click, lead, sale)] == ["click", "lead", "sale"]
    for event in (click, lead, sale):
        assert list(event["click"]) == CLICK and event["link"] == shop.fresh(shop.one)
        assert event["click"]["id"] == event["click_id"] == click["click"]["id"] and event["link_id"] == shop.one["id"]
    assert sale["sale"] == {"amount": 100, "invoiceId": "ann0", "paymentProcessor": "custom", "currency": "usd"}
    assert (sale["saleAmount"], sale["invoice_id"], sale["payment_processor"]) == (100, "ann0", "custom")
    assert sale["metadata"] == {"plan": "pro", "n": 0, "size": "0.50"} and sale["customer"] == shop.customer("ann")
    assert click["click"]["ua"].startswith(BROWSER) and click["qr"] == 0 and click["click"]["qr"] is False
    assert len(pairs(shop.get("/events", event="sales").content)[0]) == len(sale)


@pytest.mark.parametrize("query, message", [
    ({"event": "payments"}, re.compile("^invalid_value: event: ")), ({"limit": 1001}, re.compile("1000")), ({"limit": 0}, re.compile("greater than 0")),
    ({"page": "x"}, re.compile("must be a number")), ({"interval": "1h"}, re.compile("^invalid_value: interval: ")), ({"start": "x"}, re.compile("^custom: start: ")),
    ({"start": "2026-02-01", "end": "2026-01-01"}, re.compile("^custom: start: ")), ({"sortBy": "amount"}, re.compile("^invalid_value: sortBy: ")),
    ({"qr": "yes"}, re.compile("^invalid_value: qr: ")), ({"startingAfter": "none"}, "Invalid cursor: the provided ID does not exist."),
    ({"startingAfter": "a", "endingBefore": "b"}, re.compile("^You cannot use both"))])
def test_what_is_refused(shop, query, message):
    assert_error(shop.get("/events", **query), 422, "unprocessable_entity", message)


def test_cursors_of_others_are_unknown(shop, acme):
    for kind in ("clicks", "leads", "sales"):
        event = found(shop, kind)[0]
        id = event.get("eventId") or event["click"]["id"]
        assert_error(acme.get("/events", event=kind, startingAfter=id), 422, "unprocessable_entity")


@pytest.mark.parametrize("kind", ["clicks", "leads", "sales"])
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_pages_that_writes_do_not_move(server, kind, order):
    acme = server.workspace()
    link = acme.link()
    acme.lead("first", acme.click(link))

    def write(n):
        name = f"c{n}"
        acme.lead(name, acme.click(link))
        acme.sold(name, 10)

    for n in range(20):
        write(n)
    id_of = lambda e: e.get("eventId") or e["click"]["id"]  # noqa: E731
    before = [id_of(e) for e in found(acme, kind)]
    stop = threading.Event()

    def keep_writing():
        n = 100
        while not stop.is_set():
            write(n)
            n += 1

    writer = threading.Thread(target=keep_writing)
    writer.start()
    try:
        seen, query = [], {"limit": 3, "sortOrder": order}
        while page := found(acme, kind, **query):
            seen += [id_of(e) for e in page]
            query["startingAfter"] = seen[-1]
            if order == "asc" and set(before) <= set(seen):
                break
    finally:
        stop.set()
        writer.join()
    assert len(seen) == len(set(seen))
    # Newest first, the walk sees what was there when it began and nothing later, but for the first page.
    old = [id for id in seen if id in set(before)]
    assert old == (before if order == "asc" else before[::-1])
    middle = before[10]
    back = [id_of(e) for e in found(acme, kind, limit=3, sortOrder=order, endingBefore=middle)]
    assert back == (before[7:10] if order == "asc" else [id for id in before[11:14]][::-1])


def test_a_thousand_and_more(server):
    acme = server.workspace()
    link = acme.link()
    customer, _ = acme.lead_customer(link)
    for n in range(30):
        acme.sold(customer, 1, invoiceId=unique("many"))
    ids = [e["eventId"] for page in (1, 2, 3, 4) for e in found(acme, "sales", limit=10, page=page)]
    assert len(ids) == len(set(ids)) == 30
    assert [e["eventId"] for e in found(acme, "sales", sortOrder="desc")] == ids[::-1]


def test_names_of_events(shop):
    assert found(shop, "clicks", eventName="x") == found(shop, "clicks")
    names = {e["eventName"] for e in found(shop, "leads")}
    for name in names:
        assert {e["eventName"] for e in found(shop, "leads", eventName=name)} == {name}
        assert {e["eventName"] for e in found(shop, "leads", eventName=f"-{name}")} == names - {name}
    assert found(shop, "sales", eventName="Nope") == []


@pytest.mark.parametrize("name", ["partnerId", "groupId", "partnerTagId", "programId"])
def test_what_nobody_has_is_not_found(shop, name):
    assert found(shop, "clicks", **{name: "x"}) == [] and found(shop, "sales", **{name: "-x"}) == []


@pytest.mark.parametrize("query, message", [
    ({"saleType": "zzz"}, 'invalid_value: saleType: Invalid option: expected one of "new"|"recurring"'),
    ({"root": "maybe"}, 'invalid_value: root: Invalid option: expected one of "true"|"false"')])
def test_choices_that_are_none(shop, query, message):
    assert_error(shop.get("/events", **query), 422, "unprocessable_entity", message)


def test_the_last_day_counts(shop):
    today = found(shop, "sales")[0]["timestamp"][:10]
    last = found(shop, "sales")[-1]["timestamp"][:10]
    assert len(found(shop, "sales", start=today, end=last)) == len(found(shop, "sales"))
    assert found(shop, "sales", start="2026-01-01", end="2026-01-01") == []
    assert len(found(shop, "sales", start="")) == len(found(shop, "sales")), "an empty parameter is none"


def test_a_key_is_found_as_it_is_written(server):
    acme = server.workspace()
    key = unique("größe")
    link = acme.link(key=key)
    acme.click(link)
    assert [e["link"]["id"] for e in found(acme, "clicks", key=key)] == [link["id"]]
    assert found(acme, "clicks", key="-" + key) == []
