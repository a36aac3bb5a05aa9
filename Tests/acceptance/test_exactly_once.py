"""One event for one fact, whatever happens: races, crashes, shutdowns, overload."""

import json
import os
import random
import re
import shutil
import signal
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from harness import Server, Wire, post_all, together, unique


def body(**fields) -> bytes:
    return json.dumps(fields).encode()


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


# --- crashes -------------------------------------------------------------------------------------

class Load:
    """Posts sales and leads over some connections and notes what was answered and what was not."""

    def __init__(self, workspace, customers, threads=12):
        self.workspace, self.customers = workspace, customers
        self.answered: dict[bytes, tuple[str, bytes]] = {}
        self.unanswered: list[tuple[str, bytes]] = []
        self.refused: list[tuple[str, bytes]] = []
        self.lock, self.stopped = threading.Lock(), threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(n,)) for n in range(threads)]
        for thread in self.threads:
            thread.start()

    def next(self, chance) -> tuple[str, bytes]:
        customer, click = chance.choice(self.customers)
        if chance.random() < 0.2:
            return "/track/lead", body(customerExternalId=unique("crash"), clickId=click, eventName="Sign up")
        return "/track/sale", body(
            customerExternalId=customer, amount=chance.randint(1, 10_000), invoiceId=unique("crash"))

    def run(self, seed):
        chance = random.Random(seed)
        try:
            wire = Wire(self.workspace.server.port, self.workspace.token)
        except OSError:
            return
        while not self.stopped.is_set():
            path, data = self.next(chance)
            try:
                status, _, content = wire.post(path, data)
            except OSError:
                with self.lock:
                    self.unanswered.append((path, data))
                return
            with self.lock:
                if status == 200:
                    self.answered[data] = (path, content)
                elif status == 503:
                    self.refused.append((path, data))
                else:
                    raise AssertionError(f"{status} {content!r}")

    def finish(self):
        self.stopped.set()
        for thread in self.threads:
            thread.join(30)


def told(server, load):
    """What the events say equals what was answered, once each."""
    sales = {json.loads(d)["invoiceId"]: json.loads(d) for d, (p, _) in load.answered.items() if p.endswith("sale")}
    leads = {json.loads(d)["customerExternalId"] for d, (p, _) in load.answered.items() if p.endswith("lead")}
    recorded = Counter(e["sale"]["invoiceId"] for e in load.workspace.events("sales"))
    assert recorded == Counter(sales.keys())
    amounts = {e["sale"]["invoiceId"]: (e["customer"]["externalId"], e["sale"]["amount"])
               for e in load.workspace.events("sales")}
    assert amounts == {k: (v["customerExternalId"], v["amount"]) for k, v in sales.items()}
    known = Counter(e["customer"]["externalId"] for e in load.workspace.events("leads"))
    assert {c: n for c, n in known.items() if c.startswith("crash")} == dict.fromkeys(leads, 1)
    server.verify()


@pytest.fixture
def lone(tmp_path):
    server = Server(tmp_path).start()
    yield server
    if server.process:
        assert server.stop() == 0
    server.verify()


def prepared(server):
    workspace = server.workspace()
    customers = []
    for _ in range(5):
        link, customer = workspace.link(), unique("c")
        click = workspace.click(link)
        workspace.lead(customer, click)
        customers.append((customer, click))
    return workspace, customers


def test_kill_loses_and_doubles_nothing(lone):
    workspace, customers = prepared(lone)
    total = None
    for cycle in range(4):
        load = Load(workspace, customers)
        if total:
            load.answered.update(total.answered)
        time.sleep(0.6 + 0.3 * cycle)
        assert lone.stop(signal.SIGKILL) == -signal.SIGKILL
        load.finish()
        assert load.unanswered, "the server was not under load when it was killed"
        lone.verify()
        lone.start()
        # Each acknowledged sale is there: its invoice answers as it did.
        sample = [(d, a) for d, a in load.answered.items() if a[0] == "/track/sale"][-200:]
        again = post_all(lone.port, workspace.token, [("/track/sale", d) for d, _ in sample])
        assert [content for _, _, content in again] == [content for _, (_, content) in sample]
        for (path, data), (status, _, content) in zip(
                load.unanswered, post_all(lone.port, workspace.token, load.unanswered)):
            assert status == 200, content
            load.answered[data] = (path, content)
        told(lone, load)
        total = load
    assert len(total.answered) > 1000


def test_a_polite_end_under_load_loses_nothing(lone):
    workspace, customers = prepared(lone)
    load = Load(workspace, customers)
    time.sleep(1)
    assert lone.stop(signal.SIGTERM) == 0, lone.log.read_text()
    load.finish()
    assert len(load.answered) > 100
    lone.verify()
    lone.start()
    left = load.unanswered + load.refused
    for (path, data), (status, _, content) in zip(left, post_all(lone.port, workspace.token, left)):
        assert status == 200, content
        load.answered[data] = (path, content)
    told(lone, load)


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


def test_a_sale_is_on_disk_before_it_is_answered(tmp_path):
    """Counts the synchronisations of the shipped program, one sale after the other."""
    strace = shutil.which("strace")
    assert strace, "strace is needed for this test: apt-get install strace"
    trace = tmp_path / "trace"
    server = Server(tmp_path).start(
        (strace, "-f", "--seccomp-bpf", "-e", "trace=fdatasync,fsync", "-o", str(trace)))
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    pid = int(children[0])
    try:
        assert os.readlink(f"/proc/{pid}/exe").endswith("tribute")
        workspace = server.workspace()
        customer, _ = workspace.lead_customer()
        wire = Wire(server.port, workspace.token)
        calls = lambda: len(re.findall(r"\bf(?:data)?sync\(\d+", trace.read_text()))  # noqa: E731
        seen = calls()
        for n in range(50):
            status, _, _ = wire.post("/track/sale", body(customerExternalId=customer, amount=n + 1))
            assert status == 200
            now = calls()
            assert now > seen, f"sale {n + 1} was answered without a synchronisation"
            seen = now
        wire.close()
    finally:
        server.stop(signal.SIGTERM, pid)
    server.verify()
