"""The lane that answers track calls from a connection's bytes, beside the handlers behind it: whatever comes, and
in whatever pieces, is answered and recorded the same."""

import json
import re
import select
import signal
import socket
import struct
import threading
import time
from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from engines import held, opened
from harness import Server, Wire, eventually, tool, together, unique
from lane_requests import CASES, LEAD, SALE
from load import body

# The lane knows no engine: what it asks of one is asked by the tests of the API, too.
pytestmark = pytest.mark.sqlite

# A header that nobody reads, with a name of letters that `RequestHead` leaves to others: it closes the lane.
WAYS = {"lane": b"", "behind": b"X~Way: 1\r\n"}
LAST = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
# Deadlines that a test can wait for, and what a busy machine may add.
HEAD, BODY, ANSWER, SLACK = 2, 2, 2, 6


@pytest.fixture(scope="module")
def space(server):
    """A workspace with all that the requests below name."""
    space = server.workspace()
    way = space.link()
    space.known, space.click_id = name("kn"), space.click(way)
    space.lead(space.known, space.click_id)
    space.customer_id = space.customer(space.known)["id"]
    space.first = name("in")
    space.sold(space.known, invoiceId=space.first)
    space.fresh_click = space.click(way)
    space.way = way
    space.reader = server.token(space.slug, "--scopes", "links.read")
    space.expired = server.token(space.slug, "--expires", "2020-01-01")
    space.poor = server.workspace("free").token
    return space


@contextmanager
def serving(folder, *flags):
    server = Server(folder, *flags).start()
    try:
        yield server
        assert server.stop() == 0, server.log.read_text()
        server.verify()
    finally:
        if server.process:
            server.stop(signal.SIGKILL)


def name(kind: str) -> str:
    """As long as each other one: the lengths of bodies are the same by both ways."""
    return f"{kind}{int(unique('x')[2:]):08}"


def warm(port: int, token: str, host: str = "127.0.0.1"):
    """The lane knows callers and hosts that the handlers have met since the registry was last changed."""
    wire = Wire(port, token)
    wire.head = wire.head.replace("127.0.0.1", host)
    wire.request("GET", "/customers/count")
    wire.close()


def sale_of(space, customer: str, amount: int = 1, way: bytes = b"", host: str = "127.0.0.1", **fields) -> bytes:
    data = body(customerExternalId=customer, amount=amount, **{"invoiceId": unique("order"), **fields})
    return (f"POST {SALE} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {space.token}\r\n"
            f"Content-Length: {len(data)}\r\n").encode() + way + b"\r\n" + data


def connect(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=20)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def rest_of(connection: socket.socket) -> bytes:
    """All that comes until the server closes the connection, or resets it."""
    found = bytearray()
    try:
        while part := connection.recv(65536):
            found += part
    except ConnectionError:
        pass
    except TimeoutError:
        raise AssertionError(f"the connection is still open: {bytes(found[-300:])}") from None
    return bytes(found)


def rows(server) -> tuple:
    """How many of everything that a track call may leave behind."""
    with opened(server) as tables:
        return tuple(tables.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
                     for table in ("sale", "lead", "customer", "rejection"))


def wire_on(port: int, token: str) -> Wire:
    """On a connection whose lane is open, for a caller whom it knows."""
    warm(port, token)
    return Wire(port, token)


# --- the same bytes, whichever way ---------------------------------------------------------------

@pytest.fixture(scope="module")
def link_domain(space):
    return space.ok("POST", "/domains", json={"slug": f"{unique('lane')}.example"})["slug"]


@pytest.mark.parametrize("case", CASES)
def test_both_ways_answer_the_same_bytes(server, space, link_domain, case):
    """And leave the same behind: sales, leads, customers and rejections."""
    port, turns = server.ports[0], ["lane", "behind", "lane"]
    found = []
    if len(case) % 2:
        turns = ["behind", "lane", "behind"]
    for way in turns:
        for token in (space.token, space.reader, space.poor):
            warm(port, token)
        before = rows(server)
        known = {
            "token": space.token, "tok": space.token[:-1], "reader": space.reader, "expired": space.expired,
            "poor": space.poor, "way": WAYS[way].decode(), "domain": link_domain, "DOMAIN": link_domain.upper(),
            "known-id": space.known, "replayed": space.first,
            "invoice!": name("in"), "customer": name("cu"), "click": space.fresh_click}
        answer = mask(told(port, *CASES[case], known, "then the end" in case), known, space)
        found.append((answer, tuple(now - then for now, then in zip(rows(server), before))))
    assert found[0] == found[1] == found[2], f"{turns}: {found}"
    assert found[0][0].startswith(b"HTTP/1.1 "), found[0]


