"""Customers: lists, counts, changes, and forgetting them."""

import re

import pytest

from harness import assert_error, pairs, together, unique

KEYS = ["id", "name", "email", "avatar", "externalId", "stripeCustomerId", "country", "sales", "saleAmount", "createdAt",
        "firstSaleAt", "subscriptionCanceledAt"]
MISSING = re.compile(r"^Customer not found\..*cus_.*ext_")


@pytest.fixture(scope="module")
def shop(server):
    """Ann and Bob came by one link, Cid by another, Dora by none; Bob and Cid have paid."""
    shop = server.workspace()
    shop.one, shop.two = shop.link(), shop.link()
    for name, link, amount in (("ann", shop.one, 0), ("bob", shop.one, 500), ("cid", shop.two, 300)):
        shop.lead(name, shop.click(link), customerName=name.title(), customerEmail=f"{name}@x.example")
        if amount:
            shop.sold(name, amount)
    shop.ok("POST", "/customers", json={"externalId": "dora", "country": "DE", "name": "Dora 100%"})
    return shop


def names(shop, **query):
    return [c["externalId"] for c in shop.ok("GET", "/customers", params=query)]


@pytest.mark.parametrize("query, expected", [
    ({}, "dora cid bob ann"), ({"sortOrder": "asc"}, "ann bob cid dora"), ({"sortBy": "saleAmount"}, "bob cid dora ann"),
    ({"sortBy": "saleAmount", "sortOrder": "asc"}, "ann dora cid bob"), ({"sortBy": "firstSaleAt"}, "cid bob dora ann"),
    ({"sortBy": "subscriptionCanceledAt"}, "dora cid bob ann"), ({"email": "bob@x.example"}, "bob"), ({"externalId": "cid"}, "cid"),
    ({"email": "bob@x.example", "externalId": "cid", "search": "ann"}, "bob"), ({"externalId": "cid", "search": "ann"}, "cid"),
    ({"search": "ann"}, "ann"), ({"search": "BOB"}, "bob"), ({"search": "bob@x.example"}, "bob"), ({"search": "@x"}, ""), ({"search": "100%"}, "dora"),
    ({"search": "_"}, ""), ({"country": "DE"}, "dora"), ({"country": "FR"}, ""), ({"partnerId": "pn_1"}, ""), ({"programId": "prog_1"}, ""),
    ({"page": 2, "pageSize": 3}, "ann"), ({"page": 3, "pageSize": 3}, "")], ids=lambda v: str(v)[:50])
def test_lists(shop, query, expected):
    assert names(shop, **query) == expected.split()
    if not {"page", "sortBy", "sortOrder"} & set(query):
        assert shop.ok("GET", "/customers/count", params=query) == len(expected.split())


def test_lists_by_link(shop):
    assert names(shop, linkId=shop.one["id"]) == ["bob", "ann"]


def test_counts_by_group(shop):
    found = shop.ok("GET", "/customers/count", params={"groupBy": "linkId"})
    assert {item["linkId"]: item["_count"] for item in found} == {shop.one["id"]: 2, shop.two["id"]: 1, None: 1}
    found = shop.ok("GET", "/customers/count", params={"groupBy": "country"})
    assert found == [{"country": None, "_count": 3}, {"country": "DE", "_count": 1}]
    assert_error(shop.get("/customers/count", groupBy="name"), 422, "unprocessable_entity", re.compile("^invalid_value: groupBy: "))


def test_cursors(server):
    acme = server.workspace()
    made = [acme.ok("POST", "/customers", json={"externalId": f"c{n}", "country": "US"})["id"] for n in range(7)]
    seen, query = [], {"pageSize": 3}
    while page := acme.ok("GET", "/customers", params=query):
        seen += [c["id"] for c in page]
        query["startingAfter"] = seen[-1]
        acme.ok("POST", "/customers", json={"externalId": unique("new"), "country": "US"})
    assert seen == made[::-1]
    back = acme.ok("GET", "/customers", params={"pageSize": 3, "endingBefore": made[0]})
    assert [c["id"] for c in back] == [made[3], made[2], made[1]]


def test_the_whole_customer(shop):
    reply = shop.get("/customers/ext_bob")
    assert [k for k, _ in pairs(reply.content)] == KEYS
    bob = reply.json()
    assert (bob["name"], bob["email"], bob["sales"], bob["saleAmount"]) == ("Bob", "bob@x.example", 1, 500)
    assert shop.get(f"/customers/{bob['id']}").content == reply.content
    full = shop.ok("GET", "/customers/ext_bob", params={"includeExpandedFields": "true"})
    assert list(full) == KEYS + ["link", "programId", "partner", "discount"]
    assert full["link"] == {k: shop.one[k] for k in ("id", "domain", "key", "shortLink", "url", "programId")}
    assert shop.ok("GET", "/customers/ext_dora", params={"includeExpandedFields": "true"})["link"] is None
    [listed] = shop.ok("GET", "/customers", params={"externalId": "bob", "includeExpandedFields": "true"})
    assert listed == full


