"""Track calls that recorded nothing are kept, told of, tried again and given up."""

import json
import time

import httpx
import pytest

from engines import opened
from harness import Server, Wire, assert_error, bearer, post_all, together, unique

KEYS = ["id", "endpoint", "reason", "detail", "at", "customerExternalId", "invoiceId", "hostname", "attempts", "lastTriedAt", "replayable", "body"]


@pytest.fixture
def space(server):
    return server.workspace()


def kept(space, **query):
    return space.ok("GET", "/rejections", params=query)


def refuse(space, reason, **fields):
    """A sale that is refused for the reason, and what is kept of it."""
    before = {r["id"] for r in kept(space)}
    body = {"customerExternalId": unique("nobody"), "amount": 500, **fields}
    reply = space.post("/track/sale", body)
    made = [r for r in kept(space) if r["id"] not in before]
    assert [r["reason"] for r in made] == [reason], reply.text
    return made[0], reply


def publishable(server, space):
    return server.token(space.slug, "--publishable")


def sale_reasons(server, space):
    customer, link = space.lead_customer()
    off, away = space.link(), server.workspace()
    off_click = space.click(off)
    space.ok("PATCH", f"/links/{off['id']}", json={"disabledAt": "2020-01-01"})
    gone = space.link()
    gone_click = space.click(gone)
    space.ok("DELETE", f"/links/{gone['id']}")
    space.sold(customer, invoiceId="known", amount=1)
    sale = {"customerExternalId": unique("x"), "amount": 5}
    return {
        "malformed_body": ["{", b"\xff{", '{"a":1,"a":2}', '{"amount":5}'],
        "invalid_body": ["[]", {**sale, "amount": -1}, {**sale, "amount": "5"}, {**sale, "currency": "zzz"}],
        "click_not_found": [{**sale, "clickId": "none"}],
        "link_disabled": [{**sale, "clickId": off_click}],
        "link_not_found": [{**sale, "clickId": gone_click}],
        "link_of_other_workspace": [{**sale, "clickId": away.click(away.link())}],
        "lead_not_found": [{**sale, "customerExternalId": customer, "leadEventName": "None"}],
        "customer_unknown": [sale, {**sale, "amount": 0}],
        "amount_zero": [{**sale, "customerExternalId": customer, "amount": 0}],
        "invoice_conflict": [{"customerExternalId": customer, "amount": 2, "invoiceId": "known"}],
        "total_too_large": [],
    }


def test_every_reason_of_a_sale(server, space):
    found = []
    for reason, bodies in sale_reasons(server, space).items():
        for body in bodies:
            reply = space.post("/track/sale", body)
            sent = body if isinstance(body, (str, bytes)) else reply.request.content.decode()
            found.append((reason, sent.decode("utf-8", "replace") if isinstance(sent, bytes) else sent))
    rejections = kept(space, sortOrder="asc")
    assert [(r["reason"], r["body"]) for r in rejections] == found
    for rejection in rejections:
        assert list(rejection) == KEYS and rejection["endpoint"] == "/track/sale"
        assert rejection["attempts"] == 1 and rejection["lastTriedAt"] == rejection["at"]
        assert rejection["id"].startswith("rej_")
    by = {r["reason"]: r for r in rejections}
    assert by["invoice_conflict"]["detail"] == "amount" and by["invoice_conflict"]["invoiceId"] == "known"
    assert by["invalid_body"]["detail"] == 'custom: currency: Invalid currency: expected an ISO 4217 code such as "usd"'


def test_every_reason_of_a_lead(server, space):
    other = server.workspace()
    cases = [("malformed_body", {"eventName": "x"}), ("invalid_body", {"eventName": "", "customerExternalId": "c"}),
             ("click_required", {"eventName": "x", "customerExternalId": unique("x")}),
             ("click_not_found", {"eventName": "x", "customerExternalId": "c", "clickId": "none"}),
             ("link_of_other_workspace", {"eventName": "x", "customerExternalId": "c", "clickId": other.click(other.link())})]
    for _, body in cases:
        assert space.post("/track/lead", body).status_code >= 400
    rejections = kept(space, sortOrder="asc")
    assert [r["reason"] for r in rejections] == [reason for reason, _ in cases]
    assert {r["endpoint"] for r in rejections} == {"/track/lead"}
    assert kept(other) == []