def told(port: int, head: bytes, content: bytes, known: dict, ends: bool) -> bytes:
    """All that comes back for a request and the one behind it."""
    for key, value in known.items():
        content = content.replace(b"<%s>" % key.encode(), value.encode())
        head = head.replace(b"<%s>" % key.encode(), value.encode())
    for key, length in (("length", len(content)), ("less", len(content) - 5), ("more", len(content) + 500)):
        head = head.replace(b"<%s>" % key.encode(), b"%d" % length)
    assert b"<" not in head, head
    with connect(port) as connection:
        try:
            connection.sendall(head + content + LAST)
            if ends:
                connection.shutdown(socket.SHUT_WR)
        except ConnectionError:
            pass
        return rest_of(connection)


def mask(answer: bytes, known: dict, space) -> bytes:
    """Without what is another one each time."""
    for key in ("invoice!", "customer"):
        answer = answer.replace(known[key].encode(), b"<%s>" % key.encode())
    answer = re.sub(rb"(?im)^date: .*$", b"date", answer)
    return re.sub(rb"cus_\w+", lambda id: id[0] if id[0].decode() == space.customer_id else b"<id>", answer)


@pytest.mark.parametrize("way", WAYS)
def test_heads_that_the_parser_does_not_take(server, space, way):
    """A lane that takes them would hand what it does not answer to a parser that can't read it. The requests before
    make room for the head, which would come in pieces else."""
    port, found = server.ports[0], []
    warm(port, space.token)
    for more in (b"a:\r\n" * 1_500, b"a:\r\n" * 900, b"X-A: " + b"a" * 7_500 + b"\r\n"):
        with connect(port) as connection:
            for _ in range(8):
                connection.sendall(sale_of(space, space.known, metadata={"room": "x" * 9_000}))
                assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
            connection.sendall(sale_of(space, space.known, way=more + WAYS[way]) + LAST)
            found.append(rest_of(connection)[:13])
    assert found == [b"HTTP/1.1 400 ", b"HTTP/1.1 200 ", b"HTTP/1.1 200 "]


@pytest.mark.one_node
def test_the_lane_is_taken(tmp_path):
    """What the tests of this file compare would be the same, too, if nothing ever went by the lane. It writes an
    answer as one piece, the handlers behind as two."""
    trace = tmp_path / "trace"
    server = Server(tmp_path)
    server.start((tool("strace"), "-f", "-qq", "-s", "20", "-e", "trace=write,writev", "-o", str(trace)))
    try:
        space = server.workspace()
        customer, _ = space.lead_customer()
        warm(server.ports[0], space.token)
        plain = sale_of(space, customer)
        head, content = plain.split(b"\r\n\r\n", 1)
        lane = [
            plain, plain.replace(b"/track", b"/api/track"), sale_of(space, "nobody"),
            re.sub(rb"(?m)^[\w-]+:", lambda name: name[0].lower(), head) + b"\r\n\r\n" + content,
            head + b"\r\nConnection: Keep-Alive\r\nAccept: */*\r\nUser-Agent: x\r\n\r\n" + content,
            head.replace(b": ", b":") + b"\r\n\r\n" + content,
        ]
        behind = [
            plain.replace(b"Host", b"X~Way: 1\r\nHost"), plain.replace(b"Host", b"Proxy-Connection: x\r\nHost"),
            plain.replace(SALE.encode(), SALE.encode() + b"?"), head + b"\r\n\r\n" + content[:-1] + b"x",
            plain.replace(b"dub_", b"dub_x"), plain.replace(b"POST", b"PUT"),
            plain.replace(b"Host", b"Expect: 100-continue\r\nHost"), b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
        ]
        for request in lane + behind:
            with connect(server.ports[0]) as connection:
                connection.sendall(request)
                assert connection.recv(65536).startswith(b"HTTP/1.1 ")
    finally:
        child = int(Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()[0])
        server.stop(pid=child)
    calls = re.findall(r'(writev?)\(\d+, \[?(?:\{iov_base=)?"HTTP/1\.1 (?!100)', trace.read_text())
    assert calls[-len(lane + behind):] == ["write"] * len(lane) + ["writev"] * len(behind)


# --- in pieces -----------------------------------------------------------------------------------

def answer_in_pieces(port: int, pieces, pause: float = 0.001) -> Wire:
    wire = Wire(port, "")
    for piece in pieces:
        wire.socket.sendall(piece)
        time.sleep(pause)
    return wire


def test_a_request_cut_in_two_anywhere(server, space):
    """A cut within the head closes the lane, one within the body does not. The next request comes in one piece."""
    port = server.ports[0]
    warm(port, space.token)
    customer, link = space.lead_customer()
    length = len(sale_of(space, customer, invoiceId=name("in"), metadata={"é": "ü"}))

    def work(thread: int):
        for cut in range(thread, length + 1, 8):
            data = sale_of(space, customer, invoiceId=name("in"), metadata={"é": "ü"})
            wire = answer_in_pieces(port, [data[:cut], data[cut:]])
            for _ in range(2):
                status, head, content = wire.answer()
                assert status == 200 and b'"amount":1,' in content, (cut, content)
                assert b"Replayed" not in head, cut
                wire.socket.sendall(sale_of(space, customer))
            assert wire.answer()[0] == 200
            wire.close()

    together(8, work)
    assert space.fresh(link)["sales"] == 3 * (length + 1)


