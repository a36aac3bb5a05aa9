"""Several nodes on one database: none knows less than another."""

import json
import signal
import time

import httpx
import pytest

from engines import opened
from harness import Server, Wire, bearer, follow, together, unique
from load import Book, body, error_code, under_load

pytestmark = pytest.mark.postgres
COUNT = 3


@pytest.fixture
def nodes(tmp_path):
    """Three servers, of which each can be asked alone."""
    first = Server(tmp_path)
    servers = [first] + [Server(tmp_path) for _ in range(COUNT - 1)]
    try:
        for server in servers:
            server.launch()
        for server in servers:
            server.ready()
        yield servers
        for server in servers:
            if server.process:
                assert server.stop() == 0, server.log.read_text()
        first.verify()
    finally:
        for server in servers:
            if server.process:
                server.stop(signal.SIGKILL)


def on(server: Server, workspace) -> httpx.Client:
    return httpx.Client(base_url=server.url, headers=bearer(workspace.token), timeout=30)


def test_what_one_has_answered_the_others_know(nodes):
    """Every cache is warm when it changes."""
    a, *others = nodes
    acme = a.workspace()
    customer, link = acme.lead_customer()
    clients = [on(server, acme) for server in nodes]
    for turn in range(10):
        target = f"https://shop.example/{turn}"
        assert clients[turn % COUNT].patch(f"/links/{link['id']}", json={"url": target}).status_code == 200
        for server in nodes:
            assert follow(server, link["key"]).headers["location"].startswith(target)
    key = unique("key")
    for server in nodes:
        assert follow(server, key).status_code == 404
    assert clients[0].post("/links", json={"url": "https://x.example", "key": key}).status_code == 200
    for server in nodes:
        assert follow(server, key).status_code == 302
    token = a.token(acme.slug)
    for server in nodes:
        assert httpx.get(f"{server.url}/links", headers=bearer(token)).status_code == 200


def test_a_revoked_token_sells_nothing_anywhere(nodes):
    a = nodes[0]
    acme = a.workspace()
    customer, link = acme.lead_customer()
    for turn in range(5):
        token = a.token(acme.slug)
        wires = [Wire(server.port, token) for server in nodes]
        for number, wire in enumerate(wires):
            sale = body(customerExternalId=customer, amount=1, invoiceId=f"r{turn}-{number}")
            assert wire.post("/track/sale", sale)[0] == 200
        listed = [line.split('"')[3] for line in a.command("token", "list", "--workspace", acme.slug).splitlines()]
        a.command("token", "revoke", listed[-1], "--workspace", acme.slug)
        for number, wire in enumerate(wires):
            sale = body(customerExternalId=customer, amount=1, invoiceId=f"s{turn}-{number}")
            assert wire.post("/track/sale", sale)[0] == 401
            wire.close()
    assert acme.fresh(link)["sales"] == 5 * COUNT


def test_a_plan_that_ends_ends_everywhere(nodes):
    acme = nodes[0].workspace()
    customer, _ = acme.lead_customer()
    clients = [on(server, acme) for server in nodes]
    for plan, status in [("free", 403), ("business", 200), ("pro", 403)]:
        nodes[0].command("workspace", "update", acme.slug, "--plan", plan)
        for client in clients:
            reply = client.post("/track/sale", json={
                "customerExternalId": customer, "amount": 1, "invoiceId": unique("in")})
            assert reply.status_code == status, reply.text


def test_a_disabled_link_earns_nothing_anywhere(nodes):
    acme = nodes[0].workspace()
    link = acme.link()
    clicks = [acme.click(link) for _ in nodes]
    assert on(nodes[0], acme).delete(f"/links/{link['id']}").status_code == 200
    for server, click in zip(nodes, clicks):
        reply = on(server, acme).post("/track/lead", json={
            "clickId": click, "eventName": "Sign up", "customerExternalId": unique("c")})
        assert reply.status_code == 404, reply.text


def test_the_same_said_to_all_at_once(nodes):
    """One sale for an invoice, one customer, one lead, one link for a key, and exact counters."""
    acme = nodes[0].workspace()
    customer, link = acme.lead_customer()
    click, fresh, key = acme.click(link), unique("fresh"), unique("key")
    invoices = [unique("in") for _ in range(40)]
    wires = [Wire(server.port, acme.token) for server in nodes for _ in range(8)]

    def work(number: int):
        wire, found = wires[number], []
        for invoice in invoices:
            found.append(wire.post("/track/sale", body(customerExternalId=customer, amount=10, invoiceId=invoice)))
            found.append(wire.post("/track/sale", body(
                customerExternalId=fresh, amount=1, clickId=click, invoiceId=f"{invoice}-{number}")))
        found.append(wire.post("/track/lead", body(
            clickId=click, customerExternalId=f"{fresh}-lead", eventName="Trial")))
        found.append(wire.post("/links/bulk", body_of_links(key)))
        return found

    answers = [answer for found in together(len(wires), work) for answer in found]
    for wire in wires:
        wire.close()
    assert {status for status, _, _ in answers} == {200}, {c for s, _, c in answers if s != 200}
    sales = len(invoices) * (1 + len(wires))
    now = acme.fresh(link)
    assert (now["sales"], now["saleAmount"], now["conversions"]) == (
        sales, len(invoices) * (10 + len(wires)), 2)
    assert now["leads"] == 3
    assert len(acme.events("sales")) == sales and len(acme.customers()) == 3
    assert acme.ok("GET", "/links/count", params={"search": key}) == 5


def body_of_links(key: str) -> bytes:
    return json.dumps([{"url": "https://x.example", "key": f"{key}-{n}"} for n in range(5)]).encode()


def test_nodes_that_are_killed_under_load(nodes):
    """Those that are left go on; whoever was answered by one that is gone was answered rightly."""
    first, second, third = nodes
    book = Book(first.workspace(), loses_clicks=True)
    with under_load(book, second) as load, under_load(book, first) as other:
        for victim in (second, first, second):
            book.grow(200)
            victim.stop(signal.SIGKILL)
            start = time.monotonic()
            # Nothing that it has locked keeps the third from its work.
            assert on(third, book.workspace).post(
                "/tags", json={"name": unique("beside")}).status_code == 201
            assert time.monotonic() - start < 5
            victim.start()
        load.finish()
        other.finish()
    book.check(third)


def test_a_workspace_that_somebody_holds(nodes):
    """Others wait for five seconds, and say then that they were not served; other workspaces are not kept."""
    acme, other = nodes[0].workspace(), nodes[0].workspace()
    customer, link = acme.lead_customer()
    neighbour, _ = other.lead_customer()
    with opened(nodes[0]) as rows:
        rows.execute("SELECT 1 FROM workspace WHERE id = ? FOR UPDATE", (acme.id,))
        start = time.monotonic()
        reply = on(nodes[1], acme).post("/track/sale", json={
            "customerExternalId": customer, "amount": 1, "invoiceId": "held"})
        assert reply.status_code == 503 and error_code(reply.content) == "service_unavailable"
        assert int(reply.headers["retry-after"]) > 0 and time.monotonic() - start < 20
        assert on(nodes[2], other).post("/track/sale", json={
            "customerExternalId": neighbour, "amount": 1}).status_code == 200
    reply = on(nodes[1], acme).post("/track/sale", json={
        "customerExternalId": customer, "amount": 1, "invoiceId": "held"})
    assert reply.status_code == 200 and acme.fresh(link)["sales"] == 1