def test_what_did_its_work_is_not_kept(space):
    customer, link = space.lead_customer()
    space.sold(customer, invoiceId="in")
    space.sold(customer, invoiceId="in")
    space.lead(customer, space.click(link))
    space.lead(customer, space.click(link), mode="deferred")
    assert kept(space) == []


def test_browsers_calls(server, space):
    server.command("workspace", "update", space.slug, "--allowed-hostnames", "shop.example")
    key, link = publishable(server, space), space.link()
    click = {"domain": link["domain"], "key": link["key"]}
    for path, body in (("/track/sale/client", {"customerExternalId": "c", "amount": 1}), ("/track/lead/client", {"customerExternalId": "c", "eventName": "x", "clickId": "c"}),
                       ("/track/click", click), ("/track/visit", {"domain": link["domain"], "url": f"https://{link['domain']}/{link['key']}"})):
        reply = httpx.post(server.url + path, json=body, headers={**bearer(key), "Referer": "https://evil.example/x"})
        assert reply.status_code == 403, reply.text
    rejections = kept(space, sortOrder="asc")
    assert [(r["endpoint"], r["reason"], r["detail"]) for r in rejections] == [
        (path, "hostname_denied", "evil.example") for path in ("/track/sale/client", "/track/lead/client", "/track/click", "/track/visit")]
    # Who followed the link without a site's script is not refused, and nothing is kept.
    space.click(link)
    assert len(kept(space)) == 4
    assert [r["replayable"] for r in rejections] == [True, True, False, False]
    done = space.ok("POST", "/rejections/replay", json={"reason": "hostname_denied"})
    assert [r["result"] for r in done["results"]] == ["refused"] * 2
    assert [r["reason"] for r in done["results"]] == ["hostname_denied"] * 2
    done = space.ok("POST", "/rejections/replay", json={"ids": [rejections[2]["id"]]})
    assert [(r["result"], "not in the body" in r["detail"]) for r in done["results"]] == [("refused", True)]


def test_a_site_that_may_not_track_is_not_let_in_by_a_replay(server, space):
    """But it is when it may."""
    server.command("workspace", "update", space.slug, "--allowed-hostnames", "shop.example")
    (customer, link), key = space.lead_customer(), publishable(server, space)
    for site in ("https://evil.example/", "https://www.new.example/", None):
        headers = {**bearer(key), **({"Referer": site} if site else {})}
        reply = httpx.post(f"{server.url}/track/sale/client", json={"customerExternalId": customer, "amount": 7}, headers=headers)
        assert reply.status_code == 403
    run = lambda: server.run("rejections", "replay", "--workspace", space.slug, "--all")  # noqa: E731
    assert run().returncode == 1 and space.fresh(link)["saleAmount"] == 0
    server.command("workspace", "update", space.slug, "--allowed-hostnames", "shop.example,new.example")
    assert run().returncode == 1 and space.fresh(link)["saleAmount"] == 7
    assert sorted(str(r["detail"]) for r in kept(space)) == ["None", "evil.example"]
    assert [r["attempts"] for r in kept(space)] == [3, 3]


def test_a_site_is_asked_for_again_whatever_the_call_was_kept_for(server, space):
    """It may have been let in once, or for a while."""
    (_, link), key = space.lead_customer(), publishable(server, space)
    allow = lambda *names: server.command("workspace", "update", space.slug, "--allowed-hostnames", ",".join(names))  # noqa: E731
    replay = lambda: space.ok("POST", "/rejections/replay", json={"endpoint": "/track/sale/client"})["results"]  # noqa: E731
    sites = {"good.example": unique("c"), "evil.example": unique("c")}
    allow("good.example")
    for site, customer in sites.items():
        httpx.post(f"{server.url}/track/sale/client", json={"customerExternalId": customer, "amount": 7},
                   headers={**bearer(key), "Referer": f"https://{site}/x"})
    allow("good.example", "evil.example")
    assert {r["reason"] for r in replay()} == {"customer_unknown"}
    assert {r["hostname"] for r in kept(space)} == set(sites)
    for customer in sites.values():
        space.lead(customer, space.click(link))
    allow("good.example")
    assert sorted((r["result"], r["reason"], r["detail"]) for r in replay()) == [
        ("recorded", None, None), ("refused", "hostname_denied", "evil.example")]
    assert space.fresh(link)["saleAmount"] == 7
    allow("other.example")
    assert [r["detail"] for r in replay()] == ["evil.example"]