@pytest.mark.parametrize("whole", ["nothing", "head"])
def test_a_byte_at_a_time(server, space, whole):
    """Three requests, one behind the other."""
    port = server.ports[0]
    warm(port, space.token)
    customer, link = space.lead_customer()
    requests = [sale_of(space, customer, amount=n) for n in (1, 2, 3)]
    if whole == "head":
        pieces = [piece for data in requests for place in [data.index(b"\r\n\r\n") + 4] for piece in (
            data[:place], *(data[n:n + 1] for n in range(place, len(data))))]
    else:
        data = b"".join(requests)
        pieces = [data[n:n + 1] for n in range(len(data))]
    wire = answer_in_pieces(port, pieces, 0.0005)
    for n in (1, 2, 3):
        status, _, content = wire.answer()
        assert status == 200 and b'"amount":%d,' % n in content
    wire.close()
    assert space.fresh(link)["sales"] == 3


def test_cuts_that_do_not_keep_to_requests(server, space):
    """Pieces of one request and the next, of all sizes, by all ways."""
    port = server.ports[0]
    warm(port, space.token)
    customer, link = space.lead_customer()
    for size in (7, 50, 150, 229, 230, 231, 400, 1_000, 5_000):
        data = b"".join(sale_of(space, customer, amount=n + 1, way=WAYS["behind"] if n % 7 == 6 else b"")
                        for n in range(14))
        wire = answer_in_pieces(port, [data[n:n + size] for n in range(0, len(data), size)])
        for n in range(14):
            status, _, content = wire.answer()
            assert status == 200 and b'"amount":%d,' % (n + 1) in content, (size, n)
        wire.close()
    assert space.fresh(link)["sales"] == 9 * 14


# --- one behind the other ------------------------------------------------------------------------

def mixed(space, customer: str, count: int) -> tuple[bytes, list]:
    """Requests of all kinds, and what each must be answered: a status and a part of the body."""
    host = f"Host: 127.0.0.1\r\nAuthorization: Bearer {space.token}\r\n"
    kinds = [
        lambda n: (sale_of(space, customer, n), 200, b'"amount":%d,' % n),
        lambda n: (sale_of(space, customer, -n), 422, b"amount cannot be negative"),
        lambda n: (sale_of(space, customer, n).replace(SALE.encode(), b"/api/track/sale"), 200, b'"amount":%d,' % n),
        lambda n: (f"GET /customers/ext_{customer} HTTP/1.1\r\n{host}\r\n".encode(), 200, customer.encode()),
        lambda n: (sale_of(space, f"nobody-{n}", n), 200, b'"sale":null'),
        lambda n: (f"POST {SALE} HTTP/1.1\r\n{host}Content-Length: 1\r\n\r\n{{".encode(), 400, b"Invalid JSON"),
        lambda n: (sale_of(space, customer, n).replace(space.token.encode(), b"dub_wrong"), 401, b"Invalid API key"),
        lambda n: (b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 200, b'{"status":"ok"}'),
        lambda n: (f"PUT {SALE} HTTP/1.1\r\n{host}Content-Length: 3\r\n\r\nabc".encode(), 405, b"not PUT"),
    ]
    made = [kinds[n % len(kinds)](n + 1) for n in range(count)]
    return b"".join(data for data, *_ in made), [tuple(expected) for _, *expected in made]


def assert_answers(wire: Wire, expected: list):
    for n, (status, part) in enumerate(expected):
        found, _, content = wire.answer()
        assert found == status and part in content, (n, content)


def test_fifty_requests_in_one_write(server, space):
    port = server.ports[0]
    warm(port, space.token)
    customer, link = space.lead_customer()

    def work(thread: int):
        data, expected = mixed(space, customer, 50)
        wire = Wire(port, "")
        wire.socket.sendall(data)
        assert_answers(wire, expected)
        # The same connection, once more.
        wire.socket.sendall(data)
        for status, part in expected:
            assert wire.answer()[0] == status
        wire.close()

    together(4, work)
    assert space.fresh(link)["sales"] == 4 * 12


