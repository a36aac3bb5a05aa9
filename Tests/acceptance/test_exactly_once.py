"""One event for one fact, however many say it at once, and on disk before it is answered."""

import json
import os
import random
import re
import signal
from collections import Counter
from pathlib import Path

import pytest

from harness import Server, Wire, together, tool, unique
from load import body


def at_once(workspace, path, bodies):
    """One connection each, all opened before the first word is said."""
    wires = [Wire(workspace.server.port, workspace.token) for _ in bodies]
    answers = together(len(bodies), lambda n: wires[n].post(path, bodies[n]))
    for wire in wires:
        wire.close()
    return answers


def test_200_posts_of_one_invoice_are_one_sale(acme):
    customer, link = acme.lead_customer()
    for invoice in (unique("in"), unique("in")):
        sale = body(externalId=customer, amount=4900, invoiceId=invoice, metadata={"a": [1, 2.50]})
        before = acme.fresh(link)
        answers = at_once(acme, "/track/sale", [sale] * 200)
        assert Counter(status for status, _, _ in answers) == {200: 200}
        assert len({content for _, _, content in answers}) == 1
        replayed = sum(b"idempotent-replayed: true" in head.lower() for _, head, _ in answers)
        assert replayed == 199
        now = acme.fresh(link)
        assert now["sales"] == before["sales"] + 1
        assert now["saleAmount"] == before["saleAmount"] + 4900
    sold = [e["sale"]["invoiceId"] for e in acme.events("sales", linkId=link["id"])]
    assert len(sold) == len(set(sold)) == 2
    assert acme.customer(customer)["sales"] == 2 and acme.fresh(link)["conversions"] == 1


def test_one_invoice_with_many_amounts_is_one_sale(acme):
    customer, link = acme.lead_customer()
    invoice = unique("in")
    answers = at_once(acme, "/track/sale", [
        body(customerExternalId=customer, amount=n, invoiceId=invoice) for n in range(1, 101)])
    assert len({content for _, _, content in answers}) == 1
    assert acme.fresh(link)["saleAmount"] == json.loads(answers[0][2])["sale"]["amount"]


def test_the_same_invoice_in_two_workspaces_is_two_sales(acme, other):
    invoice = unique("in")
    pairs = [(workspace, *workspace.lead_customer()) for workspace in (acme, other)]
    wires = [Wire(w.server.port, w.token) for w, _, _ in pairs for _ in range(50)]
    together(100, lambda n: wires[n].post(
        "/track/sale", body(customerExternalId=pairs[n // 50][1], amount=10, invoiceId=invoice)))
    for workspace, _, link in pairs:
        assert (workspace.fresh(link)["sales"], workspace.fresh(link)["saleAmount"]) == (1, 10)


def test_first_sales_of_one_new_customer(acme):
    link, customer = acme.link(), unique("direct")
    click = acme.click(link)
    answers = at_once(acme, "/track/sale", [
        body(customerExternalId=customer, amount=10, clickId=click, invoiceId=unique("in")) for _ in range(100)])
    assert Counter(status for status, _, _ in answers) == {200: 100}
    assert len({json.loads(content)["customer"]["id"] for _, _, content in answers}) == 1
    now = acme.fresh(link)
    assert (now["leads"], now["sales"], now["saleAmount"], now["conversions"]) == (1, 100, 1000, 1)
    assert len(acme.events("leads", linkId=link["id"])) == 1
    assert acme.customer(customer)["sales"] == 100


@pytest.mark.parametrize("quantity, mode", [(1, "async"), (4, "wait")])
def test_the_same_lead_at_once_is_one_lead(acme, quantity, mode):
    link, customer = acme.link(), unique("c")
    click = acme.click(link)
    names = ["Sign up", "sign up", "SIGN-UP"]
    answers = at_once(acme, "/track/lead", [
        body(customerExternalId=customer, clickId=click, eventName=names[n % 3], eventQuantity=quantity, mode=mode)
        for n in range(100)])
    assert Counter(status for status, _, _ in answers) == {200: 100}
    assert sum(json.loads(content)["link"] is not None for _, _, content in answers) == 1
    assert acme.fresh(link)["leads"] == quantity == len(acme.events("leads", linkId=link["id"]))


def test_one_bad_neighbour_harms_nobody(acme):
    customer, link = acme.lead_customer()
    good = [body(customerExternalId=customer, amount=1, invoiceId=unique("in")) for _ in range(60)]
    bad = [body(customerExternalId=customer, amount=1, leadEventName="none"),
           body(customerExternalId=unique("n"), amount=1, clickId="none"),
           body(customerExternalId=customer, amount=2**53 - 1, currency="zzz"), b"{"] * 15
    mixed = good + bad
    random.Random(1).shuffle(mixed)
    answers = at_once(acme, "/track/sale", mixed)
    assert Counter(status for status, _, _ in answers) == {200: 60, 404: 30, 422: 15, 400: 15}
    assert (acme.fresh(link)["sales"], acme.fresh(link)["saleAmount"]) == (60, 60)


def test_links_of_one_key_made_at_once(acme):
    key = unique("key")
    answers = at_once(acme, "/links", [body(url=f"https://x.example/{n}", key=key) for n in range(50)])
    assert Counter(status for status, _, _ in answers) == {200: 1, 409: 49}


def test_an_overloaded_server_says_so_and_records_nothing_of_it(tmp_path):
    server = Server(tmp_path, "--queue-depth", "1").start()
    try:
        workspace = server.workspace()
        customer, link = workspace.lead_customer()
        accepted = 0
        refused = []
        for _ in range(20):
            answers = at_once(workspace, "/track/sale", [
                body(customerExternalId=customer, amount=1, invoiceId=unique("in")) for _ in range(100)])
            statuses = Counter(status for status, _, _ in answers)
            assert set(statuses) <= {200, 503}, statuses
            accepted += statuses[200]
            refused += [answer for answer in answers if answer[0] == 503]
            if len(refused) > 10:
                break
        assert refused, "a queue of one was never full"
        for _, head, content in refused:
            assert re.search(rb"\r\nretry-after: [1-9]\d*\r?\n?", head.lower())
            assert set(json.loads(content)["error"]) == {"code", "message", "doc_url"}
        assert workspace.fresh(link)["sales"] == accepted
    finally:
        assert server.stop() == 0
    server.verify()


@pytest.mark.sqlite
def test_a_sale_is_on_disk_before_it_is_answered(tmp_path):
    """Counts the synchronisations of the shipped program, one sale after the other: one each, since more would
    only take time."""
    trace = tmp_path / "trace"
    server = Server(tmp_path).start(
        (tool("strace"), "-f", "--seccomp-bpf", "-e", "trace=fdatasync,fsync", "-o", str(trace)))
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    pid = int(children[0])
    try:
        assert os.readlink(f"/proc/{pid}/exe").endswith("tribute")
        workspace = server.workspace()
        customer, _ = workspace.lead_customer()
        wire = Wire(server.port, workspace.token)
        calls = lambda: len(re.findall(r"\bf(?:data)?sync\(\d+", trace.read_text()))  # noqa: E731
        seen = first = calls()
        for n in range(50):
            status, _, _ = wire.post("/track/sale", body(customerExternalId=customer, amount=n + 1))
            assert status == 200
            now = calls()
            assert now > seen, f"sale {n + 1} was answered without a synchronisation"
            seen = now
        # The log's own beginning may take another one.
        assert seen - first <= 52, f"{seen - first} synchronisations of 50 sales"
        wire.close()
    finally:
        server.stop(signal.SIGTERM, pid)
    server.verify()
