"""Tables of events that were cut into partitions: the same program, the same promises."""

import signal

import psycopg
import pytest

from engines import cut
from harness import Server
from load import Book, under_load

pytestmark = [pytest.mark.postgres, pytest.mark.whole]


def plan(server: Server, sql: str) -> str:
    with psycopg.connect(server.database) as rows:
        rows.execute("SET enable_seqscan = off")
        return "\n".join(line for (line,) in rows.execute("EXPLAIN " + sql))


@pytest.mark.parametrize("scripts", [
    {"partition-by-workspace.sql": {"partitions": 4}},
    {"partition-clicks-by-month.sql": {"months": 2}},
])
def test_a_database_that_is_cut_while_it_is_down(tmp_path, scripts):
    server = Server(tmp_path).start()
    book = Book(server.workspace(), loses_clicks=True)
    with under_load(book, server) as load:
        book.grow(300)
        load.finish()
    book.check(server)
    state = book.workspace.state(book.links[0])
    assert server.stop() == 0
    for script, settings in scripts.items():
        cut(server.database, script, **settings)
    server.start()
    assert book.workspace.state(book.links[0]) == state
    with under_load(book, server) as load:
        book.grow(300)
        server.stop(signal.SIGKILL)
        server.start()
        load.finish()
    book.check(server)
    if "partition-by-workspace.sql" in scripts:
        # One partition is looked at, whichever workspace it is.
        found = plan(server, "SELECT id FROM sale WHERE workspace_id = 'w' AND invoice_id = 'i' AND invoice_id <> ''")
        assert found.count("Index Scan") == 1 and "sale_p" in found, found
    else:
        # More months are added to what is there, while the server runs.
        cut(server.database, "partition-clicks-by-month.sql", months=5)
        with psycopg.connect(server.database) as rows:
            partitions = rows.execute("SELECT count(*) FROM pg_inherits WHERE inhparent = 'click'::regclass").fetchone()
        assert partitions == (7,)
        book.workspace.click(book.links[0])
    assert server.stop() == 0
    server.verify()