@pytest.mark.parametrize("way", WAYS)
def test_fifty_sales_in_one_write(server, space, way):
    port = server.ports[0]
    customer, link = space.lead_customer()
    wire = wire_on(port, space.token)
    wire.socket.sendall(b"".join(sale_of(space, customer, n + 1, way=WAYS[way]) for n in range(50)))
    assert_answers(wire, [(200, b'"amount":%d,' % (n + 1)) for n in range(50)])
    wire.close()
    assert space.fresh(link)["sales"] == 50 and space.fresh(link)["saleAmount"] == 50 * 51 // 2


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("padding", [0, 1_000, 3_000, 9_000])
def test_more_than_waits_in_the_lane(server, space, way, padding):
    """The bytes behind a request in work have a bound (64 KiB). Where the reading stops there, in a body mostly, it
    goes on: nobody but the client could end the wait."""
    port = server.ports[0]
    customer, link = space.lead_customer()
    count = 500_000 // (250 + padding)
    wire = wire_on(port, space.token)
    data = b"".join(sale_of(space, customer, n + 1, way=WAYS[way], metadata={"padding": "x" * padding})
                    for n in range(count))
    writer = threading.Thread(target=wire.socket.sendall, args=(data,))
    writer.start()
    wire.socket.settimeout(15)
    try:
        for n in range(count):
            try:
                status, _, content = wire.answer()
            except TimeoutError:
                raise AssertionError(f"{n} of {count} requests were answered") from None
            assert status == 200 and b'"amount":%d,' % (n + 1) in content
    finally:
        wire.socket.shutdown(socket.SHUT_RDWR)
        writer.join()
        wire.close()
    assert space.fresh(link)["sales"] == count


# --- clients that go -----------------------------------------------------------------------------

def test_a_server_that_is_to_end_waits_for_no_stream(tmp_path):
    """Of requests that never cease to come, the one in work is the last."""
    server = Server(tmp_path).start()
    space = server.workspace()
    customer, link = space.lead_customer()
    wire = wire_on(server.ports[0], space.token)
    answered = []

    def send():
        try:
            while True:
                wire.socket.sendall(sale_of(space, customer))
        except OSError:
            pass

    def take():
        try:
            while wire.answer()[0] == 200:
                answered.append(1)
        except (OSError, AssertionError, ValueError, IndexError):
            pass

    threads = [threading.Thread(target=work, daemon=True) for work in (send, take)]
    for thread in threads:
        thread.start()
    eventually("they are answered", lambda: len(answered) > 200)
    start = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - start < 5
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    wire.close()
    server.start()
    assert space.fresh(link)["sales"] >= len(answered)
    assert server.stop() == 0
    server.verify()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("count", [1, 2, 50])
def test_half_a_connection_gets_its_answers(server, space, way, count):
    """The client has said that it sends no more, right behind its requests."""
    customer, link = space.lead_customer()
    wire = wire_on(server.ports[0], space.token)
    wire.socket.sendall(b"".join(sale_of(space, customer, n + 1, way=WAYS[way]) for n in range(count)))
    wire.socket.shutdown(socket.SHUT_WR)
    answered = rest_of(wire.socket).count(b"HTTP/1.1 200 ")
    wire.close()
    assert answered == count, f"{answered} of {count} answers came; {space.fresh(link)['sales']} sales are recorded"
    assert space.fresh(link)["sales"] == count


@pytest.mark.parametrize("way", WAYS)
def test_half_a_connection_waits_for_the_commit(server, space, way):
    customer, link = space.lead_customer()
    wire = wire_on(server.ports[0], space.token)
    with held(server, space):
        wire.socket.sendall(sale_of(space, customer, way=WAYS[way]))
        wire.socket.shutdown(socket.SHUT_WR)
        assert not select.select([wire.socket], [], [], 0.5)[0], "nothing is known yet"
    assert rest_of(wire.socket).startswith(b"HTTP/1.1 200 ")
    wire.close()
    assert space.fresh(link)["sales"] == 1


@pytest.mark.parametrize("cut", [1, 30])
def test_half_a_request_is_none(server, space, cut):
    """Whose body ends before its end is told the same by both ways, and nothing is recorded."""
    customer, link = space.lead_customer()
    found = []
    for way in WAYS.values():
        wire = wire_on(server.ports[0], space.token)
        wire.socket.sendall(sale_of(space, customer, way=way)[:-cut])
        wire.socket.shutdown(socket.SHUT_WR)
        found.append(re.sub(rb"(?im)^date: .*$", b"", rest_of(wire.socket)))
        wire.close()
    assert found[0] == found[1]
    assert space.fresh(link)["sales"] == 0


