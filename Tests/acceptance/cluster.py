"""PostgreSQL servers of a test's own: a primary, and standbys that it waits for."""

import os
import pwd
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psycopg

from harness import free_port


def programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    assert found, "There is no PostgreSQL server: scripts/install-packages test"
    return found[-1]


def owner() -> dict:
    """The server refuses to run as root."""
    return {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}


def hand_over(*paths: Path):
    """What the server works with is its user's."""
    if os.geteuid() == 0:
        user = pwd.getpwnam("postgres")
        for path in paths:
            os.chown(path, user.pw_uid, user.pw_gid)


def send(pids: list[int], how: int):
    """Those that have ended meanwhile are left out."""
    for pid in pids:
        try:
            os.kill(pid, how)
        except ProcessLookupError:
            pass


class Node:
    def __init__(self, cluster: "Cluster", name: str):
        self.cluster, self.name, self.port = cluster, name, free_port()
        self.data = cluster.folder / name
        self.process: subprocess.Popen | None = None

    def start(self):
        log = open(self.cluster.folder / f"{self.name}.log", "ab")
        self.process = subprocess.Popen(
            [programs() / "postgres", "-D", self.data, "-p", str(self.port), "-c", "listen_addresses=127.0.0.1",
             "-c", f"unix_socket_directories={self.cluster.folder}", "-c", f"cluster_name={self.name}"],
            stdout=log, stderr=log, cwd=self.cluster.folder, **owner())
        log.close()
        deadline = time.monotonic() + 60
        while True:
            try:
                self.ask("SELECT 1")
                return self
            except psycopg.OperationalError:
                assert time.monotonic() < deadline and self.process.poll() is None, self.log
                time.sleep(0.05)

    @property
    def log(self) -> str:
        return (self.cluster.folder / f"{self.name}.log").read_text()

    def ask(self, sql: str, values: tuple = ()):
        with psycopg.connect(
                host="127.0.0.1", port=self.port, user="tribute", dbname="postgres", connect_timeout=2,
                autocommit=True) as connection:
            found = connection.execute(sql, values or None)
            return found.fetchall() if found.description else []

    def pids(self) -> list[int]:
        """The server first, then its sessions and helpers."""
        children = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, text=True)
        return [self.process.pid, *map(int, children.stdout.split())]

    def end(self, how: int = signal.SIGINT):
        """SIGINT: fast, SIGQUIT: at once, SIGKILL: as if the machine were gone, which takes them all."""
        if self.process:
            send(self.pids() if how == signal.SIGKILL else [self.process.pid], how)
            self.process.wait(30)
            self.process = None

    def promote(self):
        self.ask("SELECT pg_promote(true, 20)")


class Cluster:
    """A primary and so many standbys, of which a commit waits for one."""

    member = Node

    def __init__(self, folder: Path, standbys: int = 0):
        folder.mkdir(parents=True)
        self.folder = folder
        if os.geteuid() == 0:
            # Every folder above must let the server's user through.
            for above in [folder, *folder.parents]:
                if above.stat().st_uid == 0 and not above.stat().st_mode & 0o001:
                    above.chmod(above.stat().st_mode | 0o011)
        hand_over(folder)
        self.nodes = [self.member(self, f"n{number}") for number in range(1, standbys + 2)]
        try:
            self.make(standbys)
        except BaseException:
            self.close()
            raise

    def make(self, standbys: int):
        first = self.nodes[0]
        self.run("initdb", "-D", first.data, "-U", "tribute", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8",
                 "--no-sync", "-k")
        (first.data / "postgresql.conf").open("a").write(
            "max_connections=200\nwal_level=replica\nmax_wal_senders=10\nhot_standby=on\n"
            "wal_keep_size=256MB\nshared_buffers=64MB\nmax_wal_size=1GB\n")
        first.start()
        for node in self.nodes[1:]:
            self.run("pg_basebackup", "-h", "127.0.0.1", "-p", str(first.port), "-U", "tribute", "-D", node.data,
                     "-R", "-X", "stream", "-c", "fast", "--no-sync")
            self.follow(node, first)
            node.start()
        if standbys:
            self.wait_for_standbys(first, self.nodes[1:])

    def follow(self, node: Node, primary: Node):
        with (node.data / "postgresql.auto.conf").open("a") as file:
            file.write(
                f"primary_conninfo='host=127.0.0.1 port={primary.port} user=tribute "
                f"application_name={node.name}'\n")

    def wait_for_standbys(self, primary: Node, standbys: list[Node]):
        names = ", ".join(node.name for node in standbys)
        primary.ask(f"ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 ({names})'")
        primary.ask("SELECT pg_reload_conf()")
        deadline = time.monotonic() + 30
        while primary.ask("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'quorum'")[0][0] < len(standbys):
            assert time.monotonic() < deadline, primary.log
            time.sleep(0.05)

    def run(self, program: str, *arguments):
        done = subprocess.run(
            [programs() / program, *map(str, arguments)], capture_output=True, text=True, cwd=self.folder, **owner())
        assert done.returncode == 0, done.stderr

    @property
    def url(self) -> str:
        """All of them: whoever connects finds the primary."""
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)
        return f"postgres://tribute@{hosts}/postgres?connect_timeout=2"

    def close(self):
        for node in self.nodes:
            node.end(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)
