"""A cluster of PostgreSQL servers that Patroni runs, with etcd to agree on who leads."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import httpx
import psycopg

from cluster import Cluster, Node, hand_over, owner, programs, send
from harness import free_port, tool


def working_in(folder: Path) -> list[int]:
    """The processes at work in a folder or below it: Patroni, the server it has started, and every child."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if Path(os.readlink(entry / "cwd")).is_relative_to(folder):
                found.append(int(entry.name))
        except OSError:
            pass  # It ended meanwhile, or is somebody else's.
    return found


class Member(Node):
    """A Patroni and its server: PostgreSQL is a daemon of its own then, and no child of this process."""

    def __init__(self, cluster: "PatroniCluster", name: str):
        super().__init__(cluster, name)
        self.home, self.rest = cluster.folder / name, f"127.0.0.1:{free_port()}"
        self.data = self.home / "data"

    def start(self) -> "Member":
        self.process = self.cluster.launch(self.name, "patroni", self.home / "patroni.json")
        return self

    def leads(self) -> bool:
        """What a load balancer would ask."""
        try:
            return httpx.get(f"http://{self.rest}/primary", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    def end(self, how: int = signal.SIGKILL):
        """Patroni always at once, or it would start its server again; the server by the signal that is asked
        for, and by SIGKILL if it lingers."""
        if self.process:
            self.process.kill()
            self.process.wait(30)
            self.process = None
        send(working_in(self.home), how)
        deadline = time.monotonic() + 10
        while left := working_in(self.home):
            if time.monotonic() > deadline:
                send(left, signal.SIGKILL)
            time.sleep(0.05)

    def configure(self, etcd: str):
        access = {
            "superuser": {"username": "tribute"},
            "replication": {"username": "replicator"},
            "rewind": {"username": "tribute"},
        }
        settings = {
            "scope": "tribute",
            "name": self.name,
            "restapi": {"listen": self.rest, "connect_address": self.rest},
            "etcd3": {"host": etcd},
            "bootstrap": {
                "dcs": {
                    # The least that Patroni allows: the leader's key is gone so many seconds after it was.
                    "ttl": 20, "loop_wait": 1, "retry_timeout": 3,
                    # Only who has every commit may lead; without a standby nothing is committed.
                    "synchronous_mode": True,
                    "synchronous_mode_strict": True,
                    "postgresql": {
                        # What the one that was killed has and nobody else got is taken back.
                        "use_pg_rewind": True,
                        "parameters": {"max_connections": 100, "shared_buffers": "64MB", "max_wal_size": "1GB"},
                    },
                },
                "initdb": ["data-checksums", "no-sync", {"encoding": "UTF8"}, {"locale": "C.UTF-8"}],
            },
            "postgresql": {
                "listen": f"127.0.0.1:{self.port}",
                "connect_address": f"127.0.0.1:{self.port}",
                "data_dir": str(self.data),
                "bin_dir": str(programs()),
                "pgpass": str(self.home / "pgpass"),
                "authentication": access,
                # Nothing outside of its folder: who is killed cannot clean up.
                "parameters": {"unix_socket_directories": "", "dynamic_shared_memory_type": "mmap"},
                "pg_hba": ["host all all 127.0.0.1/32 trust", "host replication all 127.0.0.1/32 trust"],
            },
        }
        self.cluster.make_folder(self.home)
        # JSON is YAML.
        (self.home / "patroni.json").write_text(json.dumps(settings, indent=2))


class PatroniCluster(Cluster):
    """Members that find out among themselves who leads. A commit waits for one of the others."""

    member = Member
    etcd: subprocess.Popen | None = None

    def make(self, standbys: int):
        client, peer = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
        self.make_folder(self.folder / "etcd")
        self.etcd = self.launch(
            "etcd", "etcd", "--name", "etcd", "--data-dir", self.folder / "etcd" / "data", "--log-level", "error",
            "--listen-client-urls", client, "--advertise-client-urls", client, "--listen-peer-urls", peer,
            "--initial-advertise-peer-urls", peer, "--initial-cluster", f"etcd={peer}")
        for node in self.nodes:
            node.configure(client.removeprefix("http://"))
            node.start()
        self.wait_until_whole()

    def launch(self, name: str, program: str, *arguments) -> subprocess.Popen:
        """In the folder that `working_in` knows it by, and with none of the settings that this process has."""
        home = self.folder / name
        with open(self.folder / f"{name}.log", "ab") as log:
            return subprocess.Popen(
                [tool(program), *map(str, arguments)], stdout=log, stderr=log, cwd=home,
                env={"PATH": os.environ["PATH"], "HOME": str(home), "LC_ALL": "C.UTF-8"}, **owner())

    def make_folder(self, folder: Path):
        folder.mkdir()
        hand_over(folder)

    def leader(self, after: Member | None = None, seconds: float = 60) -> Member:
        """Who leads; with `after`, who has taken its place."""
        deadline = time.monotonic() + seconds
        while True:
            for node in self.nodes:
                if node is not after and node.leads():
                    return node
            assert time.monotonic() < deadline, self.logs
            time.sleep(0.05)

    def wait_until_whole(self, seconds: float = 90) -> Member:
        """Until somebody leads, all others follow, and it is on record in etcd which of them a commit waits for:
        that comes seconds after PostgreSQL does so, and before it nobody may take the lead."""
        following = (
            "SELECT 1 FROM pg_stat_replication WHERE state = 'streaming' AND application_name ~ '^n[0-9]+$'")
        deadline = time.monotonic() + seconds
        while True:
            leader = self.leader()
            try:
                members = httpx.get(f"http://{leader.rest}/cluster", timeout=5).json()["members"]
                if (len(leader.ask(following)) == len(self.nodes) - 1
                        and "sync_standby" in [member["role"] for member in members]):
                    return leader
            except (httpx.HTTPError, psycopg.OperationalError):
                pass  # It leads no more.
            assert time.monotonic() < deadline, self.logs
            time.sleep(0.1)

    @property
    def logs(self) -> str:
        return "".join(f"{path.name}:\n{path.read_text()[-2000:]}\n" for path in sorted(self.folder.glob("*.log")))

    @property
    def url(self) -> str:
        return f"{super().url}&target_session_attrs=read-write"

    def close(self):
        if self.etcd:
            self.etcd.kill()
            self.etcd.wait(30)
            self.etcd = None
        super().close()
