"""A disk that is full, fails, can't be written or has lost something. Nothing is acknowledged that is
not durable, and the server goes on by itself when the disk does."""

import json
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import time
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

from harness import Server, Wire, binary, clean_environment, cookie, eventually, follow, free_port, tool, unique
from load import Book, Load, body, error_code, fill, under_load

pytestmark = pytest.mark.sqlite


def log_of(server: Server) -> Path:
    return Path(f"{server.path}-wal")


def kill(server: Server):
    assert server.stop(signal.SIGKILL) == -signal.SIGKILL


@contextmanager
def ended(server: Server):
    """Leaves no process behind, whatever the test finds."""
    try:
        yield server
    finally:
        if server.process:
            server.stop(signal.SIGKILL)


class Shop:
    """A workspace with one customer, to ask single things."""

    def __init__(self, server: Server):
        self.server, self.workspace = server, server.workspace()
        self.customer, self.link = self.workspace.lead_customer()

    def sell(self) -> httpx.Response:
        return self.workspace.sale(self.customer, 100, invoiceId=unique("shop"))

    def works(self) -> bool:
        return self.server.readiness() == 200 and self.sell().status_code == 200

    def assert_reads(self):
        """Whoever only asks is answered, and visitors get where they want to go."""
        workspace = self.workspace
        assert workspace.get(f"/links/{self.link['id']}").status_code == 200
        assert workspace.get("/events", event="sales").status_code == 200
        assert workspace.get(f"/customers/ext_{self.customer}").status_code == 200
        assert httpx.get(f"{self.server.url}/healthz").status_code == 200
        visit = follow(self.server, self.link["key"])
        assert visit.status_code == 302 and visit.headers["location"].startswith("https://shop.example/")

    def assert_refuses(self):
        """An answer that says when to come again, for sales and for readiness."""
        for _ in range(5):
            assert_unavailable(self.sell())
        assert_unavailable(httpx.get(f"{self.server.url}/readyz"))


def assert_unavailable(reply: httpx.Response):
    assert reply.status_code in (500, 503), f"{reply.request.url}: {reply.status_code} {reply.text}"
    assert error_code(reply.content), reply.text
    assert int(reply.headers["retry-after"]) > 0


def crash_and_settle(server: Server, book: Book, load: Load, before_start=lambda: None):
    """The proof of what was answered: a crash, a restart, and every client gets its answer."""
    kill(server)
    before_start()
    server.start()
    load.finish()
    book.check(server)


# --- a full disk ---------------------------------------------------------------------------------