def test_what_came_without_rights_is_not_kept(server, space):
    poor = server.workspace("free")
    assert poor.sale("x").status_code == 403
    assert httpx.post(f"{server.url}/track/sale", json={}, headers=bearer("dub_wrong")).status_code == 401
    with opened(server) as file:
        assert file.execute("SELECT count(*) FROM rejection WHERE workspace_id = ?", (poor.id,)).fetchone() == (0,)


def test_a_body_that_is_too_large(space):
    space.post("/track/sale", b'{"metadata":"' + b"x" * (1 << 20) + b'"}')
    # Longer than what is kept, short enough to be read.
    space.post("/track/sale", json.dumps({"customerExternalId": "late", "amount": 5, "extra": "x" * 70_000}))
    assert [(r["reason"], r["body"]) for r in kept(space)] == [("customer_unknown", ""), ("body_too_large", "")]


REMOVED = "[API key removed]"


def test_no_keys_are_kept(server, space):
    key, hidden = space.token, space.token.replace("dub_", "\\u0064ub_")
    body = {"customerExternalId": "c", "amount": 1, "apiKey": key, "a": f"Bearer {key}.", "dub_id": "dub_id", "z": "a\u0000b"}
    for sent in (body, f'{{"customerExternalId":"c","amount":1,"key":"{hidden}"}}', f'{{"{key}":1,"{key}":2}}',
                 {"customerExternalId": key, "amount": 1}, {"customerExternalId": "c", "invoiceId": key, "amount": -1}):
        space.post("/track/sale", sent)
    rejections = kept(space, sortOrder="asc")
    first, escaped, twice, customer, invoice = rejections
    assert first["body"].count(REMOVED) == 2 and '"dub_id"' in first["body"] and escaped["body"] == ""
    assert twice["reason"] == "malformed_body" and REMOVED in twice["detail"]
    assert customer["customerExternalId"] is None and invoice["invoiceId"] is None
    with opened(server) as file:
        rows = file.execute("SELECT * FROM rejection WHERE workspace_id = ?", (space.id,)).fetchall()
    assert key not in json.dumps(rows) and key[4:] not in json.dumps(rows)
    assert not any(r["replayable"] for r in rejections)


def test_only_what_came_is_sent_again(space):
    """A body without its key would be another call: it is not replayed."""
    customer, link = unique("c"), space.link()
    ids = [f"dub_order_20261126_{n:024}" for n in range(3)]
    for invoice in ids:
        space.sale(customer, 5, invoiceId=invoice)
    space.sale(customer, 5, invoiceId=space.token)
    space.sale(customer, 5, metadata={"key": space.token})
    space.lead(customer, space.click(link))
    done = space.ok("POST", "/rejections/replay", json={"reason": "customer_unknown"})
    assert done["recorded"] == 3 and len(done["results"]) == 3
    assert sorted(event["invoice_id"] for event in space.events("sales")) == ids
    left = [r["id"] for r in kept(space)]
    done = space.ok("POST", "/rejections/replay", json={"ids": left})
    assert [r["result"] for r in done["results"]] == ["refused"] * 2
    assert "yourself" in done["results"][0]["detail"] and space.fresh(link)["sales"] == 3