def reset(connection: socket.socket):
    """Gone without a goodbye."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("go", [socket.socket.close, reset], ids=["close", "reset"])
def test_a_client_that_has_gone_before_the_answer(server, space, way, go):
    """Its sale is recorded once; said again it is the same one. Nobody else notices."""
    customer, link = space.lead_customer()
    requests = [sale_of(space, customer, n + 1, way=WAYS[way]) for n in range(20)]
    wires = [wire_on(server.ports[0], space.token) for _ in requests]
    with held(server, space):
        for wire, data in zip(wires, requests):
            wire.socket.sendall(data)
        time.sleep(0.3)
        for wire in wires:
            go(wire.socket)
        time.sleep(0.2)
        assert httpx.get(f"http://127.0.0.1:{server.ports[0]}/healthz").status_code == 200, "others are served"
    eventually("all are recorded", lambda: space.fresh(link)["sales"] == 20)
    wire = wire_on(server.ports[0], space.token)
    for data in requests:
        wire.socket.sendall(data)
        status, head, _ = wire.answer()
        assert status == 200 and b"idempotent-replayed: true" in head.lower()
    wire.close()
    assert space.fresh(link)["sales"] == 20 and space.fresh(link)["saleAmount"] == 210


def test_clients_that_go_within_a_body(server, space):
    customer, link = space.lead_customer()
    data = sale_of(space, customer)
    for cut in range(1, 60):
        wire = Wire(server.ports[0], "")
        wire.socket.sendall(data + data[:-cut])
        (reset if cut % 2 else socket.socket.close)(wire.socket)
    assert space.sale(customer, 5).status_code == 200
    eventually("one and the first", lambda: space.fresh(link)["sales"] == 2)


# --- a server that ends --------------------------------------------------------------------------

def test_a_polite_end_with_requests_in_flight(tmp_path):
    """Each is answered or its connection closed. What was acknowledged is there, nothing twice."""
    server = Server(tmp_path).start()
    space = server.workspace()
    customer, link = space.lead_customer()
    acknowledged, sent, refused = [], {}, Counter()
    for turn in range(3):
        port = server.ports[0]
        warm(port, space.token)
        begun = threading.Barrier(9)

        def work(thread: int):
            if thread == 8:
                begun.wait()
                time.sleep(0.15 * (turn + 1))
                assert server.stop(seconds=10) == 0, server.log.read_text()
                return
            wire, number = Wire(port, ""), 0
            begun.wait()
            try:
                while True:
                    # Some one by one, some in a row.
                    batch = [f"end-{turn}-{thread}-{number + n}" for n in range(5 if thread % 2 else 1)]
                    number += len(batch)
                    requests = [sale_of(space, customer, 1, invoiceId=id) for id in batch]
                    sent.update(zip(batch, requests))
                    wire.socket.sendall(b"".join(requests))
                    for id in batch:
                        status = wire.answer()[0]
                        if status == 200:
                            acknowledged.append(id)
                        else:
                            refused[status] += 1
            except ConnectionError:
                wire.close()

        together(9, work)
        server.start()
    assert len(acknowledged) > 100 and set(refused) <= {503}, refused
    with opened(server) as tables:
        recorded = Counter(id for id, in tables.execute("SELECT invoice_id FROM sale"))
    assert set(recorded.values()) == {1} and set(acknowledged) <= set(recorded) <= set(sent)
    for port in server.ports:
        warm(port, space.token)
    wire = Wire(server.ports[0], "")
    for id, data in sent.items():
        wire.socket.sendall(data)
        status, head, _ = wire.answer()
        assert status == 200 and (b"idempotent-replayed" in head.lower()) == (id in recorded), id
    wire.close()
    assert space.fresh(link)["sales"] == len(sent)
    assert server.stop() == 0
    server.verify()


@pytest.mark.parametrize("way", WAYS)
def test_what_waits_for_its_commit_is_answered_before_the_end(tmp_path, way):
    server = Server(tmp_path).start()
    space = server.workspace()
    customer, link = space.lead_customer()
    wires = [wire_on(server.ports[0], space.token) for _ in range(10)]
    with held(server, space):
        for n, wire in enumerate(wires):
            wire.socket.sendall(sale_of(space, customer, 1, way=WAYS[way], invoiceId=f"held-{n}"))
        time.sleep(0.3)
        for node in (server.process, *server.others):
            node.send_signal(signal.SIGTERM)
        time.sleep(0.7)
    answers = [rest_of(wire.socket) for wire in wires]
    assert server.stop() == 0, server.log.read_text()
    assert [answer[:13] for answer in answers] == [b"HTTP/1.1 200 "] * 10
    assert [answer.count(b"HTTP/1.1 ") for answer in answers] == [1] * 10
    server.start()
    assert space.fresh(link)["sales"] == 10
    assert server.stop() == 0
    server.verify()


# --- what changes meanwhile ----------------------------------------------------------------------

def asked(wire: Wire, data: bytes) -> int:
    wire.socket.sendall(data)
    return wire.answer()[0]


@pytest.mark.parametrize("way", WAYS)
def test_a_key_that_is_revoked_by_another_process(server, way):
    """Between two requests of one connection, many times: the next is refused, and nothing is recorded."""
    space = server.workspace()
    customer, link = space.lead_customer()
    count = 0
    for turn in range(5):
        space.token = server.command("token", "create", "--workspace", space.slug, "--name", f"turn {turn}")
        listed = map(json.loads, server.command("token", "list", "--workspace", space.slug).splitlines())
        id = next(token["id"] for token in listed if token["name"] == f"turn {turn}")
        wire = wire_on(server.ports[0], space.token)
        for _ in range(3):
            assert asked(wire, sale_of(space, customer, way=WAYS[way])) == 200
        count += 3
        server.command("token", "revoke", id, "--workspace", space.slug)
        for _ in range(3):
            assert asked(wire, sale_of(space, customer, way=WAYS[way])) == 401
        wire.close()
    assert space.fresh(link)["sales"] == count


@pytest.mark.parametrize("way", WAYS)
def test_a_plan_that_is_changed_by_another_process(server, way):
    space = server.workspace()
    customer, link = space.lead_customer()
    wire = wire_on(server.ports[0], space.token)
    for plan, status in (("business", 200), ("pro", 403), ("business", 200), ("free", 403), ("enterprise", 200)):
        server.command("workspace", "update", space.slug, "--plan", plan)
        # The first is one that the lane knows under another plan, the others it may know again.
        assert [asked(wire, sale_of(space, customer, way=WAYS[way])) for _ in range(3)] == [status] * 3, plan
    wire.close()
    assert space.fresh(link)["sales"] == 9


@pytest.mark.parametrize("way", WAYS)
def test_a_host_that_becomes_a_link_domain(server, space, tmp_path, way):
    """By another server on the same database. Nothing is tracked there, until it is no link domain any more."""
    slug = f"{unique('becomes')}.example"
    customer, link = space.lead_customer()
    beside = Server(server.folder)
    beside.log = tmp_path / "log"
    beside.start()
    try:
        there = httpx.Client(base_url=f"http://127.0.0.1:{beside.ports[0]}", headers={
            "Authorization": f"Bearer {space.token}"})
        warm(server.ports[0], space.token, slug)
        wire = Wire(server.ports[0], "")
        data = sale_of(space, customer, way=WAYS[way], host=slug)
        for _ in range(3):
            assert asked(wire, data) == 200
            assert there.post("/domains", json={"slug": slug}).status_code in (200, 201)
            assert [asked(wire, data) for _ in range(3)] == [405] * 3
            assert there.delete(f"/domains/{slug}").status_code == 200
            assert [asked(wire, data) for _ in range(3)] == [200] * 3
        wire.close()
        there.close()
    finally:
        beside.stop()
    assert space.fresh(link)["sales"] == 1


@pytest.mark.parametrize("way", WAYS)
def test_a_key_whose_end_comes(server, space, way):
    customer, _ = space.lead_customer()
    end = datetime.now(UTC) + timedelta(seconds=6)
    token = server.token(space.slug, "--expires", end.strftime("%Y-%m-%dT%H:%M:%S.%fZ")[:-4] + "Z")
    wire = wire_on(server.ports[0], token)
    data = sale_of(space, customer, way=WAYS[way]).replace(space.token.encode(), token.encode())
    assert asked(wire, data) == 200
    time.sleep(max(0.0, (end - datetime.now(UTC)).total_seconds()) + 0.01)
    assert [asked(wire, data) for _ in range(2)] == [401] * 2
    wire.close()


def test_nobody_is_let_in_by_the_memory_of_a_connection(server, space, link_domain):
    """One connection, callers and hosts in turn: as if each had come alone."""
    other = server.workspace()
    customer, link = space.lead_customer()
    foreign, _ = other.lead_customer()
    for token in (space.token, other.token, space.reader):
        warm(server.ports[0], token)
    wire = Wire(server.ports[0], "")
    callers = [(space, customer, "127.0.0.1", 200), (other, foreign, "127.0.0.1", 200),
               (space, customer, link_domain, 405), (space, customer, "a.example", 200),
               (other, foreign, "b.example", 200)]
    for n in range(40):
        caller, buyer, host, status = callers[n * 7 % 5 if n % 3 else n % 5]
        wire.socket.sendall(sale_of(caller, buyer, n + 1, host=host))
        found, _, content = wire.answer()
        assert found == status, (n, content)
        if found == 200:
            assert b'"externalId":"%s"' % buyer.encode() in content and b'"amount":%d,' % (n + 1) in content
        if n % 4 == 0:
            wrong = sale_of(caller, buyer).replace(caller.token.encode(), caller.token[:-1].encode() + b"~")
            assert asked(wire, wrong) == 401
    wire.close()


# --- clients that are slow -----------------------------------------------------------------------

@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    deadlines = {"--head-seconds": HEAD, "--body-seconds": BODY, "--answer-seconds": ANSWER}
    flags = (str(word) for pair in deadlines.items() for word in pair)
    with serving(tmp_path_factory.mktemp("strict"), *flags) as server:
        server.space = server.workspace()
        server.customer, server.link = server.space.lead_customer()
        yield server


@pytest.mark.parametrize("before", [0, 1], ids=["the first", "the second"])
@pytest.mark.parametrize("trickles", [False, True], ids=["stalls", "trickles"])
def test_a_body_that_stops(strict, before, trickles):
    """It is told so by both ways at the same time and in the same words, and keeps nobody from being served."""
    space, found, sales = strict.space, {}, strict.space.fresh(strict.link)["sales"]
    wires = {way: wire_on(strict.ports[0], space.token) for way in WAYS}
    good, slowest = wire_on(strict.ports[0], space.token), 0.0
    for way, wire in wires.items():
        for _ in range(before):
            assert asked(wire, sale_of(space, strict.customer, way=WAYS[way])) == 200
            sales += 1
        wire.socket.sendall(sale_of(space, strict.customer, way=WAYS[way], metadata={"long": "x" * 500})[:-200])
    start = time.monotonic()
    while len(found) < len(wires) and time.monotonic() < start + BODY + SLACK:
        begun = time.monotonic()
        assert asked(good, sale_of(space, strict.customer)) == 200
        slowest, sales = max(slowest, time.monotonic() - begun), sales + 1
        for way in wires.keys() - found.keys():
            if trickles:
                wires[way].socket.sendall(b"x")
            if select.select([wires[way].socket], [], [], 0)[0]:
                found[way] = (time.monotonic() - start, rest_of(wires[way].socket))
        time.sleep(0.1)
    assert len(found) == 2, f"only {found} were ended"
    for way, (seconds, answer) in found.items():
        assert BODY - 0.2 < seconds < BODY + SLACK and answer.startswith(b"HTTP/1.1 408 "), (way, seconds, answer)
        assert b"did not arrive within 2 seconds" in answer
    assert found["lane"][1] == found["behind"][1]
    assert slowest < SLACK, "others had to wait"
    for wire in (good, *wires.values()):
        wire.close()
    assert space.fresh(strict.link)["sales"] == sales


def test_slow_but_within_the_time(strict):
    """Each request has its own: what was in work before does not count, nor does what was said before."""
    space = strict.space
    wire = wire_on(strict.ports[0], space.token)
    for n in range(4):
        data = sale_of(space, strict.customer, n + 1)
        place = data.index(b"\r\n\r\n") + 10
        for piece in (data[:place], data[place:-1], data[-1:]):
            wire.socket.sendall(piece)
            time.sleep(BODY * 0.25)
        assert wire.answer()[0] == 200
    wire.close()


@pytest.mark.parametrize("way", WAYS)
def test_a_request_in_work_has_no_deadline(strict, way):
    """The commit takes longer than a body may: neither it nor what came behind it is the client's fault."""
    space = strict.space
    wire = wire_on(strict.ports[0], space.token)
    with held(strict, space):
        wire.socket.sendall(sale_of(space, strict.customer, 1, way=WAYS[way]))
        time.sleep(BODY * 0.75)
        wire.socket.sendall(sale_of(space, strict.customer, 2, way=WAYS[way]))
        time.sleep(BODY * 0.75)
    assert_answers(wire, [(200, b'"amount":1,'), (200, b'"amount":2,')])
    wire.close()


