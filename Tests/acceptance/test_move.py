"""From a file to a server and back, with everything that was there."""

import re
import subprocess
import threading
import time
from pathlib import Path

import psycopg
import pytest

from engines import database_of, opened
from harness import Server, binary, clean_environment, follow, unique

pytestmark = pytest.mark.postgres


def move(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [binary(), "move", *arguments], capture_output=True, text=True, timeout=120, env=clean_environment())


def in_a_file(folder: Path) -> Server:
    folder.mkdir()
    server = Server(folder)
    server.database = f"sqlite:{folder / 'tribute.db'}"
    return server


def shown(workspace, link) -> tuple:
    return workspace.state(link) + (workspace.get("/links").content, workspace.get("/rejections").content)


def test_there_and_back(tmp_path):
    file, server = in_a_file(tmp_path / "file"), Server(tmp_path)
    file.start()
    acme = file.workspace()
    customer, link = acme.lead_customer(name="Zoë 日本")
    for number in range(50):
        acme.sold(customer, 100 + number, invoiceId=f"in-{number}", metadata={"n": number})
    acme.sale(unique("nobody"), 5)
    before = shown(acme, link)
    refused = move("--from", file.database, "--to", server.database)
    assert refused.returncode == 1 and "Stop it first" in refused.stderr, refused
    assert file.stop() == 0

    done = move("--from", file.database, "--to", server.database)
    assert done.returncode == 0, done.stderr
    assert "every row is equal" in done.stdout and f"{50 * 100 + 49 * 25} usd" in done.stdout
    old = file.run("serve")
    assert old.returncode == 1 and "was moved to postgres://" in old.stderr, old.stderr
    server.start()
    acme.http.base_url, acme.http.server, acme.server = server.url, server, server
    assert shown(acme, link) == before
    assert follow(server, link["key"]).status_code == 302
    # What was answered there is answered again.
    assert acme.sale(customer, 100, invoiceId="in-0").headers["idempotent-replayed"] == "true"
    acme.sold(customer, 7, invoiceId="later")
    after = shown(acme, link)
    busy = move("--from", server.database, "--to", f"sqlite:{tmp_path / 'busy.db'}")
    assert busy.returncode == 1 and "Stop every server" in busy.stderr, busy.stderr
    assert server.stop() == 0
    server.verify()

    back = in_a_file(tmp_path / "back")
    done = move("--from", server.database, "--to", back.database)
    assert done.returncode == 0, done.stderr
    back.start()
    acme.http.base_url, acme.http.server, acme.server = back.url, back, back
    assert shown(acme, link) == after
    assert back.stop() == 0
    back.verify()


@pytest.mark.whole
def test_a_place_that_is_taken(tmp_path):
    servers = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        server = Server(tmp_path / name)
        server.command("workspace", "create", "W", "--slug", "w")
        servers.append(server)
    done = move("--from", servers[0].database, "--to", servers[1].database)
    assert done.returncode == 1 and "has data already" in done.stderr, done
    done = move("--from", servers[0].database, "--to", servers[0].database)
    assert done.returncode == 64 and "the same database" in done.stderr, done
    none = database_of(Path(tmp_path / "none"))
    done = move("--from", none, "--to", servers[1].database)
    assert done.returncode == 1 and "holds no data" in done.stderr, done


def test_to_go_on_with_the_old_one(tmp_path):
    file = in_a_file(tmp_path / "file")
    file.command("demo")
    target = database_of(tmp_path)
    assert move("--from", file.database, "--to", target).returncode == 0
    assert file.run("token", "create", "--workspace", "demo", "--name", "x").returncode == 1
    done = move("--unmark", "--from", file.database)
    assert done.returncode == 0 and "can be served from again" in done.stdout, done
    file.verify()
    assert file.start().stop() == 0