def test_a_body_that_is_no_text_is_not_sent_again(space):
    customer, _ = space.lead_customer()
    for junk in (b"\xff", b"\0"):
        space.post("/track/sale", b'{"customerExternalId":"' + customer.encode() + b'","amount":5,"eventName":"a' + junk + b'"}')
    assert [(r["reason"], r["replayable"]) for r in kept(space)] == [("malformed_body", False)] * 2
    ids = [r["id"] for r in kept(space)]
    assert space.ok("POST", "/rejections/replay", json={"ids": ids})["refused"] == 2
    assert space.events("sales") == []


def test_filters_pages_and_counts(space):
    customer, _ = space.lead_customer()
    for n in range(5):
        space.sale(f"nobody-{n % 2}", invoiceId=f"in-{n}")
    space.sale(customer, amount=0)
    space.post("/track/lead", {"eventName": "x", "customerExternalId": "nobody-1"})
    assert len(kept(space)) == 7
    assert [r["invoiceId"] for r in kept(space, reason="customer_unknown", pageSize=2, page=2)] == ["in-2", "in-1"]
    assert [r["invoiceId"] for r in kept(space, customerExternalId="nobody-1", endpoint="/track/sale")] == ["in-3", "in-1"]
    assert len(kept(space, reason="amount_zero,click_required")) == 2
    assert len(kept(space, invoiceId="in-4")) == 1 and kept(space, end="2020-01-01", start="2019-01-01") == []
    ids = [r["id"] for r in kept(space)]
    assert [r["id"] for r in kept(space, ids=f"{ids[3]},{ids[1]},rej_none")] == [ids[1], ids[3]]
    assert space.ok("GET", "/rejections/count") == 7
    assert space.ok("GET", "/rejections/count?groupBy=reason") == [
        {"reason": "customer_unknown", "_count": 5}, {"reason": "amount_zero", "_count": 1}, {"reason": "click_required", "_count": 1}]
    assert space.ok("GET", "/rejections/count?groupBy=endpoint&customerExternalId=nobody-1") == [
        {"endpoint": "/track/sale", "_count": 2}, {"endpoint": "/track/lead", "_count": 1}]
    for query in ({"reason": "none"}, {"endpoint": "/x"}, {"pageSize": 101}, {"groupBy": "body"}):
        path = "/rejections/count" if "groupBy" in query else "/rejections"
        assert space.get(path, **query).status_code == 422, query


def test_a_sale_that_came_before_its_customer(space):
    customer, link = unique("early"), space.link()
    body = {"customerExternalId": customer, "amount": 700, "invoiceId": unique("in"), "metadata": {"n": 1.50}}
    assert space.post("/track/sale", body).json()["sale"] is None
    [rejection] = kept(space)
    still = space.ok("POST", "/rejections/replay", json={"ids": [rejection["id"]]})
    assert still == {"recorded": 0, "replayed": 0, "refused": 1, "gone": 0, "results": [
        {"id": rejection["id"], "result": "refused", "reason": "customer_unknown", "detail": None}]}
    [again] = kept(space)
    assert again["attempts"] == 2 and again["at"] == rejection["at"] and again["lastTriedAt"] >= again["at"]
    space.lead(customer, space.click(link))
    done = space.ok("POST", "/rejections/replay", json={"reason": "customer_unknown"})
    assert (done["recorded"], done["refused"]) == (1, 0) and kept(space) == []
    [sale] = space.events("sales")
    assert sale["timestamp"][:19] == rejection["at"][:19] and sale["metadata"] == {"n": 1.50}
    assert space.fresh(link)["saleAmount"] == 700
    # The client's own retry finds the invoice.
    assert space.post("/track/sale", body).headers["idempotent-replayed"] == "true"
    assert space.post("/rejections/replay", {"ids": [rejection["id"]]}).json()["results"] == []


def test_a_replay_finds_what_was_recorded_meanwhile(space):
    customer, link = unique("early"), space.link()
    body = {"customerExternalId": customer, "amount": 700, "invoiceId": unique("in")}
    lead = {"customerExternalId": customer, "eventName": "Sign up"}
    space.post("/track/sale", body)
    space.post("/track/lead", lead)
    space.lead(customer, space.click(link))
    space.sold(customer, 700, invoiceId=body["invoiceId"])
    done = space.ok("POST", "/rejections/replay", json={"customerExternalId": customer})
    assert (done["replayed"], done["recorded"]) == (2, 0)
    assert kept(space) == [] and space.fresh(link)["sales"] == 1 and space.fresh(link)["leads"] == 1


