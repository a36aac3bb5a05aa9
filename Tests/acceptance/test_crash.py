"""What was acknowledged stays, once, however the process ends.

CRASH_CYCLES: how often the server is killed under load. CRASH_EVENTS: sales in the file that must
be ready again within two seconds."""

import os
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from harness import Server, Wire, binary, clean_environment, tool
from load import Book, fill, under_load

CYCLES = int(os.environ.get("CRASH_CYCLES") or 5)
EVENTS = int(os.environ.get("CRASH_EVENTS") or 100_000)


@pytest.fixture
def lone(tmp_path):
    server = Server(tmp_path).start()
    yield server
    if server.process:
        assert server.stop() == 0, server.log.read_text()
    server.verify()


def kill(server):
    assert server.stop(signal.SIGKILL) == -signal.SIGKILL


def test_kill_loses_and_doubles_nothing(lone):
    """Clients go on through the crash and say again what was not answered. Some restarts are killed
    while they replay the log."""
    book = Book(lone.workspace(), loses_clicks=True)
    for cycle in range(CYCLES):
        with under_load(book, lone) as load:
            before = book.answered
            time.sleep(random.uniform(0.2, 1.2))
            kill(lone)
            for _ in range(cycle % 3):
                lone.launch()
                time.sleep(random.uniform(0, 0.15))
                kill(lone)
            lone.start()
            load.finish()
        assert book.answered > before + 20, "the server was not under load when it was killed"
        book.check(lone)
    assert book.loose and len(book.sales) > 50 * CYCLES


def test_a_polite_end_under_load_loses_nothing(lone):
    """Every answer that was given holds, also that to a client who was told to come again."""
    # A lead may be sent to the node that has not committed its click yet.
    book = Book(lone.workspace(), loses_clicks=len(lone.ports) > 1)
    for _ in range(2):
        with under_load(book, lone) as load:
            time.sleep(1)
            assert lone.stop(seconds=10) == 0, lone.log.read_text()
            lone.verify()
            lone.start()
            load.finish()
        book.check(lone)
    assert book.answered > 200


