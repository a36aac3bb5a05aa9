"""A copy of a live database, and the way back from it."""

import hashlib
import json
import os
import re
import resource
import shlex
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import threading
import time
from contextlib import closing

import pytest

from harness import Server, Wire, binary, clean_environment, eventually, tool, unique
from load import Book, body, under_load

pytestmark = pytest.mark.sqlite


@pytest.fixture
def lone(tmp_path):
    server = Server(tmp_path).start()
    yield server
    if server.process:
        assert server.stop() == 0


def sales(path) -> dict[str, int]:
    with sqlite3.connect(path) as file:
        return dict(file.execute("SELECT invoice_id, amount FROM sale WHERE invoice_id IS NOT NULL"))


def prepared(server):
    """A workspace and its customers, each with a click."""
    book = Book(server.workspace())
    return book.workspace, list(book.leads.items())


def answered(book) -> dict[str, int]:
    with book.lock:
        return {invoice: json.loads(data)["amount"] for invoice, (data, _) in book.sales.items()}


def test_a_backup_under_load_is_one_moment(lone, tmp_path):
    book = Book(lone.workspace())
    moments = []
    with under_load(book, lone) as load:
        for n in range(3):
            time.sleep(0.5)
            before = answered(book)
            copy = tmp_path / f"copy-{n}.db"
            assert f"{copy}: " in lone.command("backup", str(copy)) and copy.exists()
            moments.append((copy, before))
            digest = hashlib.sha256(copy.read_bytes()).hexdigest()
            assert (tmp_path / f"copy-{n}.db.sha256").read_text() == f"{digest}  copy-{n}.db\n"
        load.finish()
    assert len(moments[-1][1]) > len(moments[0][1]) > 0
    for copy, before in moments:
        found = sales(copy)
        # What was acknowledged before the backup began is in it, to the cent.
        assert before.items() <= found.items()
        restored = Server(tmp_path / f"restored-{copy.stem}")
        restored.folder.mkdir()
        restored.command("restore", str(copy))
        assert "the file is whole" in restored.command("verify", "--deep")
        assert sales(restored.folder / "tribute.db") == found
    assert not [name for name in os.listdir(tmp_path) if ".part" in name]


