"""What goes over the wire to PostgreSQL, and what a session of a node does to the others."""

import csv
import os
import selectors
import signal
import socket
import threading
import time
from datetime import datetime, timezone
from urllib.parse import urlsplit

import psycopg
import pytest

from harness import Server, Wire, eventually, unique
from load import Book, body, under_load

pytestmark = [pytest.mark.postgres, pytest.mark.one_node]


class Turns:
    """Stands between a program and the server, and counts how often a session has waited for an answer."""

    def __init__(self, url: str):
        place = urlsplit(url)
        self.server = (place.hostname, place.port)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = url.replace(f":{place.port}/", f":{self.listener.getsockname()[1]}/")
        self.counts: list[int] = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.carry, args=(client, len(self.counts)), daemon=True).start()
            self.counts.append(0)

    def carry(self, client: socket.socket, number: int):
        server = socket.create_connection(self.server)
        selector = selectors.DefaultSelector()
        selector.register(client, selectors.EVENT_READ, server)
        selector.register(server, selectors.EVENT_READ, client)
        last = None
        while True:
            for key, _ in selector.select():
                data = key.fileobj.recv(1 << 20)
                if not data:
                    client.close()
                    server.close()
                    return
                key.data.sendall(data)
                if key.fileobj is server and last is client:
                    self.counts[number] += 1
                last = key.fileobj


def imported(server: Server, slug: str, customers: list[str], prefix: str) -> int:
    """How often the writing session waited while so many sales were imported."""
    moment = datetime.now(timezone.utc).isoformat()
    path = server.folder / f"{prefix}.csv"
    with path.open("w") as file:
        rows = csv.writer(file)
        rows.writerow(["type", "timestamp", "customerExternalId", "amount", "invoiceId"])
        rows.writerows(["sale", moment, customer, 100, f"{prefix}-{customer}"] for customer in customers)
    direct, turns = server.database, Turns(server.database)
    server.database = turns.url
    done = server.run("import", str(path), "--workspace", slug)
    server.database = direct
    turns.listener.close()
    assert done.returncode == 0, done.stderr
    return max(turns.counts)


def test_a_batch_waits_as_often_whatever_its_size(tmp_path):
    """Four hundred sales are one batch of an import, as four are."""
    server = Server(tmp_path).start()
    workspace = server.workspace()
    link = workspace.link()
    click = workspace.click(link)
    customers = [unique("c") for _ in range(400)]
    for customer in customers:
        workspace.post("/track/lead", {"clickId": click, "eventName": "Sign up", "customerExternalId": customer})
    assert server.stop() == 0
    few = imported(server, workspace.slug, customers[:4], "few")
    many = imported(server, workspace.slug, customers, "many")
    assert abs(many - few) <= 2 and many < 40, f"{few} times for 4 sales, {many} times for 400"


def test_a_node_that_stands_still_in_the_middle(tmp_path):
    """Its locks go after ten seconds, and the others go on."""
    first, second = Server(tmp_path).start(), Server(tmp_path)
    second.start()
    book = Book(first.workspace(), loses_clicks=True)
    state = "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction' AND application_name = 'tribute'"
    wire = Wire(second.port, book.workspace.token, timeout=60)
    try:
        with under_load(book, first) as load, psycopg.connect(first.database, autocommit=True) as rows:
            book.grow(100)
            for _ in range(2_000):
                os.kill(first.process.pid, signal.SIGSTOP)
                if rows.execute(state).fetchone() == (1,) and (time.sleep(0.05) or rows.execute(state).fetchone() == (1,)):
                    break
                os.kill(first.process.pid, signal.SIGCONT)
                time.sleep(0.002)
            else:
                pytest.fail("the node was never seen within a transaction")
            start, statuses = time.monotonic(), []
            while 200 not in statuses and time.monotonic() - start < 30:
                sale = body(customerExternalId=book.customers[0], amount=1, invoiceId="meanwhile")
                statuses.append(wire.post("/track/sale", sale)[0])
                time.sleep(0.2)
            assert set(statuses[:-1]) <= {503} and statuses[-1] == 200, statuses
            os.kill(first.process.pid, signal.SIGCONT)
            load.finish()
        book.past["meanwhile"] = (book.customers[0], 1)
        book.check(first, counted_by=first)
    finally:
        os.kill(first.process.pid, signal.SIGCONT)
        wire.close()
        for server in (second, first):
            assert server.stop() == 0
    first.verify()


def test_a_batch_that_waited_takes_along_what_has_come(tmp_path):
    """While another node has the workspace, a node's sales gather: one batch of them all, not one of the first."""
    server = Server(tmp_path).start()
    workspace = server.workspace()
    customer, link = workspace.lead_customer()

    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = 'tribute'"
    batches = server.metric("tribute_commit_batches_total")
    threads = [threading.Thread(target=workspace.sold, args=(customer, 100)) for _ in range(10)]
    with psycopg.connect(server.database) as holder, psycopg.connect(server.database, autocommit=True) as looker:
        holder.execute("SELECT 1 FROM workspace FOR UPDATE")
        threads[0].start()
        eventually("waiting", lambda: looker.execute(waiting).fetchone() == (1,), 4)
        for thread in threads[1:]:
            thread.start()
        eventually("gathered", lambda: server.metric("tribute_commit_queue_depth") == 9, 4)
    for thread in threads:
        thread.join()
    assert server.metric("tribute_commit_batches_total") == batches + 1
    assert workspace.fresh(link)["sales"] == 10
    assert server.stop() == 0
    server.verify()