@pytest.mark.parametrize("way", WAYS)
def test_who_does_not_take_the_answers_loses_the_connection(strict, way):
    """Reads nothing, and sends all it can."""
    warm(strict.ports[0], strict.space.token)
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    connection.connect(("127.0.0.1", strict.ports[0]))
    connection.setblocking(False)
    data = sale_of(strict.space, strict.customer, way=WAYS[way], metadata={"long": "x" * 1_000}) * 10_000
    end = time.monotonic() + 2 * ANSWER + SLACK
    try:
        while is_held(connection):
            assert time.monotonic() < end, "it is held for a client that reads nothing"
            try:
                data = data[connection.send(data[:100_000]):]
            except BlockingIOError:
                time.sleep(0.1)
            except ConnectionError:
                break
    finally:
        connection.close()


def is_held(connection: socket.socket) -> bool:
    """Whether a process has the other end."""
    port = connection.getsockname()[1]
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return any(line[2].endswith(f":{port:04X}") and line[9] != "0" for line in lines)


@pytest.mark.parametrize("way", WAYS)
def test_a_pause_in_taking_the_answers(tmp_path, way):
    """There is a time for that, which is not the one in which heads must come: these have come."""
    with serving(tmp_path, "--head-seconds", "1", "--answer-seconds", "30") as server:
        space = server.workspace()
        customer, _ = space.lead_customer()
        small = long_replay(space, customer, WAYS[way])
        warm(server.ports[0], space.token)
        with narrow(server.ports[0]) as connection:
            # Less than waits in the lane, and answers of several times what fits between the two.
            count = 55_000 // len(small)
            connection.sendall(small * count)
            time.sleep(0.5)
            connection.sendall(small + LAST)
            time.sleep(3)
            answered = rest_of(connection).count(b"HTTP/1.1 200 ")
        assert answered == count + 2, f"{answered} of {count + 2} answers came"