def test_a_customer_who_is_told_of(acme):
    id = unique("told")
    reply = acme.post("/customers", {"externalId": id, "country": "fr", "email": "a@b.example", "stripeCustomerId": f"cus_{id}"})
    assert reply.status_code == 201
    customer = reply.json()
    assert (customer["externalId"], customer["country"], customer["name"]) == (id, "FR", "a@b.example")
    assert customer["stripeCustomerId"] == f"cus_{id}" and customer["id"].startswith("cus_")
    for body, status, code, message in [
        ({"externalId": id, "country": "FR"}, 409, "conflict", "A customer with this external ID already exists."),
        ({"externalId": unique("x"), "country": "FR", "stripeCustomerId": f"cus_{id}"}, 409, "conflict", re.compile("Stripe")),
        ({"country": "FR"}, 422, "unprocessable_entity", re.compile("^invalid_type: externalId: ")),
        ({"externalId": "x"}, 422, "unprocessable_entity", re.compile("^invalid_type: country: ")),
        ({"externalId": "x" * 101, "country": "FR"}, 422, "unprocessable_entity", re.compile("^too_big: externalId: ")),
        ({"externalId": "x", "country": "FR", "email": "no"}, 422, "unprocessable_entity", "invalid_format: email: Invalid email address"),
    ]:
        assert_error(acme.post("/customers", body), status, code, message)
    # No link yet; a lead with a click brings one.
    assert_error(acme.sale(id), 404, "not_found", f"Link not found for customer {customer['id']}")
    link = acme.link()
    acme.lead(id, acme.click(link))
    acme.sold(id, 700)
    assert acme.fresh(link)["saleAmount"] == 700


def test_one_of_many_makes_the_customer(acme):
    id = unique("race")
    codes = together(8, lambda _: acme.post("/customers", {"externalId": id, "country": "US"}).status_code)
    assert sorted(codes) == [201] + [409] * 7


def test_changes(acme, other):
    customer, link = acme.lead_customer()
    id = acme.customer(customer)["id"]
    acme.sold(customer, 500, invoiceId=unique("in"))
    path, moved = f"/customers/{id}", unique("moved")
    changed = acme.ok("PATCH", path, json={
        "name": "New", "email": "n@x.example", "avatar": "https://x.example/a.png", "externalId": moved, "stripeCustomerId": f"cus_{moved}"})
    assert [changed[k] for k in ("name", "email", "avatar", "externalId", "stripeCustomerId")] == [
        "New", "n@x.example", "https://x.example/a.png", moved, f"cus_{moved}"]
    assert acme.customer(moved) == changed and acme.get(f"/customers/ext_{customer}").status_code == 404
    assert acme.ok("PATCH", f"/customers/ext_{moved}", json={"name": None})["name"] == "n@x.example"
    nameless = acme.ok("PATCH", f"/customers/ext_{moved}", json={"email": None})
    assert nameless["email"] is None and len(nameless["name"].split()) == 3
    acme.sold(moved, 300)
    assert acme.customer(moved)["saleAmount"] == 800 and acme.fresh(link)["saleAmount"] == 800
    assert {e["customer"]["externalId"] for e in acme.events("sales", customerId=id)} == {moved}
    # The old id is free again.
    assert acme.ok("POST", "/customers", json={"externalId": customer, "country": "US"})["id"] != id
    for reply, status, code, message in [
        (acme.http.patch(path, json={"externalId": customer}), 409, "conflict", "A customer with this external ID already exists."),
        (acme.http.patch(f"/customers/ext_{customer}", json={"stripeCustomerId": f"cus_{moved}"}), 409, "conflict", re.compile("Stripe")),
        (acme.http.patch(path, json={"avatar": "x"}), 422, "unprocessable_entity", "invalid_format: avatar: Invalid URL"),
        (acme.http.patch(path, json={"email": "x"}), 422, "unprocessable_entity", "invalid_format: email: Invalid email address"),
        (acme.http.patch("/customers/cus_none", json={}), 404, "not_found", MISSING),
        (other.http.patch(path, json={"name": "x"}), 404, "not_found", MISSING),
        (other.http.delete(path), 404, "not_found", MISSING),
        (other.get(path), 404, "not_found", MISSING),
    ]:
        assert_error(reply, status, code, message)
    acme.server.verify()