def test_back_to_the_backup_and_on(lone, tmp_path):
    """The drill of docs/operate/backup.md: the disk is lost, clients send again what came after."""
    workspace, customers = prepared(lone)
    customer = customers[0][0]
    workspace.sold(customer, 1, invoiceId="before")
    copy = tmp_path / "copy.db"
    lone.command("backup", str(copy))
    first = workspace.sale(customer, 2, invoiceId="after")
    lone.stop(signal.SIGKILL)
    for name in ("tribute.db", "tribute.db-wal", "tribute.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    lone.command("restore", str(copy))
    lone.verify()
    lone.start()
    again = workspace.sale(customer, 2, invoiceId="after")
    assert again.content == first.content and "idempotent-replayed" not in again.headers
    assert workspace.sale(customer, 1, invoiceId="before").headers["idempotent-replayed"] == "true"
    assert workspace.customer(customer)["saleAmount"] == 3


def test_nothing_is_replaced_unasked(lone, tmp_path):
    workspace, customers = prepared(lone)
    copy = tmp_path / "copy.db"
    lone.command("backup", str(copy))
    again = lone.run("backup", str(copy))
    assert again.returncode == 1 and "is there already" in again.stderr
    workspace.sold(customers[0][0], 5, invoiceId="late")
    running = lone.run("restore", str(copy), "--force")
    assert running.returncode == 1 and "A server uses the database" in running.stderr
    lone.stop()
    there = lone.run("restore", str(copy))
    assert there.returncode == 1 and "--force" in there.stderr
    assert "late" in sales(tmp_path / "tribute.db")
    lone.command("restore", str(copy), "--force")
    assert sales(tmp_path / "tribute.db") == {}
    [kept] = [name for name in os.listdir(tmp_path) if ".replaced-" in name and not name.endswith(("-wal", "-shm"))]
    assert sales(tmp_path / kept) == {"late": 5}


def test_the_log_of_a_crash_is_kept_with_its_file(lone, tmp_path):
    workspace, customers = prepared(lone)
    copy = tmp_path / "copy.db"
    lone.command("backup", str(copy))
    workspace.sold(customers[0][0], 5, invoiceId="in the log")
    lone.stop(signal.SIGKILL)
    lone.command("restore", str(copy), "--force")
    lone.verify()
    assert sales(tmp_path / "tribute.db") == {}
    [kept] = [name for name in os.listdir(tmp_path) if name.endswith("-wal") and ".replaced-" in name]
    assert sales(tmp_path / kept.removesuffix("-wal")) == {"in the log": 5}


def test_a_link_leads_to_the_file_that_is_replaced(lone, tmp_path):
    workspace, customers = prepared(lone)
    lone.command("backup", str(tmp_path / "copy.db"))
    workspace.sold(customers[0][0], 5, invoiceId="late")
    lone.stop(signal.SIGKILL)
    (tmp_path / "link").mkdir()
    (tmp_path / "link" / "tribute.db").symlink_to(tmp_path / "tribute.db")
    linked = Server(tmp_path / "link")
    linked.command("restore", str(tmp_path / "copy.db"), "--force")
    assert (tmp_path / "link" / "tribute.db").is_symlink()
    assert sales(tmp_path / "tribute.db") == {}
    linked.verify()


def test_a_backup_that_is_killed_leaves_nothing_that_looks_whole(lone, tmp_path):
    prepared(lone)
    for delay in (0.005, 0.02, 0.05, 0.1):
        copy = tmp_path / f"copy-{delay}.db"
        process = subprocess.Popen(
            [binary(), "backup", str(copy), "--database", lone.database], env=clean_environment())
        time.sleep(delay)
        process.kill()
        process.wait()
        if copy.exists():
            assert (tmp_path / f"{copy.name}.sha256").exists()
            copy.unlink()
        (tmp_path / f"{copy.name}.sha256").unlink(missing_ok=True)
        lone.command("backup", str(copy))


@pytest.mark.parametrize("call", ["fsync", "rename", "unlink"])
def test_a_restore_that_is_killed_leaves_a_whole_database(lone, tmp_path, call):
    """The one before with all that was acknowledged, or the backup: at each of its calls."""
    workspace, customers = prepared(lone)
    workspace.sold(customers[0][0], 1, invoiceId="before")
    lone.command("backup", str(tmp_path / "copy.db"))
    for n in range(20):
        workspace.sold(customers[0][0], 2, invoiceId=f"after-{n}")
    lone.stop(signal.SIGKILL)
    new, old = {"before": 1}, {"before": 1} | {f"after-{n}": 2 for n in range(20)}
    found = []
    for moment in range(1, 40):
        folder = tmp_path / f"{call}-{moment}"
        folder.mkdir()
        for suffix in ("", "-wal"):
            shutil.copy(tmp_path / f"tribute.db{suffix}", folder)
        server = Server(folder)
        done = subprocess.run(
            [tool("strace"), "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}",
             "-e", f"inject={call}:signal=SIGKILL:when={moment}", binary(), "restore",
             str(tmp_path / "copy.db"), "--force", "--database", server.database],
            env=clean_environment(), capture_output=True, text=True)
        # Checking replays the log, if the old file still has one.
        assert "the file is whole" in server.command("verify", "--deep")
        found.append(sales(folder / "tribute.db"))
        assert found[-1] in (old, new), f"killed at {call} {moment}"
        if done.returncode == 0:
            break
    assert found[-1] == new and (len(found) == 1 or found[0] == old)


def everything(folder) -> dict[str, bytes | str]:
    """Every file of a folder, and where every link leads."""
    return {path.name: os.readlink(path) if path.is_symlink() else path.read_bytes()
            for path in folder.iterdir()}


def apart(lone, tmp_path, name="apart") -> Server:
    """A backup with its checksum, alone in a folder; to be spoken to as a database."""
    folder = tmp_path / name
    folder.mkdir()
    backup = Server(folder)
    lone.command("backup", str(backup.path))
    return backup


READING = (
    ("verify",), ("verify", "--deep"), ("verify", "--json"), ("workspace", "list"),
    ("token", "list", "--workspace", "SLUG"), ("rejections", "list", "--workspace", "SLUG"),
    ("rejections", "count", "--workspace", "SLUG"))


def test_a_backup_is_read_and_not_changed(lone, tmp_path):
    workspace, customers = prepared(lone)
    workspace.sold(customers[0][0], 5, invoiceId="kept")
    workspace.sale("nobody", 5)
    backup = apart(lone, tmp_path)
    before = everything(backup.folder)
    assert set(before) == {"tribute.db", "tribute.db.sha256"}
    for words in READING:
        told = backup.command(*(workspace.slug if word == "SLUG" else word for word in words))
        assert workspace.slug in told or words[0] != "workspace"
        assert everything(backup.folder) == before, words
    assert "the file is whole" in backup.command("verify", "--deep")
    # Also by way of a link, and a backup of it is the same once more.
    (tmp_path / "way").mkdir()
    (tmp_path / "way" / "tribute.db").symlink_to(backup.path)
    linked = Server(tmp_path / "way")
    assert "customer_unknown" in linked.command("rejections", "list", "--workspace", workspace.slug)
    linked.command("backup", str(tmp_path / "again.db"))
    assert (tmp_path / "again.db").read_bytes() == backup.path.read_bytes()
    assert everything(backup.folder) == before and len(everything(linked.folder)) == 1
    lone.stop()
    lone.command("restore", str(backup.path), "--force")
    assert sales(lone.path) == {"kept": 5} and everything(backup.folder) == before


def test_a_backup_is_not_written_to(lone, tmp_path):
    workspace, _ = prepared(lone)
    backup = apart(lone, tmp_path)
    before = everything(backup.folder)
    history = tmp_path / "history.csv"
    history.write_text("type,timestamp\n")
    for words in (
        ("serve", "--port", str(backup.port)), ("demo",),
        ("workspace", "create", "Other", "--slug", "other"),
        ("workspace", "update", workspace.slug, "--plan", "enterprise"),
        ("token", "create", "--workspace", workspace.slug, "--name", "new"),
        ("token", "revoke", "tok_1", "--workspace", workspace.slug),
        ("import", str(history), "--workspace", workspace.slug),
        ("rejections", "replay", "--workspace", workspace.slug, "--all"),
        ("rejections", "discard", "--workspace", workspace.slug, "--all"),
        ("restore", str(backup.path), "--force"),
    ):
        done = backup.run(*words, timeout=20)
        assert done.returncode == 1, words
        assert f"{backup.path} is a backup" in done.stderr, (words, done.stderr)
        assert f"tribute restore {backup.path} --database sqlite:PATH" in done.stderr
        assert everything(backup.folder) == before, words
    # A checksum alone would make a backup of whatever comes beside it.
    lonely = Server(tmp_path / "lonely")
    lonely.folder.mkdir()
    (lonely.folder / "tribute.db.sha256").write_text("remains")
    done = lonely.run("workspace", "create", "Other", "--slug", "other")
    assert done.returncode == 1 and "Remove the checksum" in done.stderr
    assert not lonely.path.exists()
    (backup.folder / "tribute.db.sha256").unlink()
    backup.command("workspace", "create", "Other", "--slug", "other")
    assert "other" in backup.command("workspace", "list")


def test_the_way_back_that_is_offered_can_be_typed(lone, tmp_path):
    """The path has a space."""
    prepared(lone)
    backup = apart(lone, tmp_path, "my backups")
    offered = f"tribute restore {shlex.quote(str(backup.path))} --database sqlite:PATH"
    assert offered in backup.run("demo").stderr
    with closing(sqlite3.connect(backup.path)) as file:
        file.execute("DELETE FROM schema_migration WHERE version > 3")
        file.commit()
        file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert f"({offered})" in backup.run("verify").stderr


def test_a_backup_that_rots_is_found(lone, tmp_path):
    """A byte that leaves a valid value: only the checksum knows."""
    workspace, customers = prepared(lone)
    workspace.sold(customers[0][0], 5, eventName="Purchase of ours")
    backup = apart(lone, tmp_path)
    data = backup.path.read_bytes()
    backup.path.write_bytes(data.replace(b"Purchase of ours", b"Purchase of hers"))
    assert backup.run("verify").returncode == 0
    done = backup.run("verify", "--deep")
    assert done.returncode == 1 and "is not what" in done.stdout, done
    assert "take another one" in done.stdout and "Stop the server" not in done.stdout
    assert json.loads(backup.run("verify", "--deep", "--json").stdout)["damages"]
    backup.path.write_bytes(data)
    assert "the file is whole" in backup.command("verify", "--deep")


@pytest.mark.parametrize("change, told", [
    ("DELETE FROM schema_migration WHERE version > 3", "of an older tribute"),
    ("INSERT INTO schema_migration VALUES (99, 'later', 1)", "newer version of tribute"),
    ("DROP TABLE schema_migration", "another program's database"),
])
def test_a_backup_of_another_version(lone, tmp_path, change, told):
    prepared(lone)
    backup = apart(lone, tmp_path)
    with sqlite3.connect(backup.path) as file:
        file.execute(change)
    with sqlite3.connect(backup.path) as file:
        file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    file.close()
    before = everything(backup.folder)
    for words in (("verify", "--deep"), ("workspace", "list")):
        done = backup.run(*words)
        assert done.returncode == 1 and told in done.stderr, done
    assert everything(backup.folder) == before


def test_what_has_a_backups_name_stays(lone, tmp_path):
    prepared(lone)
    folder = tmp_path / "backups"
    folder.mkdir()
    (folder / "other").write_text("mine")
    for name, lead in (
        ("a.db", None), ("b.db.sha256", None), ("c.db.sha256", "other"), ("d.db", "nowhere"),
        ("e.db.sha256", "nowhere"),
    ):
        path = folder / name
        path.symlink_to(lead) if lead else path.write_text("mine")
        before = everything(folder)
        done = lone.run("backup", str(folder / name.removesuffix(".sha256")))
        assert done.returncode == 1 and f"{path} is there already" in done.stderr, done
        assert everything(folder) == before


def test_one_of_many_backups_to_one_name(lone, tmp_path):
    prepared(lone)
    folder = tmp_path / "backups"
    for n in range(6):
        folder.mkdir()
        copy = folder / "copy.db"
        running = [
            subprocess.Popen(
                [binary(), "backup", str(copy), "--database", lone.database],
                env=clean_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            for _ in range(5)]
        told = [process.communicate(timeout=60)[1] for process in running]
        assert sorted(process.returncode for process in running) == [0, 1, 1, 1, 1], told
        for process, text in zip(running, told):
            assert process.returncode == 0 or f"Another backup to {copy} is running" in text \
                or "is there already" in text, text
        digest = hashlib.sha256(copy.read_bytes()).hexdigest()
        assert (folder / "copy.db.sha256").read_text() == f"{digest}  copy.db\n"
        assert set(everything(folder)) == {"copy.db", "copy.db.sha256"}
        shutil.rmtree(folder)


def test_the_remains_of_a_killed_backup_go(lone, tmp_path):
    prepared(lone)
    folder = tmp_path / "backups"
    folder.mkdir()
    (folder / "older.db").write_text("whole")
    # A backup that was killed between its two names.
    os.link(folder / "older.db", folder / "copy.db.part")
    for suffix in ("-journal", "-wal", "-shm"):
        (folder / f"copy.db.part{suffix}").write_text("remains")
    lone.command("backup", str(folder / "copy.db"))
    assert set(everything(folder)) == {"older.db", "copy.db", "copy.db.sha256"}
    assert (folder / "older.db").read_text() == "whole"


def test_a_checksum_that_comes_during_a_backup_stays(lone, tmp_path):
    prepared(lone)
    folder = tmp_path / "backups"
    folder.mkdir()
    copy, checksum = folder / "copy.db", folder / "copy.db.sha256"
    # The backup has looked for it, and waits before it makes its own.
    made = []
    thread = threading.Thread(target=lambda: made.append(traced(lone, copy, "fchmod", "delay_enter=3s:when=1")))
    thread.start()
    eventually("begun", (folder / "copy.db.part").exists)
    time.sleep(0.5)
    checksum.write_text("mine")
    thread.join()
    assert made[0].returncode == 1 and f"{checksum} is there already" in made[0].stderr, made
    assert checksum.read_text() == "mine" and set(everything(folder)) == {"copy.db.sha256"}


def traced(lone, copy, call: str, what: str) -> subprocess.CompletedProcess:
    """A backup in which a call of the system's ends otherwise."""
    return subprocess.run(
        [tool("strace"), "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:{what}",
         binary(), "backup", str(copy), "--database", lone.database],
        env=clean_environment(), capture_output=True, text=True)


def test_a_backup_that_is_killed_before_it_has_its_name(lone, tmp_path):
    prepared(lone)
    folder = tmp_path / "backups"
    folder.mkdir()
    copy = folder / "copy.db"
    assert traced(lone, copy, "link", "signal=SIGKILL:when=1").returncode != 0
    assert set(everything(folder)) == {"copy.db.part", "copy.db.sha256"}
    done = lone.run("backup", str(copy))
    assert done.returncode == 1 and f"{copy}.sha256 is there already, without" in done.stderr
    (folder / "copy.db.sha256").unlink()
    lone.command("backup", str(copy))
    assert set(everything(folder)) == {"copy.db", "copy.db.sha256"}


@pytest.mark.parametrize("call, error", [
    ("fsync", "EIO"), ("link", "ENOSPC"), ("pwrite64", "ENOSPC"), ("fchmod", "EPERM")])
def test_a_backup_that_fails_leaves_nothing(lone, tmp_path, call, error):
    """At each of its calls, or many of them."""
    prepared(lone)
    lone.stop()
    folder = tmp_path / "backups"
    folder.mkdir()
    failed, moment = 0, 0
    while moment < 10_000:
        moment += 1 + moment // 8
        done = traced(lone, folder / "copy.db", call, f"error={error}:when={moment}")
        if done.returncode == 0:
            break
        failed += 1
        assert everything(folder) == {}, f"{call} {moment}: {done.stderr}"
        assert "No backup was made" in done.stderr or str(lone.path) in done.stderr, done.stderr
        for raw in ("not an error", "NSCocoa", "Domain", "SQLError"):
            assert raw not in done.stderr, done.stderr
        if error == "ENOSPC":
            assert "full" in done.stderr, done.stderr
    assert done.returncode == 0 and (failed > 0 or call == "fchmod")


def test_a_database_that_is_damaged_is_named(lone, tmp_path):
    prepared(lone)
    lone.stop()
    data = bytearray(lone.path.read_bytes())
    [*_, last] = re.finditer(rb"link_[0-9A-Z]{25}", data)
    data[last.end() - 1] ^= 1
    lone.path.write_bytes(data)
    folder = tmp_path / "backups"
    folder.mkdir()
    done = lone.run("backup", str(folder / "copy.db"))
    assert done.returncode == 1 and everything(folder) == {}
    assert f"the database {lone.path} itself" in done.stderr and ".part" not in done.stderr
    assert "restore the newest backup" in done.stderr
    lone.path.write_bytes(b"no database at all" * 1000)
    done = lone.run("backup", str(folder / "copy.db"))
    assert done.returncode == 1 and everything(folder) == {}
    assert f"{lone.path} is not a database" in done.stderr and "tribute restore" in done.stderr


def test_who_may_read_a_database_may_read_its_backup(lone, tmp_path):
    prepared(lone)
    copy, checksum = tmp_path / "copy.db", tmp_path / "copy.db.sha256"

    def mode(path) -> int:
        return path.stat().st_mode & 0o777

    for wanted in (0o600, 0o640, 0o644):
        lone.path.chmod(wanted)
        lone.command("backup", str(copy))
        assert (mode(copy), mode(checksum)) == (wanted, wanted)
        if wanted != 0o644:
            copy.unlink()
            checksum.unlink()
    lone.stop()
    # What is replaced says whose it is; what is kept beside stays as it was.
    lone.path.chmod(0o620)
    if os.geteuid() == 0:
        os.chown(lone.path, 12345, 23456)
    before = lone.path.stat()
    lone.command("restore", str(copy), "--force")
    [kept] = [path for path in tmp_path.iterdir()
              if ".replaced-" in path.name and not path.name.endswith("-wal")]
    for path in (lone.path, kept):
        found = path.stat()
        assert (found.st_uid, found.st_gid, mode(path)) == (before.st_uid, before.st_gid, 0o620)
    # Where there is none, the backup does.
    lone.path.unlink()
    copy.chmod(0o600)
    lone.command("restore", str(copy))
    assert mode(lone.path) == 0o600 and lone.path.stat().st_uid == os.geteuid()
    lone.verify()


# Another user, who may read whatever root may: the program's libraries need not be for everybody.
OWNER = ("setpriv", "--reuid=12345", "--regid=23456", "--clear-groups",
         "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may restore for another user")
def test_what_root_restores_is_served_by_its_owner(lone, tmp_path):
    prepared(lone)
    copy = tmp_path / "copy.db"
    lone.path.chmod(0o600)
    lone.command("backup", str(copy))
    # The folders of pytest are root's alone.
    with tempfile.TemporaryDirectory() as folder:
        owned = Server(folder)
        shutil.copy(copy, owned.path)
        for path in (owned.folder, owned.path):
            os.chown(path, 12345, 23456)
        owned.command("restore", str(copy), "--force")
        owned.within = OWNER
        owned.start()
        assert owned.stop() == 0
        owned.verify()


def test_restores_of_the_same_second_keep_what_was_there(lone, tmp_path):
    prepared(lone)
    lone.command("backup", str(tmp_path / "copy.db"))
    assert lone.stop() == 0
    for _ in range(3):
        lone.command("restore", str(tmp_path / "copy.db"), "--force")
    kept = [name for name in os.listdir(tmp_path) if ".replaced-" in name and not name.endswith("-wal")]
    assert len(kept) == 3
    lone.verify()


def test_a_link_to_a_backup_is_that_backup(lone, tmp_path):
    """Its checksum lies beside what the link leads to."""
    workspace, customers = prepared(lone)
    (tmp_path / "copies").mkdir()
    copy, latest = tmp_path / "copies" / "copy.db", tmp_path / "latest.db"
    lone.command("backup", str(copy))
    latest.symlink_to("copies/copy.db")
    look = lambda: run("verify", "--deep", "--database", f"sqlite:{latest}")  # noqa: E731
    assert look().returncode == 0
    assert run("restore", str(latest), "--database", f"sqlite:{tmp_path}/one.db").returncode == 0
    data = bytearray(copy.read_bytes())
    place = data.find(b"shop.example")
    data[place] ^= 2
    copy.write_bytes(data)
    assert look().returncode == 1
    done = run("restore", str(latest), "--database", f"sqlite:{tmp_path}/two.db")
    assert done.returncode == 1 and "bytes of one of them have changed" in done.stderr


def run(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [binary(), *arguments], env=clean_environment(), capture_output=True, text=True, timeout=60)


def test_another_programs_file_is_left_alone(tmp_path):
    foreign, empty = tmp_path / "foreign.db", tmp_path / "empty.db"
    with closing(sqlite3.connect(foreign)) as file:
        file.execute("CREATE TABLE x (a)")
    empty.touch()
    before = foreign.read_bytes()
    for command in (["verify"], ["verify", "--deep"], ["workspace", "list"], ["backup", str(tmp_path / "b.db")],
                    ["workspace", "create", "W", "--slug", "w"], ["serve", "--port", "1"]):
        done = run(*command, "--database", f"sqlite:{foreign}")
        assert done.returncode == 1 and "another program's database" in done.stderr, (command, done)
    for command in (["verify"], ["workspace", "list"], ["backup", str(tmp_path / "b.db")]):
        done = run(*command, "--database", f"sqlite:{empty}")
        assert done.returncode == 1 and "holds no data of Tribute" in done.stderr, (command, done)
    assert foreign.read_bytes() == before and empty.read_bytes() == b""
    assert {path.name for path in tmp_path.iterdir()} <= {"foreign.db", "empty.db", "foreign.db.lock"}
    assert run("workspace", "create", "W", "--slug", "w", "--database", f"sqlite:{empty}").returncode == 0


def test_names_that_a_checksum_can_not_hold(lone, tmp_path):
    prepared(lone)
    for name in ("a\nb.db", "a\\b.db"):
        assert lone.run("backup", str(tmp_path / name)).returncode == 64


@pytest.mark.parametrize("kind", ["directory", "pipe"])
def test_only_a_file_is_replaced(lone, tmp_path, kind):
    """A device, say, is there for others too."""
    prepared(lone)
    lone.command("backup", str(tmp_path / "copy.db"))
    target = tmp_path / kind
    target.mkdir() if kind == "directory" else os.mkfifo(target)
    before = target.stat()
    done = subprocess.run(
        [binary(), "restore", str(tmp_path / "copy.db"), "--force", "--database", f"sqlite:{target}"],
        env=clean_environment(), capture_output=True, text=True)
    assert done.returncode == 1 and "is no file that could be replaced" in done.stderr
    assert (target.stat().st_ino, target.stat().st_mode) == (before.st_ino, before.st_mode)
    assert run("restore", str(target), "--database", f"sqlite:{tmp_path}/n.db").returncode == 1


def test_half_a_copy_is_none(lone, tmp_path):
    """There is room for a part of it."""
    prepared(lone)
    target = tmp_path / "backups"
    target.mkdir()
    done = subprocess.run(
        [binary(), "backup", str(target / "copy.db"), "--database", lone.database],
        env=clean_environment(), capture_output=True, text=True, restore_signals=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)))
    assert done.returncode == 1 and "No backup was made" in done.stderr, done
    assert str(target) in done.stderr and "There is no room" in done.stderr, done
    assert list(target.iterdir()) == []


