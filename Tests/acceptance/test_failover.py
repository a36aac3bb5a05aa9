"""A PostgreSQL server that goes away: nothing acknowledged is lost, nothing is doubled, and the nodes go on
by themselves."""

import signal
import threading
import time
from contextlib import contextmanager

import httpx
import pytest

from cluster import Cluster, send
from harness import Server, eventually, unique
from load import Book, error_code, under_load

pytestmark = pytest.mark.postgres
# Servers that start anew, and nodes that find them.
SOON = 30


@contextmanager
def serving(tmp_path, standbys: int = 0):
    """A cluster with servers on it; afterwards every total must equal its events."""
    cluster = Cluster(tmp_path / "cluster", standbys)
    server = Server(tmp_path)
    server.database = cluster.url
    try:
        yield cluster, server.start()
        assert server.stop() == 0, server.log.read_text()
        server.verify()
    finally:
        if server.process:
            server.stop(signal.SIGKILL)
        cluster.close()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT, signal.SIGKILL])
def test_a_server_that_is_started_anew_under_load(tmp_path, how):
    with serving(tmp_path) as (cluster, server):
        book = Book(server.workspace(), loses_clicks=True)
        primary = cluster.nodes[0]
        with under_load(book, server) as load:
            for _ in range(2):
                book.grow(100, SOON)
                primary.end(how)
                eventually("unready", lambda: server.readiness() == 503, SOON)
                primary.start()
                eventually("ready again", lambda: all(server.readiness(port) == 200 for port in server.ports), SOON)
            book.grow(100, SOON)
            load.finish()
        book.check(server, counted_by=server)
        assert book.refused > 0


def test_a_primary_that_is_killed_under_load(tmp_path):
    """One of the two standbys takes its place; the other goes on behind it."""
    with serving(tmp_path, standbys=2) as (cluster, server):
        book = Book(server.workspace(), loses_clicks=True)
        primary, second, third = cluster.nodes
        with under_load(book, server) as load:
            eventually("under load", lambda: book.answered > 500, SOON)
            primary.end(signal.SIGKILL)
            start = time.monotonic()
            # The one that has more of the log: a commit waited for either.
            ahead = max([second, third], key=lambda node: node.ask(
                "SELECT pg_wal_lsn_diff(pg_last_wal_receive_lsn(), '0/0')")[0][0])
            other = third if ahead is second else second
            ahead.promote()
            cluster.follow(other, ahead)
            other.ask("SELECT pg_reload_conf()")
            cluster.wait_for_standbys(ahead, [other])
            promoted = time.monotonic() - start
            answered = book.answered
            eventually("writing again", lambda: book.answered > answered, SOON)
            print(f"promoted after {promoted:.2f} s, first answer {time.monotonic() - start:.2f} s after the kill")
            book.grow(500, SOON)
            load.finish()
        book.check(server, counted_by=server)


@pytest.mark.one_node
@pytest.mark.parametrize("default", ["on", "off"])
def test_what_no_standby_has_is_not_acknowledged(tmp_path, default):
    """Whatever the server's default is. A commit that waits for a standby in vain is answered as unknown; and
    so is every repetition, until a standby has it: the row is there, and would be gone with this server."""
    with serving(tmp_path, standbys=1) as (cluster, server):
        workspace = server.workspace()
        customer, link = workspace.lead_customer()
        primary, standby = cluster.nodes
        primary.ask(f"ALTER SYSTEM SET synchronous_commit = {default}")
        primary.ask("SELECT pg_reload_conf()")
        # Its sessions began with the default of before.
        assert server.stop() == 0
        server.start()
        standby.end()
        invoice = unique("in")

        def sell():
            return workspace.sale(customer, 100, invoiceId=invoice)

        for _ in range(2):
            reply = sell()
            assert reply.status_code == 503 and error_code(reply.content) == "service_unavailable", reply.text
            assert int(reply.headers["retry-after"]) > 0
        assert primary.ask("SELECT count(*) FROM sale WHERE invoice_id = %s", (invoice,)) == [(1,)]
        standby.start()
        eventually("acknowledged", lambda: sell().status_code == 200, SOON)
        assert sell().headers["idempotent-replayed"] == "true"
        assert workspace.fresh(link)["sales"] == 1
        assert standby.ask("SELECT count(*) FROM sale WHERE invoice_id = %s", (invoice,)) == [(1,)]


@pytest.mark.one_node
def test_a_command_that_waited_in_vain_does_not_say_that_nothing_happened(tmp_path):
    with serving(tmp_path, standbys=1) as (cluster, server):
        server.workspace()
        (slug,), = cluster.nodes[0].ask("SELECT slug FROM workspace")
        cluster.nodes[1].end()
        done = server.run("token", "create", "--workspace", slug, "--name", "in vain")
        assert done.returncode == 1 and "look before you repeat it" in done.stderr, done
        assert "Nothing was changed" not in done.stderr and "unavailable(" not in done.stderr, done
        assert "in vain" in server.command("token", "list", "--workspace", slug)
        cluster.nodes[1].start()


@pytest.mark.parametrize("end", ["pg_cancel_backend", "pg_terminate_backend"])
def test_a_wait_for_a_standby_that_is_cut_off_is_no_success(tmp_path, end):
    """PostgreSQL itself says COMMIT then, with a warning."""
    with serving(tmp_path, standbys=1) as (cluster, server):
        workspace = server.workspace()
        customer, link = workspace.lead_customer()
        primary, standby = cluster.nodes
        standby.end()
        replies: list[httpx.Response] = []
        invoice = unique("in")
        thread = threading.Thread(
            target=lambda: replies.append(workspace.sale(customer, 100, invoiceId=invoice)))
        thread.start()
        waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
        eventually("waiting", lambda: primary.ask(waiting), 9)
        primary.ask(f"SELECT {end}(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
        thread.join(20)
        assert [reply.status_code for reply in replies] == [503]
        standby.start()
        eventually("acknowledged", lambda: workspace.sale(customer, 100, invoiceId=invoice).status_code == 200, SOON)
        assert workspace.fresh(link)["sales"] == 1


@pytest.mark.one_node
def test_a_server_that_does_not_answer(tmp_path):
    """Its processes stand still, as when the network swallows everything: a clear answer in time, and on it
    goes when they run again."""
    with serving(tmp_path) as (cluster, server):
        workspace = server.workspace()
        customer, link = workspace.lead_customer()
        stopped = cluster.nodes[0].pids()
        send(stopped, signal.SIGSTOP)
        try:
            start = time.monotonic()
            reply = workspace.sale(customer, 100, invoiceId="standing")
            assert reply.status_code == 503 and time.monotonic() - start < 25
        finally:
            send(stopped, signal.SIGCONT)
        eventually("selling", lambda: workspace.sale(customer, 100, invoiceId="standing").status_code == 200, SOON)
        assert workspace.fresh(link)["sales"] == 1