def early_sales(space, count):
    """What is kept of sales, of 3 each, whose customer's lead came after them; and its link."""
    customer, link = unique("early"), space.link()
    for _ in range(count):
        space.sale(customer, 3)
    ids = [r["id"] for r in kept(space)]
    space.lead(customer, space.click(link))
    return ids, link


def test_one_without_an_invoice_is_replayed_once_by_many(space):
    ids, link = early_sales(space, 10)
    data = json.dumps({"ids": ids}).encode()
    answers = post_all(space.server.port, space.token, [("/rejections/replay", data)] * 12, 12)
    assert {status for status, _, _ in answers} == {200}
    assert sum(json.loads(content)["recorded"] for _, _, content in answers) == 10
    assert (space.fresh(link)["sales"], space.fresh(link)["saleAmount"]) == (10, 30)


def test_of_many_replays_at_once_only_one_tells_of_a_refusal(space):
    ids, _ = early_sales(space, 20)
    answers = post_all(space.server.port, space.token, [("/rejections/replay", json.dumps({"ids": ids}).encode())] * 12, 12)
    replies = [json.loads(content) for _, _, content in answers]
    assert sum(r["recorded"] for r in replies) == 20 and sum(r["refused"] for r in replies) == 0
    assert all(r["recorded"] + r["gone"] == len(r["results"]) for r in replies)


def test_those_that_are_refused_again_keep_nobody_from_a_turn(space):
    """The last try decides whose turn it is."""
    customer, link = unique("early"), space.link()
    for _ in range(4):
        space.sale(unique("never"), 1)
    space.sale(customer, 7)
    space.lead(customer, space.click(link))
    choice = {"reason": "customer_unknown", "limit": 2}
    seen = []
    for _ in range(3):
        seen.append(space.ok("POST", "/rejections/replay", json=choice))
        time.sleep(0.005)
    assert [r["recorded"] for r in seen] == [0, 0, 1] and space.fresh(link)["saleAmount"] == 7
    # So do those that never were a command, and clicks are left out.
    for n in range(3):
        space.post("/track/sale", {"customerExternalId": f"x{n}", "amount": -1})
    choice = {"reason": "invalid_body", "limit": 1}
    turns = []
    for _ in range(3):
        turns += [r["id"] for r in space.ok("POST", "/rejections/replay", json=choice)["results"]]
        # Times of tries are in milliseconds.
        time.sleep(0.005)
    assert len(set(turns)) == 3
    assert [r["attempts"] for r in kept(space, reason="invalid_body")] == [2, 2, 2]


def test_a_replay_is_credited_as_of_its_own_time(space):
    """To the lead of then; if there was none, to the next one."""
    customer, first, later = unique("c"), space.link(), space.link()
    space.sale(customer, 1)
    space.lead(customer, space.click(first))
    space.sale(customer, 2, leadEventName="Other")
    space.sale(customer, 4, leadEventName="Sign up", currency="zzz")
    space.ok("PATCH", f"/links/{first['id']}", json={"disabledAt": "2020-01-01"})
    space.sale(customer, 8)
    space.ok("PATCH", f"/links/{first['id']}", json={"disabledAt": None})
    space.lead(customer, space.click(later), "Later")
    space.lead(customer, space.click(later), "Other")
    assert space.ok("POST", "/rejections/replay", json={"customerExternalId": customer})["recorded"] == 3
    # 1 came before every lead, 8 after the first one, and 2 before the one that it names.
    assert (space.fresh(first)["saleAmount"], space.fresh(later)["saleAmount"]) == (9, 2)
    space.sold(customer, 16)
    assert space.fresh(later)["saleAmount"] == 18