def test_a_log_without_its_file_is_not_read_as_the_backups(lone, tmp_path):
    workspace, customers = prepared(lone)
    workspace.sold(customers[0][0], 1, invoiceId="before")
    lone.command("backup", str(tmp_path / "copy.db"))
    for n in range(50):
        workspace.sold(customers[0][0], 2, invoiceId=f"after-{n}")
    lone.stop(signal.SIGKILL)
    (tmp_path / "tribute.db").unlink()
    assert (tmp_path / "tribute.db-wal").exists()
    lone.command("restore", str(tmp_path / "copy.db"))
    assert "the file is whole" in lone.command("verify", "--deep")
    assert sales(tmp_path / "tribute.db") == {"before": 1}


@pytest.mark.parametrize("has_digest", [True, False])
def test_a_damaged_backup_is_not_restored(lone, tmp_path, has_digest):
    prepared(lone)
    copy = tmp_path / "copy.db"
    lone.command("backup", str(copy))
    lone.stop()
    data = bytearray(copy.read_bytes())
    # Within the page of an index: what the table says differs.
    data[data.rindex(b"link_") + 2] ^= 1
    copy.write_bytes(data)
    if not has_digest:
        (tmp_path / "copy.db.sha256").unlink()
    before = (tmp_path / "tribute.db").read_bytes()
    done = lone.run("restore", str(copy), "--force")
    assert done.returncode == 1 and "damaged" in done.stderr, done
    assert (tmp_path / "tribute.db").read_bytes() == before
    assert not [name for name in os.listdir(tmp_path) if "restoring" in name or "replaced" in name]


