"""Load that keeps books: what clients said, what they were answered, and what must be on record."""

import json
import random
import re
import selectors
import socket
import sqlite3
import threading
import time
from collections import Counter, deque
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from engines import opened
from harness import BROWSER, Server, Wire, cookie_of, eventually, post_all, unique


@dataclass(frozen=True)
class Call:
    kind: str
    """sale: with an invoice. loose: a sale without one. replay: an earlier sale again. bad: what is
    refused. lead, click. told: a lead by a click of which only a redirect has told."""
    name: str
    path: str
    data: bytes = b""
    expected: int = 200


@dataclass
class Book:
    """What all clients know, whatever became of the server meanwhile."""

    workspace: "Workspace"  # noqa: F821
    links: list[dict] = field(default_factory=list)
    sales: dict[str, tuple[bytes, bytes]] = field(default_factory=dict)
    """Body and first answer of each sale that was acknowledged, by invoice."""
    loose: Counter = field(default_factory=Counter)
    leads: dict[str, str] = field(default_factory=dict)
    """The click of each lead, by customer."""
    clicks: list[str] = field(default_factory=list)
    """Those that are on record: an answer after the commit says so."""
    told: set[str] = field(default_factory=set)
    """Those of which only a redirect has told: they may be lost with a server that is killed."""
    doubts: Counter = field(default_factory=Counter)
    """How often a click, or a sale without an invoice, was sent and not answered."""
    past: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Customer and amount of sales that were there before, by invoice."""
    recent: deque = field(default_factory=lambda: deque(maxlen=20))
    """The last of those that were told."""
    loses_clicks: bool = False
    """Whether servers are killed, or commits fail, while visitors come."""
    wrong: list[str] = field(default_factory=list)
    refused: int = 0
    answered: int = 0

    def __post_init__(self):
        self.lock = threading.Lock()
        self.links = [self.workspace.link() for _ in range(3)]
        for link in self.links:
            click = self.workspace.click(link)
            customer = unique("c")
            self.workspace.lead(customer, click)
            self.clicks.append(click)
            self.leads[customer] = click
        self.customers = list(self.leads)
        self.invoices: list[str] = []

    def next(self, chance: random.Random) -> Call:
        what = chance.random()
        with self.lock:
            customer, click = chance.choice(self.customers), chance.choice(self.clicks)
            told = chance.choice(self.recent) if self.recent else None
            earlier = chance.choice(self.invoices) if self.invoices else None
            again = self.sales[earlier][0] if earlier else b""
        if what < 0.45:
            return sale(customer, chance.randint(1, 10_000), unique("in"))
        if what < 0.60:
            return sale(customer, chance.randint(1, 10_000), None)
        if what < 0.66:
            return lead(unique("new"), click)
        if what < 0.70:
            return lead(unique("new"), told, "told") if told else lead(unique("new"), click)
        if what < 0.80:
            return Call("click", unique("visit"), "/" + chance.choice(self.links)["key"], expected=302)
        if what < 0.92 and earlier:
            return Call("replay", earlier, "/track/sale", again)
        return chance.choice(REFUSED)(customer)

    def note(self, call: Call, status: int, head: bytes, content: bytes) -> bool:
        """Whether the call is over; it is to be sent again if not."""
        with self.lock:
            if status == 503:
                self.refused += 1
                self.expect(b"\r\nretry-after: " in head.lower(), call, status, head + content)
                self.expect(error_code(content) == "service_unavailable", call, status, content)
                if b"recorded nothing" not in content:
                    self.doubts[call.name] += 1
                return False
            self.answered += 1
            is_lost = call.kind == "told" and status == 404 and self.loses_clicks
            self.expect(status == call.expected or is_lost, call, status, content)
            if status == call.expected:
                getattr(self, f"note_{call.kind}")(call, head, content)
            return True

    def expect(self, holds: bool, call: Call, status, content: bytes):
        if not holds:
            self.wrong.append(f"{call} was answered {status} {content!r}")

    def note_sale(self, call, head, content):
        self.expect(json.loads(content)["sale"] is not None, call, 200, content)
        first = self.sales.setdefault(call.name, (call.data, content))
        self.expect(first[1] == content, call, 200, content)
        self.invoices.append(call.name)

    def note_replay(self, call, head, content):
        self.expect(self.sales[call.name][1] == content, call, 200, content)
        self.expect(b"idempotent-replayed: true" in head.lower(), call, 200, head)

    def note_loose(self, call, head, content):
        self.expect(json.loads(content)["sale"] is not None, call, 200, content)
        self.loose[call.name] += 1

    def note_lead(self, call, head, content):
        self.leads[call.name] = json.loads(call.data)["clickId"]
        self.customers.append(call.name)

    def note_click(self, call, head, content):
        # Without a click id the visitor went on and nothing was acknowledged.
        if click := cookie_of(head):
            self.expect(click not in self.told and click not in self.clicks[-100:], call, 302, head)
            self.told.add(click)
            self.recent.append(click)
        else:
            self.doubts[call.name] += 1

    def note_told(self, call, head, content):
        self.note_lead(call, head, content)
        click = self.leads[call.name]
        if click in self.told:
            self.told.remove(click)
            self.clicks.append(click)

    def note_bad(self, call, head, content):
        self.expect(error_code(content) is not None, call, call.expected, content)

    def doubt(self, call: Call):
        with self.lock:
            self.doubts[call.name] += 1

    def grow(self, count: int, seconds: float = 60):
        """Until more than so many more were answered."""
        answered = self.answered
        eventually("under load", lambda: self.answered > answered + count, seconds)

    def check(self, server: Server, replays: int = 200, counted_by: Server | None = None):
        """Everything acknowledged is on record once, nothing else is, and all totals agree. A server
        that was there all the time has counted the clicks that are missing."""
        assert not self.wrong, "\n".join(self.wrong[:10])
        for port in server.ports:
            server.settle(port)
        recorded = Record(server, self.workspace)
        known = {invoice: json.loads(data) for invoice, (data, _) in self.sales.items()}
        assert recorded.sales == self.past | {
            invoice: (said["customerExternalId"], said["amount"]) for invoice, said in known.items()}
        for mark in recorded.loose.keys() | self.loose.keys():
            least = self.loose[mark]
            assert least <= recorded.loose[mark] <= least + self.doubts[mark], mark
        assert recorded.leads == Counter(self.leads.items())
        assert len(set(self.clicks)) == len(self.clicks)
        lost = set(self.clicks) - recorded.clicks
        assert not lost, lost
        lost = self.told - recorded.clicks
        assert self.loses_clicks or not lost, lost
        assert counted_by is None or len(lost) <= counted_by.lost_clicks(), lost
        extra = len(recorded.clicks) - len(self.clicks) - len(self.told)
        assert extra <= sum(n for name, n in self.doubts.items() if name.startswith("visit-")), extra
        assert len(set(recorded.ids)) == len(recorded.ids)
        self.check_replays(server, replays)
        server.verify()

    def check_replays(self, server: Server, count: int):
        chosen = random.sample(list(self.sales.values()), min(count, len(self.sales)))
        again = post_all(
            server.port, self.workspace.token, [("/track/sale", data) for data, _ in chosen], 4)
        assert [content for _, _, content in again] == [content for _, content in chosen]
        assert all(b"idempotent-replayed: true" in head.lower() for _, head, _ in again)


def body(**fields) -> bytes:
    return json.dumps(fields).encode()


def sale(customer: str, amount: int, invoice: str | None) -> Call:
    if invoice:
        return Call("sale", invoice, "/track/sale", body(
            customerExternalId=customer, amount=amount, invoiceId=invoice))
    mark = unique("loose")
    return Call("loose", mark, "/track/sale", body(
        customerExternalId=customer, amount=amount, metadata={"mark": mark}))


def lead(customer: str, click: str, kind: str = "lead") -> Call:
    return Call(kind, customer, "/track/lead", body(
        customerExternalId=customer, clickId=click, eventName="Sign up"))


REFUSED = (
    lambda customer: Call("bad", "", "/track/sale", b'{"customerExternalId":', 400),
    lambda customer: Call("bad", "", "/track/sale", body(customerExternalId=customer), 422),
    lambda customer: Call("bad", "", "/track/sale", body(
        customerExternalId=customer, amount=1, leadEventName="none"), 404),
    lambda customer: Call("bad", "", "/track/lead", body(
        customerExternalId=unique("none"), clickId="none", eventName="Sign up"), 404),
)


def error_code(content: bytes) -> str | None:
    try:
        return json.loads(content)["error"]["code"]
    except (ValueError, KeyError, TypeError):
        return None


class Load:
    """Clients on connections of their own that say one thing after the other. What was not answered,
    or was refused because the server could not take it now, they say again until it is."""

    def __init__(self, book: Book, server: Server, connections: int = 8):
        self.book, self.server = book, server
        self.stopped, self.given_up = threading.Event(), threading.Event()
        self.errors: list[BaseException] = []
        self.threads = [
            threading.Thread(target=self.run, args=(random.Random(random.random()),))
            for _ in range(connections)]
        for thread in self.threads:
            thread.start()

    def run(self, chance: random.Random):
        try:
            self.talk(chance)
        except BaseException as error:  # noqa: BLE001: told to the test by `finish`
            self.errors.append(error)

    def talk(self, chance: random.Random):
        wire = pending = None
        while not self.given_up.is_set() and (pending or not self.stopped.is_set()):
            pending = pending or self.book.next(chance)
            try:
                wire = wire or Wire(self.server.port, self.book.workspace.token)
            except OSError:
                time.sleep(0.01)
                continue
            agent = f"User-Agent: {BROWSER} {pending.name}\r\n"
            method = "POST" if pending.data else "GET"
            try:
                answer = wire.request(method, pending.path, pending.data, agent)
            except OSError:
                self.book.doubt(pending)
                wire.close()
                wire = None
                continue
            if self.book.note(pending, *answer):
                pending = None
            else:
                time.sleep(0.02)
        if wire:
            wire.close()

    def finish(self, seconds: float = 60):
        """Ends when every client has got its answers."""
        self.stopped.set()
        deadline = time.monotonic() + seconds
        for thread in self.threads:
            thread.join(max(0, deadline - time.monotonic()))
        self.given_up.set()
        late = sum(thread.is_alive() for thread in self.threads)
        for thread in self.threads:
            thread.join(35)
        if self.errors:
            raise self.errors[0]
        assert not late, f"{late} clients are still without an answer after {seconds} s"


@contextmanager
def under_load(book: Book, server: Server, connections: int = 8):
    load = Load(book, server, connections)
    try:
        yield load
    finally:
        load.given_up.set()
        load.stopped.set()
        for thread in load.threads:
            thread.join(35)


@dataclass
class Loop:
    """What a closed loop over many connections has seen."""

    sold: list[str] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    """Of the sales that were accepted."""
    statuses: Counter = field(default_factory=Counter)
    unanswered: list[str] = field(default_factory=list)
    without_retry_after: int = 0


def closed_loop(
    port: int, token: str, customers: list[str], connections: int, seconds: float, prefix: str
) -> Loop:
    """Each connection sends a sale as soon as the one before was answered. One thread for all: a
    process of its own can keep hundreds busy."""
    loop, chance = Loop(), random.Random(prefix)
    selector = selectors.DefaultSelector()
    head = (f"POST /track/sale HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
            "Content-Type: application/json\r\nContent-Length: ")
    waiting: dict[socket.socket, tuple[str, float]] = {}

    def send(connection):
        invoice = f"{prefix}-{loop.statuses.total()}-{len(waiting)}-{chance.random()}"
        data = body(customerExternalId=chance.choice(customers), amount=1, invoiceId=invoice)
        waiting[connection] = (invoice, time.monotonic())
        connection.sendall(f"{head}{len(data)}\r\n\r\n".encode() + data)

    for _ in range(connections):
        connection = socket.create_connection(("127.0.0.1", port), timeout=10)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(connection, selectors.EVENT_READ, bytearray())
        send(connection)
    end = time.monotonic() + seconds
    while waiting and time.monotonic() < end + 15:
        for key, _ in selector.select(1):
            connection, rest = key.fileobj, key.data
            part = connection.recv(65536)
            rest += part
            if part and not is_whole(rest):
                continue
            invoice, start = waiting.pop(connection)
            if not part:
                loop.unanswered.append(invoice)
                selector.unregister(connection)
                continue
            status = int(rest[9:12])
            loop.statuses[status] += 1
            if status == 200:
                loop.sold.append(invoice)
                loop.times.append(time.monotonic() - start)
            else:
                loop.without_retry_after += b"\r\nretry-after: " not in rest.lower()
            rest.clear()
            if time.monotonic() < end:
                send(connection)
    loop.unanswered += [invoice for invoice, _ in waiting.values()]
    for key in list(selector.get_map().values()):
        key.fileobj.close()
    return loop


def is_whole(answer: bytes) -> bool:
    head, gap, content = answer.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
    return bool(gap) and len(content) >= (int(length.group(1)) if length else 0)


class Record:
    """What the file of a workspace holds."""

    def __init__(self, server: Server, workspace):
        with opened(server) as file:
            def rows(sql):
                return file.execute(sql, (workspace.id,)).fetchall()
            self.sales, self.loose, self.ids = {}, Counter(), []
            for id, invoice, customer, amount, metadata in rows(
                    "SELECT s.id, s.invoice_id, c.external_id, s.amount, s.metadata FROM sale s"
                    " JOIN customer c ON c.id = s.customer_id WHERE s.workspace_id = ?"):
                self.ids.append(id)
                if invoice:
                    assert invoice not in self.sales, f"{invoice} is there twice"
                    self.sales[invoice] = (customer, amount)
                else:
                    self.loose[json.loads(metadata)["mark"]] += 1
            leads = rows("SELECT l.id, c.external_id, l.click_id FROM lead l"
                         " JOIN customer c ON c.id = l.customer_id"
                         " WHERE l.workspace_id = ? AND l.click_id IS NOT NULL")
            self.leads = Counter((customer, click) for _, customer, click in leads)
            self.clicks = {id for (id,) in rows("SELECT id FROM click WHERE workspace_id = ?")}
            self.ids += [id for id, _, _ in leads] + list(self.clicks)


def fill(path: Path, workspace, link: dict, sales: int, customers: int = 1_000) -> dict:
    """Writes a past of many sales into the file of a server that is down, as the server would have:
    each customer's sales are a chain, and every total equals them. The sales, as in `Book.past`."""
    start = 1_700_000_000_000
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("CREATE TEMP TABLE n AS WITH RECURSIVE n (n) AS ("
                     "SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < ? - 1) SELECT n FROM n", (sales,))
        scope = {"workspace": workspace.id, "link": link["id"], "start": start, "customers": customers}
        file.execute("""
            INSERT INTO customer (id, workspace_id, external_id, name, link_id, created_at)
            SELECT 'cus_bulk' || n, :workspace, 'bulk-' || n, 'Bulk ' || n, :link, :start
            FROM n WHERE n < :customers""", scope)
        file.execute("""
            INSERT INTO lead (id, workspace_id, customer_id, link_id, event_name, at)
            SELECT printf('0L%014d', n), :workspace, 'cus_bulk' || n, :link, 'Sign up', :start
            FROM n WHERE n < :customers""", scope)
        file.execute("""
            INSERT INTO sale (id, workspace_id, customer_id, link_id, event_name, at, amount, currency,
              base_amount, payment_processor, invoice_id, metadata, previous_sale_id)
            SELECT printf('0%015d', n), :workspace, 'cus_bulk' || (n % :customers), :link, 'Purchase',
              :start + n, 1 + n % 9973, 'usd', 1 + n % 9973, 'custom', 'bulk-in-' || n, '{"n":' || n || '}',
              CASE WHEN n >= :customers THEN printf('0%015d', n - :customers) END
            FROM n ORDER BY n""", scope)
        file.execute("""
            INSERT INTO conversion (customer_id, link_id, sale_id)
            SELECT customer_id, link_id, id FROM sale
            WHERE previous_sale_id IS NULL AND customer_id LIKE 'cus_bulk%'""")
        file.execute("""
            UPDATE customer SET sales = n, sale_amount = total, first_sale_at = first, last_sale_id = last
            FROM (SELECT customer_id, count(*) n, sum(amount) total, min(at) first, max(id) last
              FROM sale GROUP BY customer_id) sold
            WHERE sold.customer_id = customer.id AND customer.id LIKE 'cus_bulk%'""")
        file.execute("""
            UPDATE link SET (sales, sale_amount) = (
                SELECT count(*), sum(amount) FROM sale WHERE link_id = link.id),
              (conversions, last_conversion_at) = (
                SELECT count(*), max(at) FROM conversion JOIN sale ON sale.id = sale_id
                WHERE conversion.link_id = link.id),
              (leads, last_lead_at) = (SELECT count(*), max(at) FROM lead WHERE link_id = link.id)
            WHERE id = :link""", scope)
        file.execute("""
            UPDATE workspace SET (sales, sale_amount) = (
              SELECT count(*), sum(amount) FROM sale WHERE workspace_id = workspace.id),
              leads = (SELECT count(*) FROM lead WHERE workspace_id = workspace.id)
            WHERE id = :workspace""", scope)
    return {f"bulk-in-{n}": (f"bulk-{n % customers}", 1 + n % 9973) for n in range(sales)}