def test_what_was_moved_is_not_moved_elsewhere(tmp_path):
    file, other = in_a_file(tmp_path / "file"), f"sqlite:{tmp_path / 'other.db'}"
    file.command("demo")
    target = database_of(tmp_path)
    assert move("--from", file.database, "--to", target).returncode == 0
    # As after a kill between the last commit and the message.
    again = move("--from", file.database, "--to", target)
    assert again.returncode == 0 and "before: nothing is left to do" in again.stdout, again
    elsewhere = move("--from", file.database, "--to", other)
    assert elsewhere.returncode == 1 and "was begun, or is done" in elsewhere.stderr, elsewhere
    assert f"to {target}" in elsewhere.stderr, elsewhere
    assert move("--unmark", "--from", file.database).returncode == 0
    assert move("--from", file.database, "--to", other).returncode == 0
    again = move("--from", file.database, "--to", target)
    assert again.returncode == 1 and "other.db was begun, or is done" in again.stderr, again


def test_a_session_that_is_about_to_end(tmp_path):
    """As of a command that has just ended: it is waited for, and nobody is told to stop it."""
    target = database_of(tmp_path)
    file = in_a_file(tmp_path / "file")
    file.command("demo")
    with psycopg.connect(target, application_name="tribute") as session:
        ending = threading.Timer(0.7, session.close)
        ending.start()
        done = move("--from", file.database, "--to", target)
        ending.join()
    assert done.returncode == 0, done.stderr


def test_a_place_that_is_reached_another_way(tmp_path):
    """By a link, or with other settings in the URL: it is the same one."""
    file, target = in_a_file(tmp_path / "file"), database_of(tmp_path)
    file.command("demo")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    linked, slower = f"sqlite:{tmp_path / 'link' / 'tribute.db'}", f"{target}&connect_timeout=9"
    assert "the same database" in move("--from", file.database, "--to", linked).stderr
    assert "the same database" in move("--from", target, "--to", slower).stderr
    interrupted_move(file, target, Server(tmp_path), 0)
    assert move("--from", linked, "--to", slower).returncode == 0
    again = move("--from", file.database, "--to", target)
    assert again.returncode == 0 and "before: nothing is left to do" in again.stdout, again


def test_sales_between_two_halves_of_a_move(tmp_path):
    """Nobody serves while a move is unfinished, but who insists can; what was sold then is found."""
    file = in_a_file(tmp_path / "file")
    file.command("demo")
    acme = file.start().workspace()
    customer, _ = acme.lead_customer()
    acme.sold(customer, 100)
    assert file.stop() == 0
    target = database_of(tmp_path)
    elsewhere = Server(tmp_path)
    interrupted_move(file, target, elsewhere, 0)
    started = file.run("serve")
    assert started.returncode == 1 and "is being moved to postgres://" in started.stderr, started
    assert "--unmark" in started.stderr
    file.command("verify")
    assert move("--unmark", "--from", file.database).returncode == 0
    acme.http.base_url = file.start().url
    acme.sold(customer, 7)
    assert file.stop() == 0
    again = move("--from", file.database, "--to", target)
    if again.returncode == 0:
        elsewhere.verify()
        assert counted(elsewhere) == counted(file)
    else:
        assert "differs between the two" in again.stderr, again
        assert "is being moved" in file.run("serve").stderr


def test_a_node_that_nobody_saw(tmp_path):
    """One that hides its name, or starts as the move begins: what it takes afterwards would be lost."""
    node = Server(tmp_path)
    plain, node.database = node.database, f"{node.database}&application_name=web"
    acme = node.start().workspace()
    customer, link = acme.lead_customer()
    acme.sold(customer, 100)
    away = f"sqlite:{tmp_path / 'away.db'}"
    assert move("--from", plain, "--to", away).returncode == 0
    assert acme.sale(customer, 7).status_code == 503 and acme.get("/links").status_code == 503
    assert node.readiness() == 503 and follow(node, link["key"]).status_code == 503
    assert move("--unmark", "--from", plain).returncode == 0
    acme.sold(customer, 8)
    assert node.stop() == 0
    back = move("--from", away, "--to", plain)
    assert back.returncode == 1 and "has data already" in back.stderr, back
    assert move("--from", plain, "--to", f"sqlite:{tmp_path / 'b.db'}").returncode == 0
    back = move("--from", f"sqlite:{tmp_path / 'b.db'}", "--to", plain)
    assert back.returncode == 1 and "still holds what was moved from it to sqlite:" in back.stderr, back


