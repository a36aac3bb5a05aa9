"""The real server on a scratch database, and the few moves every test makes."""

import itertools
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import httpx

from engines import NODES, database_of
from program import ROOT, binary, clean_environment

BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36"
DOCS = "https://dub.co/docs/api-reference/errors#"
BAD_JSON = (
    "Invalid JSON format in request body. "
    "Please ensure the request body is a valid JSON object."
)
_numbers = itertools.count(1)


def unique(prefix: str) -> str:
    return f"{prefix}-{next(_numbers)}"


def tool(name: str) -> str:
    path = shutil.which(name)
    assert path, f"{name} is needed for this test: scripts/install-packages test"
    return path


def eventually(what: str, holds, seconds: float = 10):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not {what} within {seconds} s"
        time.sleep(0.02)


def free_port() -> int:
    """Below the ports that the system gives to clients: one that tries again and again to reach a
    server that is down could be given the server's own port, and would keep it."""
    while True:
        port = random.randrange(12_000, 32_000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def pairs(text: str | bytes):
    """JSON with the order of the keys and the spelling of the numbers kept."""
    return json.loads(text, object_pairs_hook=list, parse_float=str, parse_int=str)


class Server:
    def __init__(self, folder: Path, *flags: str):
        self.folder, self.flags = Path(folder), flags
        self.database = database_of(self.folder)
        self.ports = [free_port() for _ in range(NODES)]
        self.turns = itertools.cycle(self.ports)
        self.process: subprocess.Popen | None = None
        # The other nodes, if there are any.
        self.others: list[subprocess.Popen] = []
        self.log = self.folder / "server.log"
        # What every program of this server runs under: a command and its arguments.
        self.within: tuple[str, ...] = ()

    @property
    def port(self) -> int:
        """Of one node or another, in turn."""
        return next(self.turns)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, wrapper: tuple[str, ...] = ()) -> "Server":
        return self.launch(wrapper).ready()

    def launch(self, wrapper: tuple[str, ...] = ()) -> "Server":
        """Starts the process and waits for nothing."""
        self.process, *self.others = [self.launch_node(port, wrapper) for port in self.ports]
        return self

    def launch_node(self, port: int, wrapper: tuple[str, ...] = ()) -> subprocess.Popen:
        command = [
            *self.within, *wrapper, binary(), "serve", "--database", self.database,
            "--port", str(port), "--log-level", "warning", *self.flags,
        ]
        with open(self.log, "ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log, env=clean_environment())

    def ready(self, seconds: float = 30) -> "Server":
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"The server ended:\n{self.log.read_text()}")
            if all(self.readiness(port) == 200 for port in self.ports):
                return self
            time.sleep(0.01)
        raise TimeoutError(f"The server is not ready:\n{self.log.read_text()}")

    def metric(self, name: str) -> int:
        """What all nodes together show under a name, its labels included."""
        texts = [httpx.get(f"http://127.0.0.1:{port}/metrics").text for port in self.ports]
        values = [re.search(rf"^{re.escape(name)} (\S+)$", text, re.M)[1] for text in texts]
        return sum(int(float(value)) for value in values)

    def lost_clicks(self) -> int:
        return self.metric("tribute_clicks_lost_total")

    def readiness(self, port: int | None = None) -> int | None:
        """The status of GET /readyz; None if nobody answers."""
        try:
            wire = Wire(port or self.port, "", timeout=5)
        except OSError:
            return None
        try:
            return wire.request("GET", "/readyz")[0]
        except OSError:
            return None
        finally:
            wire.close()

    def settle(self, port: int):
        """Waits until the node has committed what it has accepted: one more write is behind it."""
        self.readiness(port)

    def stop(
        self, how: int = signal.SIGTERM, pid: int | None = None, seconds: float = 30
    ) -> int:
        assert self.process
        others, self.others = self.others, []
        for node in others:
            os.kill(node.pid, how)
        if self.process.poll() is None:
            os.kill(pid or self.process.pid, how)
        try:
            codes = [node.wait(seconds) for node in (self.process, *others)]
        except subprocess.TimeoutExpired:
            for node in (self.process, *others):
                node.kill()
                node.wait()
            self.process = None
            raise
        self.process = None
        return next((code for code in codes if code), 0)

    @property
    def path(self) -> Path:
        return Path(self.database.removeprefix("sqlite:"))

    def readable(self) -> Path:
        """The database as a file that this process can open, with all that is committed."""
        return self.path

    def run(self, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess:
        return subprocess.run(
            [*self.within, binary(), *arguments, "--database", self.database],
            capture_output=True, text=True, timeout=timeout, env=clean_environment())

    def command(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def verify(self):
        done = self.run("verify", "--deep")
        assert done.returncode == 0, f"verify found:\n{done.stdout}{done.stderr}"

    def workspace(self, plan: str = "business", *token: str) -> "Workspace":
        slug = unique("acme")
        made = json.loads(
            self.command("workspace", "create", slug.title(), "--slug", slug, "--plan", plan))
        return Workspace(self, slug, made["id"], self.token(slug, *token))

    def token(self, slug: str, *options: str) -> str:
        return self.command("token", "create", "--workspace", slug, "--name", "test", *options)


class Workspace:
    """A workspace and one of its keys, with the usual calls."""

    def __init__(self, server: Server, slug: str, id: str, token: str):
        self.server, self.slug, self.id, self.token = server, slug, id, token
        self.http = Client(server, headers=bearer(token), timeout=30)

    def post(self, path: str, body=None, **options) -> httpx.Response:
        if isinstance(body, (bytes, str)):
            return self.http.post(path, content=body, **options)
        return self.http.post(path, json=body, **options)

    def get(self, path: str, **query) -> httpx.Response:
        return self.http.get(path, params=query or None)

    def ok(self, method: str, path: str, **options):
        reply = self.http.request(method, path, **options)
        assert reply.status_code in (200, 201), f"{method} {path}: {reply.status_code} {reply.text}"
        return reply.json()

    def link(self, **fields) -> dict:
        return self.ok("POST", "/links", json={"url": "https://shop.example/pricing", **fields})

    def fresh(self, link: dict) -> dict:
        return self.ok("GET", f"/links/{link['id']}")

    def click(self, link: dict, agent: str | None = None) -> str:
        """Follows the link as a browser that has not been here before."""
        reply = follow(self.server, link["key"], agent=agent)
        assert reply.status_code == 302, reply.text
        return cookie(reply)

    def lead(self, customer: str, click: str | None = None, name: str = "Sign up", **fields):
        body = {"clickId": click, "eventName": name, "customerExternalId": customer, **fields}
        return self.ok("POST", "/track/lead", json=body)

    def sale(self, customer: str, amount: int = 4900, **fields) -> httpx.Response:
        return self.post(
            "/track/sale", {"customerExternalId": customer, "amount": amount, **fields})

    def sold(self, customer: str, amount: int = 4900, **fields) -> dict:
        reply = self.sale(customer, amount, **fields)
        assert reply.status_code == 200, reply.text
        assert reply.json()["sale"], reply.text
        return reply.json()

    def customer(self, external: str) -> dict:
        return self.ok("GET", f"/customers/ext_{external}")

    def lead_customer(self, link: dict | None = None, **fields) -> tuple[str, dict]:
        """A customer who came through a link and has signed up."""
        link = link or self.link()
        customer = unique("customer")
        self.lead(customer, self.click(link), **fields)
        return customer, link

    def events(self, kind: str, **query) -> list[dict]:
        """All pages."""
        found, page = [], 1
        while True:
            part = self.ok("GET", "/events", params={
                "event": kind, "limit": 1000, "interval": "all", "page": page, **query})
            found += part
            if len(part) < 1000:
                return found
            page += 1

    def customers(self, **query) -> list[dict]:
        found, page = [], 1
        while True:
            part = self.ok("GET", "/customers", params={"pageSize": 100, "page": page, **query})
            found += part
            if len(part) < 100:
                return found
            page += 1

    def state(self, link: dict | None = None) -> tuple:
        """Everything a request may change, as the bytes of the answers."""
        paths = [f"/events?event={kind}&limit=1000&interval=all"
                 for kind in ("clicks", "leads", "sales")]
        paths += ["/customers", "/domains"] + ([f"/links/{link['id']}"] if link else [])
        return tuple(self.http.get(path).content for path in paths)


class Client(httpx.Client):
    """Asks one node or another, in turn."""

    def __init__(self, server: Server, **options):
        super().__init__(base_url=server.url, **options)
        self.server = server

    def send(self, request: httpx.Request, **options) -> httpx.Response:
        if len(self.server.ports) > 1 and request.url.host == "127.0.0.1":
            request.url = request.url.copy_with(port=self.server.port)
        return super().send(request, **options)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def follow(server: Server, key: str, agent: str | None = None, host: str | None = None,
           method: str = "GET", settled: bool = True, **headers) -> httpx.Response:
    """`settled`: afterwards the click is counted. The redirect itself does not wait for that."""
    headers = {"User-Agent": agent or f"{BROWSER} {unique('visit')}", **headers}
    if host:
        headers["Host"] = host
    port = server.port
    reply = httpx.request(
        method, f"http://127.0.0.1:{port}/{key}", headers=headers, follow_redirects=False, timeout=30)
    if settled:
        server.settle(port)
    return reply


def cookie_of(head: bytes) -> str | None:
    """The click id in the head of an answer that came over a `Wire`."""
    found = re.search(rb"(?i)\r\nset-cookie: dub_id_[^=]*=([^;\r]+)", head)
    return found.group(1).decode() if found else None


def cookie(reply: httpx.Response) -> str:
    """The click id that the redirect has set."""
    text = reply.headers["set-cookie"]
    assert text.startswith("dub_id_"), text
    return text.split(";")[0].split("=", 1)[1]


def assert_error(reply: httpx.Response, status: int, code: str, message=None):
    """The envelope, complete and in order. `message`: a text, or a compiled pattern."""
    assert reply.status_code == status, f"{reply.status_code} {reply.text}"
    assert reply.headers["content-type"].startswith("application/json")
    body = pairs(reply.content)
    assert [k for k, _ in body] == ["error"], reply.text
    error = body[0][1]
    assert [k for k, _ in error] == ["code", "message", "doc_url"], reply.text
    error = dict(error)
    assert error["code"] == code, reply.text
    anchor = code.replace("_", "-", 1) if code != "internal_server_error" else code.replace("_", "-")
    assert error["doc_url"] == DOCS + anchor
    if hasattr(message, "search"):
        assert message.search(error["message"]), reply.text
    elif message is not None:
        assert error["message"] == message


class Wire:
    """A keep-alive connection without ceremony, for load."""

    def __init__(self, port: int, token: str, timeout: float = 30):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.head = f"Host: 127.0.0.1\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
        self.rest = b""

    def post(self, path: str, body) -> tuple[int, bytes, bytes]:
        """Status, head and body of the answer; OSError if none comes."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.request("POST", path, data)

    def request(self, method: str, path: str, data: bytes = b"", extra: str = ""):
        self.socket.sendall(
            f"{method} {path} HTTP/1.1\r\n{self.head}{extra}Content-Length: {len(data)}\r\n\r\n"
            .encode() + data)
        return self.answer()

    def answer(self) -> tuple[int, bytes, bytes]:
        while b"\r\n\r\n" not in self.rest:
            self._more()
        head, self.rest = self.rest.split(b"\r\n\r\n", 1)
        length = 0
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        while len(self.rest) < length:
            self._more()
        body, self.rest = self.rest[:length], self.rest[length:]
        return int(head[9:12]), head, body

    def _more(self):
        part = self.socket.recv(65536)
        if not part:
            raise ConnectionError("the server closed the connection")
        self.rest += part

    def close(self):
        self.socket.close()


def together(count: int, work) -> list:
    """Runs `work(index)` on `count` threads that start at once; the results in order."""
    results: list = [None] * count
    errors: list = []
    barrier = threading.Barrier(count)

    def run(index: int):
        try:
            barrier.wait()
            results[index] = work(index)
        except BaseException as error:  # noqa: BLE001: told to the test below
            errors.append(error)

    threads = [threading.Thread(target=run, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return results


def post_all(port: int, token: str, requests: list[tuple[str, bytes]], connections: int = 16):
    """Sends every (path, body) over some connections; the answers in order."""
    wires = together(connections, lambda _: Wire(port, token))
    answers: list = [None] * len(requests)
    turn = itertools.count()

    def work(index: int):
        wire = wires[index]
        while (position := next(turn)) < len(requests):
            answers[position] = wire.post(*requests[position])
        wire.close()

    together(connections, work)
    return answers