def test_a_polite_end_waits_for_no_slow_client(lone):
    """Ten seconds at most, whoever holds a connection open."""
    workspace = lone.workspace()
    book = Book(workspace, loses_clicks=len(lone.ports) > 1)
    idle = [Wire(lone.port, workspace.token) for _ in range(60)]
    for wire in idle[20:40]:
        assert wire.request("GET", "/healthz")[0] == 200
    for wire in idle[40:50]:
        wire.socket.sendall(b"POST /track/sale HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
    for wire in idle[50:]:
        wire.socket.sendall(
            f"POST /track/sale HTTP/1.1\r\n{wire.head}Content-Length: 100\r\n\r\n{{".encode())
    with under_load(book, lone) as load:
        time.sleep(0.5)
        assert lone.stop(seconds=10) == 0, lone.log.read_text()
        lone.start()
        load.finish()
    for wire in idle:
        wire.close()
    book.check(lone)


# --- the schema ----------------------------------------------------------------------------------

def works(server):
    """A server that starts on what is there, and sells."""
    server.start()
    workspace = server.workspace()
    customer, link = workspace.lead_customer()
    workspace.sold(customer, invoiceId="in_1")
    assert workspace.fresh(link)["sales"] == 1
    assert server.stop() == 0
    server.verify()


@pytest.mark.sqlite
def test_kill_during_migration(tmp_path):
    """At moments spread over the whole start, each on an empty file."""
    whole = Server(tmp_path)
    start = time.monotonic()
    whole.start()
    usual = time.monotonic() - start
    whole.stop()
    for n in range(20):
        folder = tmp_path / str(n)
        folder.mkdir()
        server = Server(folder).launch()
        time.sleep(usual * (n + random.random()) / 20)
        kill(server)
        if n % 4:
            server.launch()
            time.sleep(usual * random.random())
            kill(server)
        works(server)


@pytest.mark.sqlite
@pytest.mark.parametrize("call, kills", [("fdatasync", 30), ("pwrite64", 20)])
def test_kill_within_a_migration(tmp_path, call, kills):
    """At its calls to the system: a kill by the clock seldom hits the steps of the schema."""
    calls = calls_of_a_start(tmp_path, call)
    versions = set()
    for n in sorted({1 + calls * k // kills for k in range(kills)}):
        folder = tmp_path / str(n)
        folder.mkdir()
        server = Server(folder).launch((
            tool("strace"), "-f", "-qq", "-e", f"trace={call}", "-e", f"inject={call}:signal=SIGKILL:when={n}",
            "-o", str(folder / "trace")))
        try:
            server.ready()
        except RuntimeError:
            server.process = None
        else:
            # Another thread made this call: the start took fewer this time.
            server.stop(signal.SIGKILL, child(server))
            continue
        versions.add(schema_version(folder / "tribute.db"))
        works(server)
    assert len(versions) > 2, f"the kills hit the steps at {versions} only"


def calls_of_a_start(tmp_path, call) -> int:
    """Of the thread that makes the most of them: strace counts each thread's own."""
    trace = tmp_path / "trace"
    server = Server(tmp_path / "whole")
    server.folder.mkdir()
    server.launch((tool("strace"), "-f", "-qq", "-e", f"trace={call}", "-o", str(trace))).ready()
    server.stop(signal.SIGKILL, child(server))
    return max(Counter(line.split()[0] for line in trace.read_text().splitlines() if call in line).values())


def child(server) -> int:
    pid = server.process.pid
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def schema_version(path) -> int | None:
    """Of a copy: reading replays the log, which is the server's to do."""
    copy = path.parent / "copy"
    copy.mkdir()
    for file in path.parent.glob("tribute.db*"):
        shutil.copy(file, copy)
    try:
        with closing(sqlite3.connect(copy / path.name)) as file:
            return file.execute("SELECT max(version) FROM schema_migration").fetchone()[0]
    except sqlite3.OperationalError:
        return None


# --- a file that is in use -----------------------------------------------------------------------

@pytest.mark.sqlite
@pytest.mark.parametrize("way", ["the same path", "another spelling", "a symbolic link"])
def test_a_file_in_use_is_not_replaced(lone, tmp_path, way):
    """Whichever way leads to it; a second server on it is another matter, and safe."""
    path = lone.path
    other = {
        "the same path": path,
        "another spelling": path.parent / ".." / path.parent.name / path.name,
        "a symbolic link": tmp_path / "link.db",
    }[way]
    if way == "a symbolic link":
        other.symlink_to(path)
    workspace = lone.workspace()
    customer, link = workspace.lead_customer()
    lone.command("backup", str(tmp_path / "copy.db"))
    refused = subprocess.run(
        [binary(), "restore", str(tmp_path / "copy.db"), "--force", "--database", f"sqlite:{other}"],
        capture_output=True, text=True, timeout=20, env=clean_environment())
    assert refused.returncode == 1, refused
    assert other.name in refused.stderr and "A server uses the database" in refused.stderr
    beside = Server(lone.folder)
    beside.database, beside.log = f"sqlite:{other}", tmp_path / "beside.log"
    beside.start()
    try:
        workspace.http.base_url = beside.url
        workspace.sold(customer, invoiceId="in_1")
        workspace.http.base_url = lone.url
        assert workspace.sale(customer, invoiceId="in_1").headers["idempotent-replayed"] == "true"
        assert workspace.fresh(link)["sales"] == 1
    finally:
        beside.stop()


@pytest.mark.sqlite
def test_a_killed_server_leaves_no_lock(lone, tmp_path):
    workspace = lone.workspace()
    customer, link = workspace.lead_customer()
    lone.command("backup", str(tmp_path / "copy.db"))
    kill(lone)
    lone.command("restore", str(tmp_path / "copy.db"), "--force")
    start = time.monotonic()
    lone.start()
    assert time.monotonic() - start < 2
    workspace.sold(customer, invoiceId="in_1")


@pytest.mark.sqlite
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_commands_do_not_keep_the_server_from_starting(lone, end):
    """What is run while the server is down may be a `verify`, which reads for minutes. The server does
    not wait for it."""
    workspace = lone.workspace()
    lone.stop(end)
    with closing(sqlite3.connect(lone.path)) as file:
        file.execute("BEGIN")
        assert file.execute("SELECT count(*) FROM workspace").fetchone() == (1,)
        start = time.monotonic()
        lone.start()
        took = time.monotonic() - start
        customer, link = workspace.lead_customer()
        workspace.sold(customer, invoiceId="in_1")
    assert took < 2, f"ready after {took:.1f} s"


@pytest.mark.sqlite
def test_the_log_moves_into_the_file_while_commits_go_on(lone):
    """Otherwise all of it is moved within one commit, when it is as long as it may be."""
    book = Book(lone.workspace(), loses_clicks=True)
    log = lone.path.with_name(lone.path.name + "-wal")
    before = lone.path.stat().st_mtime_ns
    with under_load(book, lone, 16) as load:
        deadline = time.monotonic() + 60
        while lone.path.stat().st_mtime_ns == before and time.monotonic() < deadline:
            time.sleep(0.005)
        length = log.stat().st_size
        load.finish()
    assert length < 48 << 20, f"nothing was moved before the log had {length >> 20} MiB"
    book.check(lone)


# --- a large file --------------------------------------------------------------------------------

@pytest.mark.sqlite
def test_a_large_file_is_ready_soon_after_a_crash(lone):
    """The start replays the log; it must read neither all events nor all counters."""
    workspace = lone.workspace()
    link = workspace.link()
    assert lone.stop() == 0
    path = lone.path
    past = fill(path, workspace, link, EVENTS)
    lone.verify()
    lone.start()
    book = Book(workspace, past=past, loses_clicks=True)
    book.customers += [f"bulk-{n}" for n in range(1_000)]
    log = path.with_name(path.name + "-wal")
    with under_load(book, lone) as load:
        deadline = time.monotonic() + 12
        while log.stat().st_size < 24 << 20 and time.monotonic() < deadline:
            time.sleep(0.1)
        kill(lone)
        length = log.stat().st_size
        start = time.monotonic()
        lone.launch().ready()
        took = time.monotonic() - start
        load.finish()
    print(f"{EVENTS} events, {length >> 20} MiB of log, ready after {took:.2f} s")
    assert length > 4 << 20, "the log was too short to say anything"
    assert took < 2, f"ready after {took:.2f} s with {length >> 20} MiB of log"
    book.check(lone)