def test_forgetting(acme):
    customer, link = acme.lead_customer(customerName="Secret Name", customerEmail="secret@x.example")
    invoice = unique("in")
    acme.sold(customer, 500, invoiceId=invoice)
    id = acme.customer(customer)["id"]
    assert acme.ok("DELETE", f"/customers/ext_{customer}") == {"id": id}
    for path in (f"/customers/{id}", f"/customers/ext_{customer}"):
        assert_error(acme.get(path), 404, "not_found", MISSING)
        assert_error(acme.http.delete(path), 404, "not_found", MISSING)
    assert customer not in names(acme)
    [sale] = acme.events("sales", linkId=link["id"])
    assert {k: sale["customer"][k] for k in ("id", "name", "email", "externalId")} == {
        "id": id, "name": "Deleted Customer", "email": "deleted@customer.com", "externalId": id}
    assert sale["customer"]["createdAt"].startswith("1970-")
    assert "Secret" not in str(acme.events("leads")) and acme.fresh(link)["saleAmount"] == 500
    # The invoice stays paid; the same external id is somebody new.
    assert acme.sale("anybody", 500, invoiceId=invoice).headers["idempotent-replayed"] == "true"
    acme.lead(customer, acme.click(link))
    acme.sold(customer, 70)
    assert acme.customer(customer)["id"] != id and acme.customer(customer)["saleAmount"] == 70
    assert acme.fresh(link)["saleAmount"] == 570
    acme.server.verify()


def test_changing_names_while_they_pay(acme):
    """Sales under a name that is being given away are the customer's or are refused, never lost."""
    customer, link = acme.lead_customer()
    id = acme.customer(customer)["id"]

    def work(n):
        if n % 4 == 0:
            return acme.http.patch(f"/customers/{id}", json={"externalId": f"{customer}-{n}"}).status_code
        return acme.sale(customer, 100).json()

    answers = together(24, work)
    paid = sum(1 for a in answers if isinstance(a, dict) and a["sale"])
    events = acme.events("sales", customerId=id)
    assert len(events) == paid and acme.ok("GET", f"/customers/{id}")["saleAmount"] == 100 * paid
    assert acme.fresh(link)["saleAmount"] == 100 * paid
    acme.server.verify()


def test_nobody_is_found_under_what_a_deleted_customer_left(server):
    acme = server.workspace()
    name, link = acme.lead_customer()
    first = acme.sold(name, 50, invoiceId="once")
    id = acme.customer(name)["id"]
    acme.ok("DELETE", f"/customers/{id}")
    for left in (f"deleted:{id}", f"deleted:{id}:" + "-" * 100):
        assert acme.get(f"/customers/ext_{left}").status_code == 404
        assert acme.http.patch(f"/customers/ext_{left}", json={"name": "Z"}).status_code == 404
        assert acme.sale(left, 11).status_code == 422 or acme.sale(left, 11).json()["sale"] is None
        lead = acme.post("/track/lead", {"customerExternalId": left, "eventName": "x"})
        assert lead.status_code in (400, 422)
    assert acme.post("/customers", {"externalId": f"deleted:{id}", "country": "de"}).json()["country"] == "DE"
    # The invoice stands, without the person, and no difference is claimed.
    again = acme.sale(name, 50, invoiceId="once")
    assert again.json()["sale"] == first["sale"] and again.headers["idempotent-replayed"] == "true"
    assert "tribute-idempotency-conflict" not in again.headers
    assert again.json()["customer"] == {"id": id, "name": "Deleted Customer", "email": "deleted@customer.com", "avatar": None, "externalId": id}
    assert acme.fresh(link)["sales"] == 1


def test_customers_lose_a_link_that_is_deleted(server):
    acme = server.workspace()
    name, link = acme.lead_customer()
    acme.ok("DELETE", f"/links/{link['id']}")
    assert acme.ok("GET", f"/customers/ext_{name}", params={"includeExpandedFields": True})["link"] is None
    assert acme.ok("GET", "/customers", params={"linkId": link["id"]}) == []
    assert acme.ok("GET", "/customers/count", params={"groupBy": "linkId"}) == [{"linkId": None, "_count": 1}]
    assert acme.sale(name).status_code == 404
    # A lead by another link gives them that one.
    new = acme.link()
    acme.lead(name, acme.click(new), name="Again")
    assert acme.ok("GET", f"/customers/ext_{name}", params={"includeExpandedFields": True})["link"]["id"] == new["id"]
    acme.sold(name)
    server.verify()


def test_when_a_subscription_was_canceled(server):
    acme = server.workspace()
    name, _ = acme.lead_customer()
    path = f"/customers/ext_{name}"
    assert acme.ok("PATCH", path, json={"subscriptionCanceledAt": "2026-01-02T03:04:05Z"})["subscriptionCanceledAt"] == "2026-01-02T03:04:05.000Z"
    assert acme.customer(name)["subscriptionCanceledAt"] == "2026-01-02T03:04:05.000Z"
    assert acme.http.patch(path, json={"subscriptionCanceledAt": "soon"}).status_code == 422
    assert acme.ok("PATCH", path, json={"subscriptionCanceledAt": None})["subscriptionCanceledAt"] is None
    id = acme.customer(name)["id"]
    assert [c["id"] for c in acme.ok("GET", "/customers", params={"search": id})] == [id]


@pytest.mark.parametrize("country", ["DEU", "ß", "ßß", "1A", ""])
def test_countries_that_are_none(server, acme, country):
    assert_error(acme.post("/customers", {"externalId": unique("c"), "country": country}), 422, "unprocessable_entity")