@pytest.mark.parametrize("way", WAYS)
def test_what_was_given_up_is_not_recorded(strict, way):
    """A body that is late, and comes to its end before the client has taken that it was told so: more answers lie
    before that than fit between the two. Not so many, though, that the lane does not begin at all, which is why it
    is tried with one more each."""
    space, port = strict.space, strict.ports[0]
    small = long_replay(space, strict.customer, WAYS[way])
    warm(port, space.token)
    with narrow(port) as connection:
        connection.sendall(small * (55_000 // len(small)))
        time.sleep(1)
        room, answer = sum(queues(connection)), len(at_hand(connection).split(b"HTTP/1.1 ")[1]) + 9
    connections = []
    for more in range(-1, 5):
        invoice = unique("late")
        sale = sale_of(space, strict.customer, way=WAYS[way], invoiceId=invoice)
        connection = narrow(port)
        connection.sendall(small * (room // answer + more) + sale[:-20])
        connections.append((connection, invoice, sale[-20:]))
    time.sleep(BODY + 1)
    for connection, _, rest in connections:
        try:
            connection.sendall(rest)
        except ConnectionError:
            pass
    time.sleep(0.4)
    answers = {invoice: at_hand(connection) for connection, invoice, _ in connections}
    for connection, *_ in connections:
        connection.close()
    recorded = {sale["sale"]["invoiceId"] for sale in space.events("sales")}
    for invoice, found in answers.items():
        assert b" 408 " not in found or invoice not in recorded, f"told to be late, and recorded: {found[-600:]}"
        assert (invoice in recorded) == (invoice.encode() in found), found[-600:]


def at_hand(connection: socket.socket) -> bytes:
    """All that comes until nothing has come for a moment."""
    connection.settimeout(1)
    found = bytearray()
    try:
        while part := connection.recv(65536):
            found += part
    except OSError:
        pass
    return bytes(found)


def long_replay(space, customer: str, way: bytes) -> bytes:
    """A small request with an answer of 27 KB: a sale that is there already."""
    invoice = unique("long")
    space.sold(customer, 1, invoiceId=invoice, metadata={"long": "€" * 9_000})
    return sale_of(space, customer, 1, way=way, invoiceId=invoice)


def narrow(port: int) -> socket.socket:
    """A connection on which not much fits that is not read."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32_768)
    connection.settimeout(20)
    connection.connect(("127.0.0.1", port))
    return connection


def queues(connection: socket.socket) -> tuple[int, int]:
    """Bytes that the server has sent, so far as they have not come here, or have and are not read."""
    port = f":{connection.getsockname()[1]:04X}"
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    sent = next(int(line[4].split(":")[0], 16) for line in lines if line[2].endswith(port))
    come = next(int(line[4].split(":")[1], 16) for line in lines if line[1].endswith(port))
    return sent, come


# --- what is counted -----------------------------------------------------------------------------

@pytest.mark.parametrize("path, route", [
    (SALE, SALE), (f"/api{SALE}", SALE), (LEAD, LEAD), (f"/api{LEAD}", LEAD)])
def test_both_ways_count_under_the_same_names(server, space, path, route):
    port, counts = server.ports[0], []
    click = space.click(space.way)
    kinds = [
        {"customerExternalId": space.known, "amount": 1, "clickId": click, "eventName": "Sign up"},
        {"customerExternalId": name("cu"), "amount": 1, "clickId": "none", "eventName": "Sign up"},
        {"customerExternalId": space.known, "amount": "x", "clickId": 1}]

    def counted() -> Counter:
        text = httpx.get(f"http://127.0.0.1:{port}/metrics").text
        found = re.findall(
            r'^(tribute_http_request(?:s_total|_seconds_count)\{method="POST".*\}) (\S+)$', text, re.M)
        return Counter({key: int(float(value)) for key, value in found})

    for way in WAYS:
        wire = wire_on(port, space.token)
        before = counted()
        for fields in kinds:
            for _ in range(3):
                data = json.dumps(fields).encode()
                wire.socket.sendall(f"POST {path} HTTP/1.1\r\n{wire.head}Content-Length: {len(data)}\r\n".encode()
                                    + WAYS[way] + b"\r\n" + data)
                wire.answer()
        wire.close()
        counts.append(counted() - before)
    assert counts[0] == counts[1] and sum(counts[0].values()) == 18
    assert all(f'route="{route}"' in key for key in counts[0])
    assert any('status="2xx"' in key for key in counts[0]) and any('status="4xx"' in key for key in counts[0])
