"""PostgreSQL servers that Patroni and etcd look after: the leader dies under load, another takes its place, the
dead one comes back and follows, and then the lead is handed over in good order."""

import signal
import time
from dataclasses import dataclass, field
from itertools import pairwise

import httpx
import pytest

from harness import Server, eventually
from load import Book, under_load
from patroni import PatroniCluster

pytestmark = [pytest.mark.postgres, pytest.mark.patroni]


@pytest.fixture
def cluster(tmp_path):
    cluster = PatroniCluster(tmp_path / "cluster", standbys=2)
    yield cluster
    cluster.close()


@pytest.fixture
def server(tmp_path, cluster):
    server = Server(tmp_path)
    server.database = cluster.url
    try:
        yield server.start()
    finally:
        if server.process:
            server.stop(signal.SIGKILL)


@dataclass
class TimedBook(Book):
    times: list[float] = field(default_factory=list)
    """When sales were acknowledged. What else is answered may need nothing from the database."""

    def note_sale(self, call, head, content):
        super().note_sale(call, head, content)
        self.times.append(time.monotonic())

    def sell(self, what: str, count: int = 1, seconds: float = 60):
        sold = len(self.times)
        eventually(what, lambda: len(self.times) >= sold + count, seconds)

    def pause(self, since: float) -> tuple[float, float]:
        """When nobody could sell for longest: from, until."""
        times = [time for time in self.times if time > since]
        return max(pairwise([since, *times]), key=lambda pair: pair[1] - pair[0])


def test_a_failover_and_a_switchover_under_load(cluster, server):
    book = TimedBook(server.workspace(), loses_clicks=True)
    with under_load(book, server) as load:
        book.sell("under load", 500)
        first = cluster.leader()

        killed = time.monotonic()
        first.end(signal.SIGKILL)
        second = cluster.leader(after=first)
        book.sell("selling again", 500)
        print(f"\nfailover: first sale {book.pause(killed)[1] - killed:.2f} s after the kill")

        back = time.monotonic()
        first.start()
        assert cluster.wait_until_whole() is second, cluster.logs
        print(f"the old leader follows {time.monotonic() - back:.2f} s after its start")

        asked = time.monotonic()
        reply = httpx.post(f"http://{second.rest}/switchover", json={"leader": second.name}, timeout=60)
        assert reply.status_code == 200, f"{reply.text}\n{cluster.logs}"
        book.sell("selling after the switchover", 500)
        assert cluster.wait_until_whole() is not second, cluster.logs
        since, until = book.pause(asked)
        print(f"switchover: nobody could sell for {until - since:.2f} s")
        load.finish()
    book.check(server)
    assert book.refused > 0
    assert server.stop() == 0, server.log.read_text()
    server.verify()