def test_nobody_replays_those_of_others(server, space, other):
    rejection, _ = refuse(space, "customer_unknown")
    assert other.ok("POST", "/rejections/replay", json={"ids": [rejection["id"]]})["results"] == []
    assert other.ok("POST", "/rejections/discard", json={"ids": [rejection["id"]]}) == {"discarded": 0}
    assert [r["id"] for r in kept(space)] == [rejection["id"]]


def test_discarding(space):
    for _ in range(3):
        refuse(space, "customer_unknown")
    gone, _ = refuse(space, "click_not_found", clickId="none")
    assert space.ok("POST", "/rejections/discard", json={"ids": [gone["id"], gone["id"], "rej_none"]}) == {"discarded": 1}
    for path in ("replay", "discard"):
        for nothing in ({}, {"ids": None}, {"reason": None}, {"reason": []}, {"endpoint": ""}, {"limit": 5}, {"all": True}):
            assert_error(space.post(f"/rejections/{path}", nothing), 422, "unprocessable_entity")
    assert space.ok("POST", "/rejections/discard", json={"ids": []}) == {"discarded": 0}
    assert space.ok("GET", "/rejections/count") == 3
    oldest = kept(space, sortOrder="asc")[0]["id"]
    assert space.ok("POST", "/rejections/discard", json={"reason": "customer_unknown", "limit": 1}) == {"discarded": 1}
    assert oldest not in [r["id"] for r in kept(space)]
    assert space.post("/rejections/discard", {"reason": "customer_unknown", "limit": 0}).status_code == 422
    assert space.ok("POST", "/rejections/discard", json={"reason": "customer_unknown"}) == {"discarded": 2}
    assert kept(space) == []


def test_a_deleted_customer_is_forgotten_here_too(space):
    customer, _ = space.lead_customer()
    space.sale(customer, 0)
    refuse(space, "customer_unknown")
    space.ok("DELETE", f"/customers/ext_{customer}")
    assert [r["reason"] for r in kept(space)] == ["customer_unknown"]


def test_calls_that_never_were_commands_go_with_their_customer(space):
    names = [space.lead_customer()[0] for _ in range(2)]
    for customer in names:
        for body in ({"customerExternalId": customer, "amount": -1, "invoiceId": "in"}, {"externalId": customer, "amount": "x"},
                     {"customerId": customer}):
            space.post("/track/sale", body)
        space.post("/track/lead", {"customerExternalId": f" {customer} ", "eventName": ""})
    assert len(kept(space, customerExternalId=names[0])) == 4 and len(kept(space, invoiceId="in")) == 2
    space.ok("DELETE", f"/customers/ext_{names[0]}")
    assert {r["customerExternalId"] for r in kept(space)} == {names[1]} and len(kept(space)) == 4


def test_calls_go_with_a_customer_who_was_renamed(space):
    customer, _ = space.lead_customer()
    space.sale(customer, 0)
    name = unique("new")
    space.ok("PATCH", f"/customers/ext_{customer}", json={"externalId": name})
    space.sale(name, 0)
    assert len(kept(space, customerExternalId=name)) == 2 and kept(space, customerExternalId=customer) == []
    space.ok("DELETE", f"/customers/ext_{name}")
    assert kept(space) == []


def test_a_replay_finds_a_customer_who_was_renamed(space):
    """Not the one who has the former id now."""
    customer, link, name = unique("c"), space.link(), unique("new")
    space.sale(customer, 5)
    space.post("/track/lead", {"customerExternalId": customer, "eventName": "Early"})
    space.lead(customer, space.click(link))
    space.ok("PATCH", f"/customers/ext_{customer}", json={"externalId": name})
    space.lead(customer, space.click(space.link()))
    assert {r["customerExternalId"] for r in kept(space)} == {name}
    assert space.ok("POST", "/rejections/replay", json={"customerExternalId": name})["recorded"] == 2
    assert space.ok("GET", f"/customers/ext_{name}")["saleAmount"] == 5
    assert (space.fresh(link)["saleAmount"], space.fresh(link)["leads"]) == (5, 2)