def test_a_backup_with_wrong_counters_says_so(lone, tmp_path):
    workspace, customers = prepared(lone)
    lone.stop()
    with sqlite3.connect(tmp_path / "tribute.db") as file:
        file.execute("UPDATE link SET clicks = clicks + 1")
    done = lone.run("backup", str(tmp_path / "copy.db"))
    assert done.returncode == 1 and "the events say" in done.stderr
    assert not (tmp_path / "copy.db").exists() and not (tmp_path / "copy.db.part").exists()
    assert "copy.db" in lone.command("backup", str(tmp_path / "copy.db"), "--no-verify")


def test_backups_that_cant_be(lone, tmp_path):
    done = lone.run("backup", "/nonexistent/copy.db")
    assert "No backup was made: the directory /nonexistent is not there" in done.stderr
    (tmp_path / "file").write_text("")
    done = lone.run("backup", str(tmp_path / "file" / "copy.db"))
    assert "No backup was made" in done.stderr and "Not a directory" in done.stderr
    assert "There is no file" in lone.run("restore", "/nonexistent/copy.db").stderr or lone.process
    nothing = Server(tmp_path / "nowhere")
    assert nothing.run("backup", str(tmp_path / "copy.db")).returncode == 1
    (tmp_path / "text").write_text("hello")
    lone.stop()
    done = lone.run("restore", str(tmp_path / "text"), "--force")
    assert done.returncode == 1 and "damaged" in done.stderr