@pytest.mark.whole
def test_commands_that_are_offered_can_be_typed(tmp_path):
    """With a path that has a space, a role, a schema, and no password."""
    (tmp_path / "my file").mkdir()
    file, target = Server(tmp_path / "my file"), database_of(tmp_path)
    file.database = f"sqlite:{tmp_path / 'my file' / 'a.db'}"
    file.command("demo")
    secret = target.replace("tribute@", "tribute:horse@")
    interrupted_move(file, secret, Server(tmp_path), 0)
    refused = file.run("serve")
    assert refused.returncode == 1 and "horse" not in refused.stderr
    offered = re.search(r"again: tribute (move .*?)\. To give", refused.stderr)[1]
    done = subprocess.run(
        f"'{binary()}' {offered}", shell=True, capture_output=True, text=True, timeout=60, env=clean_environment())
    assert done.returncode == 0, (offered, done)
    (tmp_path / "empty").mkdir()
    empty = database_of(tmp_path / "empty").replace("tribute@", "tribute:horse@")
    # One that has data, and one that has none yet.
    for database in (secret, empty):
        said = subprocess.run(
            [binary(), "demo", "--database", database], capture_output=True, text=True, timeout=60,
            env=clean_environment())
        assert said.returncode == 0 and "horse" not in said.stdout + said.stderr, said
        offered = re.search(r"--database (\S.*)\n", said.stdout)[1]
        checked = subprocess.run(
            f"'{binary()}' verify --database {offered}", shell=True, timeout=60, env=clean_environment())
        assert checked.returncode == 0, offered


def counted(server: Server) -> list[str]:
    return [line for line in server.command("verify").splitlines() if line.startswith(("checked", "sales"))]


def begun(server: Server) -> bool:
    with opened(server) as rows:
        try:
            return rows.execute("SELECT count(*) FROM move").fetchone() == (1,)
        except psycopg.errors.UndefinedTable:
            return False


def interrupted_move(file: Server, target: str, elsewhere: Server, pause: float):
    """A move that is killed so many seconds after it has begun."""
    process = subprocess.Popen(
        [binary(), "move", "--from", file.database, "--to", target], env=clean_environment(),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and not begun(elsewhere):
        time.sleep(0.002)
    time.sleep(pause)
    process.kill()
    process.wait()


def test_an_interrupted_move(tmp_path):
    """Killed somewhere in the middle, several times; the last one comes to its end."""
    file = in_a_file(tmp_path / "file")
    file.command("demo")
    target = database_of(tmp_path)
    elsewhere = Server(tmp_path)
    marked = 0
    for pause in (0, 0.01, 0.03, 0.06):
        interrupted_move(file, target, elsewhere, pause)
        if begun(elsewhere):
            marked += 1
            half = elsewhere.run("serve")
            assert half.returncode == 1 and "was not finished" in half.stderr, half
            assert "was not finished" in elsewhere.run("verify").stderr
            assert "is being moved to" in file.run("serve").stderr
            kept = move("--unmark", "--from", elsewhere.database)
            assert kept.returncode == 1 and "was not finished" in kept.stderr, kept
    assert marked, "no move was interrupted"
    done = move("--from", file.database, "--to", target)
    assert done.returncode == 0, done.stderr
    elsewhere.verify()
    assert counted(elsewhere) == counted(file)