def test_who_has_no_key_pushes_nothing_out(server, space):
    """Calls that anybody can make have a bound of their own."""
    own, _ = refuse(space, "customer_unknown")
    server.command("workspace", "update", space.slug, "--allowed-hostnames", "shop.example")
    link = space.link()
    click = json.dumps({"domain": link["domain"], "key": link["key"]}).encode()
    post_all(server.port, space.token, [("/track/click", click)] * 1_050, 16)
    assert space.ok("GET", "/rejections/count?groupBy=endpoint") == [
        {"endpoint": "/track/click", "_count": 1_000}, {"endpoint": "/track/sale", "_count": 1}]
    assert kept(space, sortOrder="asc")[0]["id"] == own["id"]


def test_many_at_once_are_all_kept(space):
    bodies = [json.dumps({"customerExternalId": unique("n"), "amount": 1}).encode() for _ in range(300)]
    answers = post_all(space.server.port, space.token, [("/track/sale", body) for body in bodies])
    assert {status for status, _, _ in answers} == {200}
    page = [r for n in (1, 2, 3) for r in kept(space, page=n, pageSize=100)]
    assert sorted(r["body"] for r in page) == sorted(body.decode() for body in bodies)


def test_the_oldest_go_first(server, space):
    """Ten thousand are kept, for thirty days."""
    first, _ = refuse(space, "customer_unknown")
    with opened(server) as file:
        file.execute(
            """WITH RECURSIVE n (i) AS (SELECT CAST(2 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
               INSERT INTO rejection SELECT workspace_id, is_public, number + i, 'rej_x' || i, endpoint, reason, detail, at, body, NULL, NULL, NULL, 1, at, 1
               FROM rejection, n WHERE id = ?""", (first["id"],))
    assert space.ok("GET", "/rejections/count") == 10_000
    assert first["id"] in {r["id"] for r in kept(space, sortOrder="asc")}
    refuse(space, "customer_unknown")
    assert space.ok("GET", "/rejections/count") == 10_000
    assert first["id"] not in {r["id"] for r in kept(space, sortOrder="asc")}
    age = "UPDATE rejection SET at = at - 2592000000 + ? WHERE workspace_id = ? AND number BETWEEN ? AND ?"
    with opened(server) as file:
        # A minute older than that, and a minute younger.
        file.execute(age, (-60_000, space.id, 0, 5_002))
        file.execute(age, (60_000, space.id, 5_003, 6_000))
    refuse(space, "customer_unknown")
    assert space.ok("GET", "/rejections/count", params={"interval": "all"}) == 5_001


def test_the_command_line(server, space):
    customer, link = unique("early"), space.link()
    space.sale(customer, 9)
    refuse(space, "click_not_found", clickId="none")
    run = lambda *arguments: server.run("rejections", *arguments, "--workspace", space.slug)  # noqa: E731
    assert run("count").stdout.split("\n") == ["1 click_not_found", "1 customer_unknown", ""]
    listed = [json.loads(line) for line in run("list").stdout.splitlines()]
    assert listed == kept(space)
    assert [json.loads(line)["customerExternalId"] for line in run("list", "--reason", "customer_unknown").stdout.splitlines()] == [customer]
    assert run("replay").returncode == 64 and run("discard").returncode == 64 and "--reason" in run("list", "--reason", "x").stderr
    space.lead(customer, space.click(link))
    done = run("replay", "--all")
    assert done.returncode == 1 and "1 recorded, 0 replayed, 1 refused" in done.stderr
    assert space.fresh(link)["saleAmount"] == 9
    assert run("discard", "--all", "--limit", "-1").returncode == 64 and len(kept(space)) == 1
    assert run("discard", "--all", "--limit", "5").stdout == "1\n" and kept(space) == []
    assert run("replay", "--all").returncode == 0


def test_no_secrets_in_answers_or_logs(server, space):
    space.post("/track/sale", {"customerExternalId": "c", "amount": 1, "customerEmail": "hidden@mail.example", "key": space.token})
    assert "hidden@mail.example" not in server.log.read_text() and space.token not in server.log.read_text()