def test_two_servers_on_one_file_are_safe(lone, tmp_path):
    """Each decides on what the other has committed: for a restart without a gap."""
    workspace, customers = prepared(lone)
    beside = Server(lone.folder)
    beside.log = tmp_path / "beside.log"
    beside.start()
    invoices = [unique("both") for _ in range(150)]
    customer, click = customers[0]
    answers: dict[str, set] = {invoice: set() for invoice in invoices}
    lock = threading.Lock()

    def post(port, order):
        wire = Wire(port, workspace.token)
        for invoice in order:
            sale = body(customerExternalId=customer, amount=7, invoiceId=invoice)
            status, _, content = wire.post("/track/sale", sale)
            assert status == 200, content
            new = body(customerExternalId=f"new {invoice}", clickId=click, eventName="Sign up")
            assert wire.post("/track/lead", new)[0] == 200
            with lock:
                answers[invoice].add(content)
        wire.close()

    try:
        threads = [
            threading.Thread(target=post, args=(port, order))
            for port in (lone.port, beside.port) for order in (invoices, invoices[::-1], invoices)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {len(found) for found in answers.values()} == {1}
        assert workspace.customer(customer)["sales"] == 150
        lone.stop(signal.SIGKILL)
        beside.verify()
        workspace.http.base_url = beside.url
        assert workspace.customer(customer)["saleAmount"] == 150 * 7
        recorded = [e["customer"]["externalId"] for e in workspace.events("leads")]
        assert sorted(c for c in recorded if c.startswith("new ")) == sorted(f"new {i}" for i in invoices)
    finally:
        beside.stop()


def test_a_copy_is_a_database_of_its_own(lone, tmp_path):
    """It can be served from as it is."""
    workspace, customers = prepared(lone)
    workspace.sold(customers[0][0], 9)
    lone.command("backup", str(tmp_path / "copy.db"))
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    shutil.copy(tmp_path / "copy.db", folder / "tribute.db")
    server = Server(folder).start()
    try:
        workspace.http.base_url = server.url
        assert workspace.customer(customers[0][0])["saleAmount"] == 9
    finally:
        server.stop()
    server.verify()


def test_links_with_tags_are_no_damage(lone, tmp_path):
    """SQLite 3.40 says of their table that it lacks values."""
    workspace = lone.workspace()
    tag = workspace.ok("POST", "/tags", json={"tag": "spring"})
    for _ in range(120):
        workspace.link(tagIds=[tag["id"]])
    lone.stop()
    assert "the file is whole" in lone.command("verify", "--deep")
    copy = tmp_path / "copy.db"
    lone.command("backup", str(copy))
    lone.command("restore", str(copy), "--force")
    # Nor does it hide any.
    data = lone.path.read_bytes()
    [*_, last] = re.finditer(rb"tag_[0-9A-Z]{25}", data)
    lone.path.write_bytes(data[:last.end() - 1] + b"?" + data[last.end():])
    done = lone.run("verify", "--deep")
    assert done.returncode == 1 and "DAMAGE" in done.stdout, done


def test_a_value_that_is_missing_is_damage(lone, tmp_path):
    workspace = lone.workspace()
    tag = workspace.ok("POST", "/tags", json={"tag": "spring"})
    workspace.link(tagIds=[tag["id"]])
    lone.stop()
    with sqlite3.connect(lone.path) as file:
        file.execute("PRAGMA writable_schema = ON")
        for old, new in (("tag_id TEXT NOT NULL", "tag_id TEXT"),):
            file.execute(
                "UPDATE sqlite_master SET sql = replace(sql, ?, ?) WHERE name = 'link_tag'", (old, new))
    file.close()
    with sqlite3.connect(lone.path) as file:
        file.execute("UPDATE link_tag SET tag_id = NULL")
        file.execute("PRAGMA writable_schema = ON")
        file.execute(
            "UPDATE sqlite_master SET sql = replace(sql, 'tag_id TEXT', 'tag_id TEXT NOT NULL') "
            "WHERE name = 'link_tag'")
    file.close()
    done = lone.run("verify", "--deep")
    assert done.returncode == 1 and "1 values of link_tag.tag_id are missing" in done.stdout, done