class Disk:
    """A small file system, which ends with the test: mounted by root, else in a mount namespace of its
    own."""

    def __init__(self, folder: Path, size: str):
        folder.mkdir()
        self.folder, self.holder, self.within = folder, None, ()
        mounted = subprocess.run(
            [tool("mount"), "-t", "tmpfs", "-o", f"size={size}", "tribute", str(folder)], capture_output=True)
        if mounted.returncode:
            self.unshare(size)

    def unshare(self, size: str):
        folder, root = self.folder, os.geteuid() == 0
        self.holder = subprocess.Popen(
            [tool("unshare"), *([] if root else ["--map-root-user"]), "--mount", "sh", "-c",
             f"mount -t tmpfs -o size={size} tribute '{folder}' && echo mounted && exec sleep infinity"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if self.holder.stdout.readline() != "mounted\n":
            pytest.fail(
                "This machine lets no file system be mounted. Run the tests as root with the right to "
                "mount (CAP_SYS_ADMIN), or allow user namespaces (sysctl kernel.unprivileged_userns_clone=1"
                f" and user.max_user_namespaces): {self.holder.communicate()[1]}")
        self.within = (
            tool("nsenter"), "--target", str(self.holder.pid), "--mount",
            *([] if root else ["--user", "--preserve-credentials"]))

    def outside(self, path: Path) -> Path:
        return Path(f"/proc/{self.holder.pid}/root{path}") if self.holder else path

    def run(self, *command: str):
        subprocess.run([*self.within, *command], check=True, capture_output=True, timeout=10)

    def fill(self):
        """To the last byte."""
        with open(self.outside(self.folder / "filler"), "wb", buffering=0) as file:
            for size in (1 << 20, 4096, 1):
                try:
                    while True:
                        file.write(b"x" * size)
                except OSError:
                    continue

    def free(self):
        self.outside(self.folder / "filler").unlink()

    def close(self):
        if self.holder:
            self.holder.kill()
            self.holder.wait()
        else:
            subprocess.run([tool("umount"), "--lazy", str(self.folder)], check=True)


class ServerOnDisk(Server):
    def __init__(self, folder: Path, disk: Disk, *flags: str):
        super().__init__(folder, *flags)
        self.disk, self.within = disk, disk.within
        self.database = f"sqlite:{disk.folder / 'tribute.db'}"

    def readable(self) -> Path:
        """A copy, made in the way that the documentation says."""
        copy = self.folder / f"{unique('copy')}.db"
        self.disk.run(tool("sqlite3"), str(self.path), f"VACUUM INTO '{copy}'")
        return copy


@pytest.fixture
def disk(tmp_path):
    disk = Disk(tmp_path / "disk", "160m")
    yield disk
    disk.close()


def test_a_full_disk(tmp_path, disk):
    with ended(ServerOnDisk(tmp_path, disk).start()) as server:
        shop, book = Shop(server), Book(server.workspace(), loses_clicks=True)
        with under_load(book, server, 4) as load:
            time.sleep(0.5)
            for _ in range(2):
                disk.fill()
                eventually("unready", lambda: server.readiness() == 503)
                shop.assert_refuses()
                shop.assert_reads()
                answered = len(book.sales)
                time.sleep(0.3)
                assert len(book.sales) == answered, "a sale was acknowledged on a full disk"
                disk.free()
                eventually("ready again", shop.works)
                eventually("selling again", lambda: len(book.sales) > answered + 10)
            disk.fill()
            eventually("unready", lambda: server.readiness() == 503)
            crash_and_settle(server, book, load, before_start=disk.free)
        assert server.stop() == 0
        server.verify()


def test_a_log_that_fills_the_disk_itself(tmp_path):
    """Nobody else takes the space: the log grows until there is none. Room that is made later (the
    disk is enlarged) is used without a restart."""
    disk = Disk(tmp_path / "disk", "6m")
    try:
        with ended(ServerOnDisk(tmp_path, disk).start()) as server:
            shop, book = Shop(server), Book(server.workspace(), loses_clicks=True)
            with under_load(book, server, 4) as load:
                eventually("unready", lambda: server.readiness() == 503, 30)
                shop.assert_refuses()
                shop.assert_reads()
                disk.run("mount", "-o", "remount,size=64m", str(disk.folder))
                eventually("ready again", shop.works)
                crash_and_settle(server, book, load)
            assert server.stop() == 0
            server.verify()
    finally:
        disk.close()


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm"])
def test_a_file_that_is_taken_away(tmp_path, suffix):
    """What is written to a file without a name is lost: nothing is acknowledged until it is back."""
    with ended(Server(tmp_path).start()) as server:
        shop = Shop(server)
        file = Path(f"{server.path}{suffix}")
        assert shop.works()
        file.rename(tmp_path / "away")
        shop.assert_refuses()
        shop.assert_reads()
        shutil.copy(tmp_path / "away", file)
        shop.assert_refuses()
        (tmp_path / "away").rename(file)
        assert shop.works()
        assert server.log.read_text().count("was removed or replaced while it was in use") == 1
        assert server.stop() == 0
        server.verify()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_an_index_of_the_log_that_is_removed_with_others_beside(tmp_path, how):
    """Who opens the file then makes another index and shares no locks with the server: the server writes
    nothing any more, and neither moves the log at its end."""
    with ended(Server(tmp_path).start()) as server:
        book = Book(server.workspace(), loses_clicks=True)
        with under_load(book, server, 4) as load:
            eventually("selling", lambda: len(book.sales) > 300)
            Path(f"{server.path}-shm").unlink()
            for number in range(3):
                assert server.run("workspace", "create", "W", "--slug", f"beside-{number}").returncode == 0
            eventually("unready", lambda: server.readiness() == 503)
            answered = len(book.sales)
            assert server.run("verify", "--deep").returncode == 0
            time.sleep(0.3)
            assert len(book.sales) == answered, "a sale was acknowledged without the log's index"
            server.stop(how, seconds=10)
            server.start()
            slugs = server.run("workspace", "list").stdout
            assert all(f"beside-{number}" in slugs for number in range(3))
            load.finish()
            book.check(server)
        assert server.stop() == 0
        server.verify()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_start_and_stop_on_a_full_disk(tmp_path, disk, how):
    """The end is in time. What starts on it says what is wrong, answers who only asks, and goes on by
    itself when there is room."""
    with ended(ServerOnDisk(tmp_path, disk).start()) as server:
        shop, book = Shop(server), Book(server.workspace(), loses_clicks=True)
        with under_load(book, server, 4) as load:
            time.sleep(0.5)
            disk.fill()
            eventually("unready", lambda: server.readiness() == 503)
            server.stop(how, seconds=10)
            server.launch()
            eventually("unready again", lambda: server.readiness() == 503)
            shop.assert_refuses()
            shop.assert_reads()
            server.verify()
            # A small write may find room in the log that a larger one did not.
            created = server.run("workspace", "create", "W", "--slug", "small")
            assert created.returncode == 0 or "full" in created.stderr, created
            disk.free()
            eventually("ready", shop.works)
            load.finish()
        slugs = [json.loads(line)["slug"] for line in server.run("workspace", "list").stdout.splitlines()]
        assert ("small" in slugs) == (created.returncode == 0), (slugs, created)
        book.check(server)
        assert server.stop() == 0


def test_a_file_system_that_can_not_be_written(tmp_path, disk):
    """The start, and whatever reads the file, ends at once and names the file."""
    server = ServerOnDisk(tmp_path, disk)
    with ended(server.start()):
        Shop(server)
        assert server.stop() == 0
    disk.run("mount", "-o", "remount,ro", str(disk.folder))
    for database in (server.database, f"sqlite:{disk.folder / 'new.db'}"):
        done = subprocess.run(
            [*disk.within, binary(), "serve", "--database", database, "--port", str(free_port())],
            capture_output=True, text=True, timeout=5, env=clean_environment())
        assert_clear(done, database)
    assert_clear(server.run("verify"), server.database)
    disk.run("mount", "-o", "remount,rw", str(disk.folder))
    server.verify()


def assert_clear(done: subprocess.CompletedProcess, database: str):
    """Status 1 and a few lines for the person who started it."""
    assert done.returncode == 1, done
    assert database.removeprefix("sqlite:") in done.stderr, done.stderr
    assert re.search("writable|read-only", done.stderr), done.stderr
    assert len(done.stderr.splitlines()) < 6, done.stderr


# --- calls that fail -----------------------------------------------------------------------------

class FaultyServer(Server):
    """Its calls to the system can be made to fail, and to work again, while it runs."""

    def start(self):
        return super().start((tool("fiu-run"), "-x", "-f", str(self.folder / "fiu")))

    def tell(self, command: str):
        subprocess.run(
            [tool("fiu-ctrl"), "-f", str(self.folder / "fiu"), "-c", command, str(self.process.pid)],
            check=True, capture_output=True, timeout=10)

    @contextmanager
    def failing(self, calls: str, error: int, probability: float = 1):
        how = "enable" if probability == 1 else "enable_random"
        more = "" if probability == 1 else f",probability={probability}"
        self.tell(f"{how} name={calls},failinfo={error}{more}")
        try:
            yield
        finally:
            if self.process:
                self.tell(f"disable name={calls}")


@pytest.fixture
def faulty(tmp_path):
    with ended(FaultyServer(tmp_path).start()) as server:
        yield server
    server.verify()


EIO, ENOSPC = 5, 28
SYNC, WRITE, READ, CUT = "posix/io/sync/*", "posix/io/rw/pwrite", "posix/io/rw/pread", "posix/io/rw/ftruncate"


@pytest.mark.parametrize("calls, error", [(SYNC, EIO), (WRITE, EIO), (WRITE, ENOSPC)])
def test_a_disk_that_fails_for_a_while(faulty, calls, error):
    shop, book = Shop(faulty), Book(faulty.workspace(), loses_clicks=True)
    with under_load(book, faulty) as load:
        for _ in range(2):
            time.sleep(0.3)
            with faulty.failing(calls, error):
                # What was being committed may have had its last call before.
                time.sleep(0.1)
                answered = len(book.sales)
                shop.assert_refuses()
                shop.assert_reads()
                assert len(book.sales) == answered, "a sale was acknowledged without the disk"
            eventually("ready again", shop.works, 5)
            eventually("selling again", lambda: len(book.sales) > answered + 10)
        with faulty.failing(calls, error):
            time.sleep(0.2)
            crash_and_settle(faulty, book, load)


def test_a_disk_that_fails_is_told_of_now_and_then(faulty):
    """Not once for each of thousands of requests. What can't be kept meanwhile is counted."""
    shop = Shop(faulty)
    with faulty.failing(SYNC, EIO):
        for _ in range(100):
            assert shop.sell().status_code == 503
        assert shop.workspace.post("/track/sale", b"{").status_code == 400
    eventually("ready again", shop.works, 5)
    assert 1 <= faulty.log.read_text().count("a batch was not committed") <= 3
    assert faulty.metric("tribute_rejections_lost_total") == 1


@pytest.mark.parametrize("calls, error, probability", [
    (SYNC, EIO, 0.2), (WRITE, EIO, 0.02), (WRITE, ENOSPC, 0.02), ("posix/io/rw/pwrite/reduce", EIO, 0.2),
    (READ, EIO, 0.05), (CUT, EIO, 0.5)])
def test_a_disk_that_fails_now_and_then(faulty, calls, error, probability):
    """Commits, checkpoints and recoveries fail at any of their calls. No answer may be wrong, none may
    promise what is not there, and no client waits for ever."""
    shop, book = Shop(faulty), Book(faulty.workspace(), loses_clicks=True)
    with under_load(book, faulty) as load:
        for _ in range(2):
            with faulty.failing(calls, error, probability):
                time.sleep(1.2)
            eventually("working again", shop.works, 5)
        with faulty.failing(calls, error, probability):
            time.sleep(0.5)
            kill(faulty)
        faulty.start()
        load.finish()
    assert len(book.sales) > 50
    book.check(faulty)


def test_after_a_failed_synchronisation_the_file_is_opened_anew(tmp_path):
    """The kernel tells of a page that it could not write once, then calls it written: a second fsync of
    the same descriptor succeeds and proves nothing. What the log holds must be read again, through a
    descriptor of its own, before more is appended to it."""
    trace = tmp_path / "trace"
    server = Server(tmp_path)
    server.launch((
        tool("strace"), "-f", "-qq", "-y", "-e", "trace=openat,fdatasync,pwrite64",
        "-e", "inject=fdatasync:error=EIO:when=60", "-o", str(trace)))
    try:
        server.ready()
        shop = Shop(server)
        statuses = [shop.sell().status_code for _ in range(100)]
        failed = statuses.index(503) if 503 in statuses else pytest.fail("no synchronisation failed")
        assert statuses.count(503) == 1 and statuses[failed + 1] == 200, statuses
        lines = trace.read_text().splitlines()
        fault = next(n for n, line in enumerate(lines) if "INJECTED" in line)
        writes = [n for n, line in enumerate(lines[fault:], fault)
                  if re.search(r"pwrite64\(\d+<[^>]*tribute\.db(-wal)?>", line)]
        opened = [n for n, line in enumerate(lines[fault:], fault)
                  if re.search(r'openat\(.*tribute\.db-wal"', line) and "= -1" not in line]
        assert opened, "the log was not opened again"
        assert writes[0] > opened[0], "more was written before the log was opened again"
    finally:
        pid = server.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        server.stop(signal.SIGKILL, int(children[0]) if children else None)
    server.start()
    assert shop.workspace.fresh(shop.link)["sales"] in (99, 100)
    assert server.stop() == 0
    server.verify()


# --- what is lost or altered ---------------------------------------------------------------------

def test_a_log_that_was_cut(tmp_path):
    """Nobody's fault but the disk's: the end of the log is gone. What stood in the file before stays,
    of the rest there is a beginning: no sale is there whose predecessor is not."""
    server = Server(tmp_path / "whole")
    server.folder.mkdir()
    with ended(server.start()):
        workspace = server.workspace()
        customers = [workspace.lead_customer()[0] for _ in range(3)]
        first = sell_in_turn(server, workspace, customers, 30)
        assert server.stop() == 0
        assert not log_of(server).exists() or log_of(server).stat().st_size == 0
        server.start()
        second = sell_in_turn(server, workspace, customers, 60)
        kill(server)
    size = log_of(server).stat().st_size
    lengths = [0, 16, 32, 33, 56, size - 1, size] + [random.randrange(size) for _ in range(8)]
    counts = {}
    for length in sorted(lengths):
        copy = Server(tmp_path / f"cut-{length}")
        copy.folder.mkdir(exist_ok=True)
        shutil.copy(server.path, copy.folder)
        shutil.copy(log_of(server), copy.folder)
        os.truncate(log_of(copy), length)
        counts[length] = check_beginning(copy, workspace, first, second)
    assert counts[0] == 0 and counts[size] == sum(map(len, second))
    assert list(counts.values()) == sorted(counts.values())


def test_a_log_with_a_flipped_byte(tmp_path):
    """The same: what follows the damage is no part of the log any more."""
    server = Server(tmp_path / "whole")
    server.folder.mkdir()
    with ended(server.start()):
        workspace = server.workspace()
        customers = [workspace.lead_customer()[0] for _ in range(3)]
        first = sell_in_turn(server, workspace, customers, 10)
        assert server.stop() == 0
        server.start()
        second = sell_in_turn(server, workspace, customers, 30)
        kill(server)
    size = log_of(server).stat().st_size
    for n in range(5):
        copy = Server(tmp_path / f"flip-{n}")
        copy.folder.mkdir()
        shutil.copy(server.path, copy.folder)
        shutil.copy(log_of(server), copy.folder)
        flip(log_of(copy), random.randrange(32, size))
        check_beginning(copy, workspace, first, second)


def sell_in_turn(server, workspace, customers, count) -> list[list[str]]:
    """Sales of each customer, one after the other: the invoices in their order."""
    wire = Wire(server.port, workspace.token)
    sold = [[] for _ in customers]
    for _ in range(count):
        for customer, invoices in zip(customers, sold):
            invoices.append(unique("turn"))
            assert wire.post("/track/sale", body(
                customerExternalId=customer, amount=10, invoiceId=invoices[-1]))[0] == 200
    wire.close()
    return sold


def check_beginning(server, workspace, first, second) -> int:
    """The file is sound and goes on. How many of the second sales it has."""
    server.verify()
    with ended(server.start()):
        there = type(workspace)(server, workspace.slug, workspace.id, workspace.token)
        events = there.events("sales", sortOrder="asc")
        found = {event["sale"]["invoiceId"] for event in events}
        assert len(found) == len(events)
        count = 0
        for before, after in zip(first, second):
            assert found.issuperset(before), "what stood in the file is gone"
            kept = [invoice in found for invoice in after]
            assert kept == sorted(kept, reverse=True), "there is a gap"
            count += sum(kept)
        customer = events[-1]["customer"]["externalId"]
        there.sold(customer, invoiceId=unique("next"))
        assert server.stop() == 0
    server.verify()
    return count


def flip(path: Path, offset: int):
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 1 << random.randrange(8)]))


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A file of some size, closed."""
    server = Server(tmp_path_factory.mktemp("sound"))
    with ended(server.start()):
        workspace = server.workspace()
        link = workspace.link()
        for n in range(20):
            workspace.lead(f"c-{n}", workspace.click(link))
            workspace.sale(f"nobody-{n}")
        assert server.stop() == 0
    fill(server.path, workspace, link, 20_000)
    # Pages without remains of what stood in them before: damage to those would harm nothing.
    with closing(sqlite3.connect(server.path)) as file:
        file.execute("VACUUM")
    return server


def test_deep_verification_of_a_sound_file(sound, tmp_path):
    done = sound.run("verify", "--deep")
    assert done.returncode == 0, done.stdout + done.stderr
    copy = Server(tmp_path)
    shutil.copy(sound.path, tmp_path)
    with ended(copy.start()):
        shop = Shop(copy)
        done = copy.run("verify", "--deep")
        assert done.returncode == 0, done.stdout + done.stderr
        assert shop.sell().status_code == 200


PLACES = (
    "type of a page", "count of cells", "place of a cell", "invoice", "amount of an event", "magic",
    "moment of a customer's click", "payment processor", "name in a claim", "reason of a kept call",
    "endpoint of a kept call")
# What stands before the byte that is changed, and in which of the characters after it.
WITHIN = {
    # The click of a customer is followed by its moment, 48 bits, of which the first are these.
    "moment of a customer's click": (rb"link_[0-9A-Z]{25}[0-9A-Za-z]{16}(?=\x01)", 6),
    "payment processor": (rb"(?=custombulk-in-)", 6),
    "name in a claim": (rb"(?=sign-up[0-9A-Za-z]{16})", 7),
    "reason of a kept call": (rb"/track/sale(?=customer_unknown)", 16),
    "endpoint of a kept call": (rb"(?=/track/salecustomer_unknown)", 11),
}


@pytest.mark.parametrize("place", PLACES)
def test_deep_verification_finds_a_flipped_byte(sound, tmp_path, place):
    """In what SQLite builds on, in what is indexed, in what is counted. It says what to do."""
    for n in range(3):
        folder = tmp_path / str(n)
        folder.mkdir()
        copy = Server(folder)
        path = copy.path
        shutil.copy(sound.path, path)
        offset = damage(path, place)
        done = copy.run("verify", "--deep")
        told = done.stdout + done.stderr
        assert done.returncode == 1, f"{place} at {offset}: {done.returncode} {told}"
        if place == "amount of an event":
            assert "DIFFERENCE" in told or "DAMAGE" in told, told
            assert "top writing to this database" in told or "backup" in told, told
        else:
            assert re.search("damaged", told) and re.search("backup", told), told
        assert "Fatal error" not in told


def damage(path: Path, place: str) -> int:
    data = path.read_bytes()
    pages = [at for at in range(4096, len(data), 4096)
             if data[at] in (2, 5, 10, 13) and int.from_bytes(data[at + 3:at + 5], "big") > 4]
    page = random.choice(pages)
    if place == "magic":
        offset = random.randrange(16)
    elif place == "type of a page":
        offset = page
    elif place == "count of cells":
        offset = page + 4
    elif place == "place of a cell":
        leaf = data[page] in (10, 13)
        offset = page + (8 if leaf else 12)
    elif place in WITHIN:
        before, length = WITHIN[place]
        spots = [found.end() for found in re.finditer(before, data)]
        offset = random.choice(spots) + random.randrange(length)
    else:
        number = random.randrange(1000, 9000)
        text = f"bulk-in-{number}" if place == "invoice" else "Purchase"
        spots = [found.start() for found in re.finditer(re.escape(text.encode()), data)]
        offset = random.choice(spots)
        if place == "amount of an event":
            # The 48-bit moment stands between the name and the amount.
            offset += len(text) + 6
    flip(path, offset)
    return offset
