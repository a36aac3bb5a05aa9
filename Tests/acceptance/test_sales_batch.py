"""POST /track/sales/batch: each item as the single call, never all or nothing, and the whole refused as a whole."""

import gzip
import json
import os
import re
import signal
import time
import zlib
from contextlib import contextmanager

import pytest

from engines import IS_SQLITE, opened
from harness import Server, Wire, assert_error, bearer, httpx, together, unique
from load import body

BATCH = "/track/sales/batch"
NDJSON = {"Content-Type": "application/x-ndjson"}
GZIP = {"Content-Encoding": "gzip"}
COUNTS = ("recorded", "replayed", "refused")
NO_ARRAY = ("Invalid JSON format in request body{}. Please ensure the request body is a valid JSON array. "
            "NDJSON needs Content-Type: application/x-ndjson.")


@pytest.fixture
def space(server):
    """A workspace with a customer who may buy."""
    workspace = server.workspace()
    workspace.buyer, workspace.way = workspace.lead_customer()
    return workspace


def item(space, amount: int = 100, **fields) -> dict:
    return {"customerExternalId": space.buyer, "amount": amount, "invoiceId": unique("in"), **fields}


def send(space, items, **options) -> dict:
    """The answer to a batch that is taken; its counts are those of its results."""
    reply = space.post(BATCH, items, **options)
    assert reply.status_code == 200, reply.text
    assert reply.headers["content-type"].startswith("application/json")
    answer = reply.json()
    assert list(answer) == [*COUNTS, "results"]
    words = [result["result"] for result in answer["results"]]
    assert [answer[word] for word in COUNTS] == [words.count(word) for word in COUNTS]
    assert [result["index"] for result in answer["results"]] == list(range(len(words)))
    for result in answer["results"]:
        assert list(result) == ["index", "result", "status", "reason", "detail", "response"]
    return answer


def words(answer: dict) -> list[str]:
    return [result["result"] for result in answer["results"]]


def lines(items) -> bytes:
    return b"\n".join(each if isinstance(each, bytes) else json.dumps(each).encode() for each in items)


def kept(space) -> list[dict]:
    return space.ok("GET", "/rejections", params={"sortOrder": "asc", "pageSize": 100})


def everything(space) -> tuple:
    return space.state(space.way), kept(space)


def refused(space, content, status, code="bad_request", message=None, headers=None):
    """The whole is refused in one answer, and nothing has changed: no kept call either."""
    before = everything(space)
    reply = space.post(BATCH, content, headers=headers)
    assert_error(reply, status, code, message)
    assert everything(space) == before
    return reply


# --- items ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("prefix", ["", "/api"])
def test_each_item_has_the_answer_of_the_single_call(server, prefix):
    """Two workspaces hear the same, one call by call, the other at once."""
    one, many = server.workspace(), server.workspace()
    calls = []
    for space in (one, many):
        space.buyer = "buyer"
        space.lead("buyer", space.click(space.link()), customerName="Ann")
        space.sold("buyer", 7, invoiceId="old", eventName="Before")
        off = space.link()
        click = space.click(off)
        space.ok("PATCH", f"/links/{off['id']}", json={"disabledAt": "2020-01-01"})
        calls.append([json.dumps(each).encode() if isinstance(each, dict) else each for each in [
            {"customerExternalId": "buyer", "amount": 100, "invoiceId": "new", "metadata": {"a": [1, 2]}},
            {"customerExternalId": "buyer", "amount": 7, "invoiceId": "old", "eventName": "Before"},
            {"customerExternalId": "buyer", "amount": 8, "invoiceId": "old", "eventName": "After"},
            {"customerExternalId": "buyer", "amount": 100, "invoiceId": "new"},
            {"customerExternalId": "nobody", "amount": 100},
            {"customerExternalId": "buyer", "amount": 0},
            {"customerExternalId": "buyer", "amount": -1},
            {"customerExternalId": "buyer", "amount": 1.5},
            {"customerExternalId": "buyer"},
            {"amount": 1},
            {"customerExternalId": "buyer", "amount": 1, "leadEventName": "None"},
            {"customerExternalId": "new", "amount": 1, "clickId": "none"},
            {"customerExternalId": "new", "amount": 1, "clickId": click},
            b'{"customerExternalId":"buyer","amount":1,"amount":2}',
            b'{"customerExternalId":"buyer","amount":1,"eventName":"\\ud800"}',
            b'{"customerExternalId":"buyer","amount":1,"eventName":"\\u0000"}',
            b'{"customerExternalId":"buyer","amount":1,"eventName":"\xff"}',
            b'{"customerExternalId":"buyer","amount":1,"metadata":' + b'{"a":' * 32 + b"1" + b"}" * 32 + b"}",
            b'{"customerExternalId":"buyer","amount":1,"metadata":' + b'{"a":' * 31 + b"1" + b"}" * 31 + b"}",
            b"null", b"7", b'"text"', b"[]", b"[{}]",
        ]])
    singles = [one.post(prefix + "/track/sale", call) for call in calls[0]]
    reply = many.post(prefix + BATCH, b"[" + b",".join(calls[1]) + b"]")
    assert reply.status_code == 200, reply.text
    results = reply.json()["results"]
    assert len(results) == len(singles)
    for single, result in zip(singles, results):
        expected = single.json()
        if expected.get("customer"):
            # Each workspace has a customer of its own.
            assert result["response"]["customer"].pop("id") != expected["customer"].pop("id")
        assert (result["status"], same(result["response"])) == (single.status_code, same(expected))
        replayed = single.headers.get("idempotent-replayed") == "true"
        recorded = single.status_code == 200 and expected["sale"] is not None and not replayed
        assert result["result"] == ("replayed" if replayed else "recorded" if recorded else "refused"), expected
        conflict = single.headers.get("tribute-idempotency-conflict")
        assert conflict is None or (result["reason"], result["detail"]) == ("invoice_conflict", conflict)
    assert {word: reply.json()[word] for word in COUNTS} == {"recorded": 2, "replayed": 3, "refused": 19}
    # The rejections log says the same of both, and the results say what it says.
    told = [[(r["endpoint"], r["reason"], r["detail"], r["body"], r["customerExternalId"], r["invoiceId"],
              r["replayable"]) for r in kept(space)] for space in (one, many)]
    assert same(told[0]) == same(told[1]) and len(told[0]) == 20
    assert [entry[1:3] for entry in told[1]] == [(r["reason"], r["detail"]) for r in results if r["reason"]]
    assert all((r["reason"] is None) == (r["result"] != "refused" and r["detail"] is None) for r in results)


def same(answer) -> str:
    """Without the ids of links and clicks, which each workspace has for itself."""
    return re.sub(r"link_\w+|(?<=clickId)\W+\w{16}\b", "", json.dumps(answer))


def test_the_bytes_of_a_sale_are_those_of_the_single_call(space):
    """Metadata too, to the letter."""
    text = json.dumps(item(space))[:-1].encode() + b', "metadata": {"n": 1.50, "a":[ 1 ]}}'
    reply = space.post(BATCH, b"[" + text + b"]")
    single = space.post("/track/sale", text)
    assert single.headers["idempotent-replayed"] == "true"
    assert reply.content.endswith(b'"response":' + single.content + b"}]}")


def test_a_thousand_at_once(space):
    items = [item(space, 1 + n) for n in range(1_000)]
    answer = send(space, items)
    assert (answer["recorded"], answer["refused"]) == (1_000, 0)
    assert [r["response"]["sale"]["invoiceId"] for r in answer["results"]] == [i["invoiceId"] for i in items]
    assert [r["response"]["sale"]["amount"] for r in answer["results"]] == [i["amount"] for i in items]
    assert space.fresh(space.way)["saleAmount"] == sum(i["amount"] for i in items) == 500_500
    assert space.customer(space.buyer)["sales"] == 1_000
    # They stand in the order of the items.
    sold = space.ok("GET", "/events", params={"event": "sales", "interval": "all", "limit": 1_000})
    assert [e["sale"]["invoiceId"] for e in sold] == [i["invoiceId"] for i in reversed(items)]
    again = send(space, items)
    assert again["replayed"] == 1_000
    assert [r["response"] for r in again["results"]] == [r["response"] for r in answer["results"]]


@pytest.mark.parametrize("form", ["array", "ndjson"])
def test_one_more_is_refused(space, form):
    items = [item(space) for _ in range(1_001)]
    content, headers = (json.dumps(items).encode(), None) if form == "array" else (lines(items), NDJSON)
    message = "You can only record up to 1000 sales at a time."
    refused(space, content, 422, "unprocessable_entity", message, headers)
    # It is not read to its end.
    broken = content[:-1] + b",[[[" if form == "array" else content + b"\n[[["
    refused(space, broken, 422, "unprocessable_entity", message, headers)


NONE = "No sales recorded – you must provide at least one sale."


@pytest.mark.parametrize("content, headers", [
    (b"[]", None), (b" [ \n ] ", None), (b"", NDJSON), (b"\n \r\n\t\n", NDJSON), (gzip.compress(b"[]"), GZIP)])
def test_none_is_refused(space, content, headers):
    refused(space, content, 422, "unprocessable_entity", NONE, headers)


def test_twice_in_one_batch_is_once(space):
    """Also of two that are in transactions of their own."""
    twin = item(space, 5)
    other = {**twin, "amount": 6}
    fill = [item(space, 1) for _ in range(600)]
    answer = send(space, [twin, twin, *fill, twin, other])
    assert words(answer) == ["recorded", "replayed", *["recorded"] * 600, "replayed", "replayed"]
    last = answer["results"][-1]
    assert (last["reason"], last["detail"], last["response"]["sale"]["amount"]) == ("invoice_conflict", "amount", 5)
    assert space.fresh(space.way)["saleAmount"] == 605
    # Without an invoice each is a sale.
    loose = {"customerExternalId": space.buyer, "amount": 1}
    assert words(send(space, [loose, loose])) == ["recorded"] * 2


def test_what_was_sent_alone_is_replayed(space):
    sale = item(space)
    first = space.post("/track/sale", sale)
    answer = send(space, [sale])
    assert words(answer) == ["replayed"] and answer["results"][0]["response"] == first.json()
    # And the other way round.
    batched = item(space)
    send(space, [batched])
    assert space.post("/track/sale", batched).headers["idempotent-replayed"] == "true"


def test_a_strict_workspace_refuses_a_conflict(server, space):
    server.command("workspace", "update", space.slug, "--on-conflict", "refuse")
    sale = item(space, 5)
    answer = send(space, [sale, {**sale, "amount": 6}])
    assert words(answer) == ["recorded", "refused"]
    conflict = answer["results"][1]
    assert (conflict["status"], conflict["reason"], conflict["detail"]) == (409, "invoice_conflict", "amount")
    assert conflict["response"]["error"]["code"] == "conflict"


def test_a_direct_sale_makes_the_customer_of_the_next_one(space):
    name, click = unique("direct"), space.click(space.link())
    answer = send(space, [
        {"customerExternalId": name, "amount": 1},
        {"customerExternalId": name, "amount": 2, "clickId": click},
        {"customerExternalId": name, "amount": 3}])
    assert words(answer) == ["refused", "recorded", "recorded"]
    assert space.customer(name)["saleAmount"] == 5


def test_a_refused_item_is_kept_and_can_be_tried_again(space):
    late = item(space, 30, customerExternalId=unique("late"))
    answer = send(space, [item(space, 1), late, item(space, 2)])
    assert words(answer) == ["recorded", "refused", "recorded"]
    [rejection] = kept(space)
    assert rejection["endpoint"] == "/track/sale" and json.loads(rejection["body"]) == late
    space.lead(late["customerExternalId"], space.click(space.way))
    done = space.ok("POST", "/rejections/replay", json={"ids": [rejection["id"]]})
    assert done["recorded"] == 1 and kept(space) == []
    assert space.fresh(space.way)["saleAmount"] == 33
    assert words(send(space, [late])) == ["replayed"]


def test_no_item_stops_another(space):
    """A thousand refusals of one kind, and one sale among a thousand."""
    items = [{"amount": n} for n in range(999)]
    items.insert(500, item(space, 77))
    answer = send(space, items)
    assert (answer["recorded"], answer["refused"]) == (1, 999)
    assert words(answer)[500] == "recorded" and space.fresh(space.way)["saleAmount"] == 77


@contextmanager
def refusing(server, table: str, check: str):
    """A database that does not take a row which the rules allow."""
    with opened(server) as rows:
        rows.execute(
            f"CREATE TRIGGER refusing BEFORE INSERT ON {table} WHEN NOT (NEW.{check}) "
            "BEGIN SELECT RAISE(ABORT, 'refused'); END" if IS_SQLITE
            else f"ALTER TABLE {table} ADD CONSTRAINT refusing CHECK ({check}) NOT VALID")
    try:
        yield
    finally:
        with opened(server) as rows:
            rows.execute("DROP TRIGGER refusing" if IS_SQLITE else f"ALTER TABLE {table} DROP CONSTRAINT refusing")


def test_an_item_that_fails_stops_no_other(space, server):
    bad = item(space, 5)
    with refusing(server, "sale", f"invoice_id <> '{bad['invoiceId']}'"):
        answer = send(space, [item(space, 1), bad, {"amount": 1}, item(space, 2)])
        assert words(answer) == ["recorded", "refused", "refused", "recorded"]
        failed = answer["results"][1]
        assert (failed["status"], failed["reason"]) == (500, None)
        assert failed["response"]["error"]["code"] == "internal_server_error"
        assert answer["results"][2]["reason"] == "malformed_body" and len(kept(space)) == 1
        # If nothing at all was committed there is one answer.
        refused(space, [bad], 500, "internal_server_error")
    assert words(send(space, [bad])) == ["recorded"]
    assert space.fresh(space.way)["saleAmount"] == 8


@pytest.mark.one_node
def test_an_item_that_can_not_be_kept_is_told_what_was_wrong_with_it(space, server):
    """As of a single call, it is counted what was lost."""
    before = server.metric("tribute_rejections_lost_total")
    with refusing(server, "rejection", "reason <> 'malformed_body'"):
        answer = send(space, [item(space, 1), {"amount": 1}, item(space, 2)])
    assert words(answer) == ["recorded", "refused", "recorded"]
    lost = answer["results"][1]
    assert (lost["status"], lost["reason"]) == (400, None)
    assert lost["response"]["error"]["message"] == "customerExternalId is required"
    assert kept(space) == [] and server.metric("tribute_rejections_lost_total") == before + 1


# --- NDJSON --------------------------------------------------------------------------------------

@pytest.mark.parametrize("type", [
    "application/x-ndjson", "application/ndjson", "Application/X-NDJSON", "application/x-ndjson; charset=utf-8",
    "application/ndjson ;a=b"])
def test_lines(space, type):
    content = lines([item(space, 1), item(space, 2), item(space, 4)])
    answer = send(space, content, headers={"Content-Type": type})
    assert answer["recorded"] == 3 and space.fresh(space.way)["saleAmount"] == 7


@pytest.mark.parametrize("between", [b"\n", b"\r\n", b"\n\n\n", b"\r\n \t\r\n", b" \n "])
@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n\r\n"])
@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf", b"\n\n"])
def test_what_may_stand_around_lines(space, start, between, end):
    sales = [json.dumps(item(space, n)).encode() for n in (1, 2)]
    answer = send(space, start + between.join(sales) + end, headers=NDJSON)
    assert words(answer) == ["recorded"] * 2


def test_a_broken_line_is_one_item(space):
    good = item(space, 3)
    content = [b"{", good, b'{"amount":1,}', b"nonsense", b"[", b"\xff\xfe", b"[" + lines([item(space)]) + b"]",
               lines([item(space)]) + b",", b'{"a":"line', b'break"}', item(space, 4)]
    answer = send(space, lines(content), headers=NDJSON)
    assert words(answer) == ["refused", "recorded", *["refused"] * 8, "recorded"]
    assert space.fresh(space.way)["saleAmount"] == 7
    statuses = [r["status"] for r in answer["results"]]
    assert statuses == [400, 200, 400, 400, 400, 400, 422, 400, 400, 400, 200]
    assert [r["reason"] for r in kept(space)].count("malformed_body") == 8
    assert [r["body"] for r in kept(space)][:3] == ["{", '{"amount":1,}', "nonsense"]


# --- arrays --------------------------------------------------------------------------------------

@pytest.mark.parametrize("type", ["application/json", "application/json; charset=utf-8", "text/plain",
                                  "application/x-www-form-urlencoded", None])
def test_an_array_whatever_its_type(space, type):
    request = space.http.build_request("POST", BATCH, content=json.dumps([item(space)]).encode())
    assert "content-type" not in request.headers
    if type:
        request.headers["Content-Type"] = type
    assert space.http.send(request).json()["recorded"] == 1


@pytest.mark.parametrize("before, after", [
    (b"\xef\xbb\xbf[", b"]"), (b" \r\n\t[ \n", b" \n] \r\n"), (b"[", b"]\n\n")])
def test_what_may_stand_around_an_array(space, before, after):
    sales = b" ,\r\n\t".join(json.dumps(item(space, n), indent=2).encode() for n in (1, 2))
    assert words(send(space, before + sales + after)) == ["recorded"] * 2


BROKEN = [
    (b"", None), (b" ", None), (b"{}", None), (b"GOOD", None), (b"GOOD\nGOOD", None), (b"null", None),
    (b"sale=1", None),
    (b"[", 0), (b"[GOOD", 0), (b"[GOOD,", 1), (b"[GOOD,]", 1), (b"[,GOOD]", 0), (b"[GOOD,,GOOD]", 1),
    (b"[GOOD GOOD]", 0), (b"[GOOD]]", 1), (b"[GOOD]x", 1), (b"[GOOD][GOOD]", 1), (b"[GOOD,}", 1), (b"[GOOD,nul]", 1),
    (b"[GOOD,{\"amount\":1]", 1), (b"[GOOD,{\"amount\":tru}]", 1), (b"[GOOD,{\"amount\":1,}]", 1),
    (b"[GOOD,{'amount':1}]", 1), (b"[GOOD,{\"amount\":01}]", 1), (b"[GOOD,\"open]", 1),
    (b"[GOOD,{\"a\":\"x\"y\"}]", 1), (b"[GOOD,{\"a\":\"line\nbreak\"}]", 1), (b"[GOOD,\xff]", 1),
    (b"[GOOD,\x00]", 1),
    (b"[GOOD,GOOD,// no\n]", 2), (b"[GOOD,GOOD] // no", 2), (b"\xff\xfe[\x00]\x00", None),
]


@pytest.mark.parametrize("text, index", BROKEN, ids=lambda v: str(v)[:40])
def test_a_broken_array_is_refused_as_a_whole(space, text, index):
    """Nobody can tell where the items behind the mistake begin: a sale before it is not recorded either."""
    content = text.replace(b"GOOD", json.dumps(item(space)).encode())
    place = "" if index is None else f" at [{index}]"
    refused(space, content, 400, "bad_request", NO_ARRAY.format(place))


def test_an_array_that_ends_too_early_at_any_byte(space):
    content = json.dumps([item(space), {"amount": 1, "eventName": 'a"]},{\\'}]).encode()
    before = everything(space)
    for end in range(len(content)):
        assert space.post(BATCH, content[:end]).status_code == 400
    assert everything(space) == before
    assert words(send(space, content)) == ["recorded", "refused"]


# --- bytes ---------------------------------------------------------------------------------------

def squeezed(content: bytes, wbits: int = 31) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, wbits)
    return packer.compress(content) + packer.flush()


@pytest.mark.parametrize("coding", ["gzip", "GZip", "x-gzip", "identity, gzip"])
@pytest.mark.parametrize("form", ["array", "ndjson"])
def test_gzip(space, coding, form):
    items = [item(space, 2) for _ in range(300)]
    content = json.dumps(items).encode() if form == "array" else lines(items)
    headers = {"Content-Encoding": coding, **(NDJSON if form == "ndjson" else {})}
    assert send(space, gzip.compress(content), headers=headers)["recorded"] == 300
    # In members, as programs write that add to a file: cut within an item.
    cut = len(content) // 2
    parts = gzip.compress(content[:cut]) + gzip.compress(b"") + gzip.compress(content[cut:])
    assert send(space, parts, headers=headers)["replayed"] == 300


@pytest.mark.parametrize("coding", ["identity", "", "identity, identity"])
def test_no_coding(space, coding):
    assert send(space, [item(space)], headers={"Content-Encoding": coding})["recorded"] == 1


@pytest.mark.parametrize("coding", ["br", "deflate", "zstd", "compress", "gzip, gzip", "gzip, br", "gzip2", "*"])
def test_another_coding(space, coding):
    reply = refused(space, gzip.compress(json.dumps([item(space)]).encode()), 415, "bad_request",
                    "The Content-Encoding of the request must be gzip or none.", {"Content-Encoding": coding})
    assert reply.headers["accept-encoding"] == "gzip"


def damaged_gzip(content: bytes) -> dict[str, bytes]:
    whole = gzip.compress(content, mtime=0)
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 0x40
    return {
        "empty": b"", "plain": content, "cut off": whole[:-1], "cut in the middle": whole[:len(whole) // 2],
        "head alone": whole[:10], "bit flipped": bytes(flipped), "checksum": whole[:-8] + b"\0\0\0\0" + whole[-4:],
        "length": whole[:-4] + b"\1\0\0\0", "garbage behind": whole + b"x", "zeros behind": whole + b"\0" * 8,
        "half a member behind": whole + whole[:15], "zlib": squeezed(content, 15), "deflate": squeezed(content, -15),
    }


def test_broken_gzip_is_refused_as_a_whole(space):
    for what, content in damaged_gzip(json.dumps([item(space)] * 3).encode()).items():
        try:
            refused(space, content, 400, "bad_request", "The request body is not whole and valid gzip.", GZIP)
        except AssertionError as error:
            raise AssertionError(what) from error


def test_gzip_without_its_header_is_no_json(space):
    refused(space, gzip.compress(json.dumps([item(space)]).encode()), 400, "bad_request", NO_ARRAY.format(""))


def padded(items, size: int) -> bytes:
    """A batch of exactly so many bytes."""
    content = json.dumps(items).encode()
    return content[:-1] + b" " * (size - len(content)) + b"]"


LARGE = "The request body is larger than {} bytes{}."


def test_as_sent_it_may_have_one_mebibyte(space):
    assert send(space, padded([item(space)], 1 << 20))["recorded"] == 1
    refused(space, padded([item(space)], (1 << 20) + 1), 413, "bad_request", LARGE.format(1 << 20, ""))
    refused(space, os.urandom((1 << 20) + 1), 413, "bad_request", LARGE.format(1 << 20, ""), GZIP)


def test_inflated_it_may_have_four(space):
    assert send(space, gzip.compress(padded([item(space)], 4 << 20)), headers=GZIP)["recorded"] == 1
    too_large = LARGE.format(4 << 20, " once it is inflated")
    refused(space, gzip.compress(padded([item(space)], (4 << 20) + 1)), 413, "bad_request", too_large, GZIP)
    refused(space, gzip.compress(padded([item(space)], 3 << 20)) * 2, 413, "bad_request", too_large, GZIP)


@pytest.mark.one_node
def test_a_bomb_is_not_inflated(tmp_path):
    """A gibibyte from one mebibyte: refused at the first byte too many, a hundred times over."""
    server = Server(tmp_path).start()
    try:
        space = server.workspace()
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(1_000)) + packer.flush()
        assert 900_000 < len(bomb) < 1 << 20
        before, begun = peak_memory(server), time.monotonic()
        replies = together(20, lambda _: [space.post(BATCH, bomb, headers=GZIP) for _ in range(5)])
        for reply in sum(replies, []):
            assert_error(reply, 413, "bad_request", LARGE.format(4 << 20, " once it is inflated"))
        assert time.monotonic() - begun < 15
        assert peak_memory(server) - before < 100 << 20, f"{peak_memory(server) >> 20} MiB"
    finally:
        assert server.stop() == 0
        server.verify()


def peak_memory(server) -> int:
    with open(f"/proc/{server.process.pid}/status") as status:
        return int(re.search(r"VmHWM:\s+(\d+) kB", status.read()).group(1)) << 10


def test_an_item_may_be_as_long_as_a_single_call(space):
    """One mebibyte; a longer one is refused alone, and not kept itself."""
    def long(size: int) -> bytes:
        text = json.dumps(item(space, 3, pad="")).encode()
        return text[:-2] + b"x" * (size - len(text)) + b'"}'

    first, last = (json.dumps(item(space, amount)).encode() for amount in (1, 2))
    items = [first, long(1 << 20), long((1 << 20) + 1), last]
    answer = send(space, gzip.compress(b"[" + b",".join(items) + b"]"), headers=GZIP)
    assert words(answer) == ["recorded", "recorded", "refused", "recorded"]
    single = space.post("/track/sale", items[2])
    result = answer["results"][2]
    assert (result["status"], result["reason"], result["response"]) == (413, "body_too_large", single.json())
    assert [(r["reason"], r["body"], r["detail"]) for r in kept(space)] == [("body_too_large", "", None)] * 2


@pytest.mark.parametrize("told", ["longer", "shorter"])
def test_a_length_that_is_not_so(server, space, told):
    content = json.dumps([item(space)]).encode()
    before = everything(space)
    wire = Wire(server.port, space.token, timeout=10)
    length = len(content) + (10 if told == "longer" else -1)
    wire.socket.sendall(f"POST {BATCH} HTTP/1.1\r\n{wire.head}Content-Length: {length}\r\n\r\n".encode() + content)
    if told == "shorter":
        status, _, answer = wire.answer()
        assert status == 400 and json.loads(answer)["error"]["code"] == "bad_request"
    wire.close()
    time.sleep(0.2)
    assert everything(space) == before


def test_in_chunks(space):
    content = gzip.compress(json.dumps([item(space) for _ in range(50)]).encode())
    pieces = [content[n:n + 7] for n in range(0, len(content), 7)]
    assert space.http.post(BATCH, content=iter(pieces), headers=GZIP).json()["recorded"] == 50


@pytest.mark.parametrize("content", [
    b"[" + b",".join([b"{" + b",".join(b'"%d":1' % n for n in range(1_000)) + b"}"] * 500) + b"]",
    b"[" * 4_000_000, b"[" + b",".join([b"[" * 2_000 + b"]" * 2_000] * 1_000) + b"]",
    b"[" + b'"' + b"\\\\" * 2_000_000 + b'"]', b"[" + b" " * 4_000_000 + b"]", b"\n" * 4_000_000,
    b"[" + b",".join([b'{"amount":1e-' + b"9" * 4_000 + b"}"] * 1_000) + b"]",
], ids=["keys", "brackets", "nests", "backslashes", "spaces", "lines", "exponents"])
def test_hostile_texts_take_a_moment(space, content):
    packed = gzip.compress(content, 1)
    begun = time.monotonic()
    for form in ({}, NDJSON):
        reply = space.post(BATCH, packed, headers={**GZIP, **form})
        assert reply.status_code in (200, 400, 422), reply.text
    assert time.monotonic() - begun < 5


# --- callers -------------------------------------------------------------------------------------

def test_who_may(server, space):
    """As whoever may send single sales: any key of the workspace, on a plan with conversions."""
    content = json.dumps([item(space)]).encode()
    before = everything(space)
    for headers, status, code in (
            ({}, 401, "unauthorized"), (bearer("dub_" + "x" * 24), 401, "unauthorized"),
            ({"Authorization": "Basic x"}, 400, "bad_request"),
            (bearer(server.token(space.slug, "--publishable")), 401, "unauthorized")):
        assert_error(httpx.post(server.url + BATCH, content=content, headers=headers), status, code)
    assert everything(space) == before
    other = server.token(space.slug, "--scopes", "tags.read")
    assert httpx.post(server.url + BATCH, content=content, headers=bearer(other)).json()["recorded"] == 1
    assert_error(server.workspace("pro").post(BATCH, content), 403, "forbidden", "Unauthorized: Need higher plan.")
    for method in ("GET", "PUT", "DELETE", "OPTIONS"):
        reply = space.http.request(method, BATCH)
        assert_error(reply, 405, "method_not_allowed")
        assert reply.headers["allow"] == "POST"


def test_customers_of_others_are_nobody(server, space):
    other = server.workspace()
    answer = send(other, [item(space)])
    assert words(answer) == ["refused"] and answer["results"][0]["reason"] == "customer_unknown"


@pytest.mark.one_node
def test_a_batch_is_one_request_to_the_rate_limit(tmp_path):
    server = Server(tmp_path, "--rate-limits", "plan").start()
    try:
        space = server.workspace("business")
        left = [space.post(BATCH, [{"customerExternalId": "x", "amount": 1}] * count).headers["x-ratelimit-remaining"]
                for count in (1, 1_000, 1)]
        assert [int(each) for each in left] == [1_199, 1_198, 1_197]
        reply = space.post(BATCH, b"[")
        assert_error(reply, 400, "bad_request")
        assert reply.headers["x-ratelimit-remaining"] == "1196"
    finally:
        assert server.stop() == 0


# --- all at once, and the end of it --------------------------------------------------------------

def test_equal_batches_at_once_are_one(space):
    items = [item(space, n + 1) for n in range(250)]
    # No more than the queue has room for.
    contents = [json.dumps(items[::step]).encode() for step in (1, -1) for _ in range(8)]
    wires = [Wire(space.server.port, space.token) for _ in contents]
    answers = together(len(wires), lambda n: wires[n].post(BATCH, contents[n]))
    assert {status for status, _, _ in answers} == {200}
    found = [json.loads(content) for _, _, content in answers]
    assert sum(answer["recorded"] for answer in found) == 250
    assert sum(answer["replayed"] for answer in found) == 15 * 250
    first: dict = {}
    for answer in found:
        for result in answer["results"]:
            sale = result["response"]
            assert first.setdefault(sale["sale"]["invoiceId"], sale) == sale
    assert space.fresh(space.way)["saleAmount"] == sum(n + 1 for n in range(250))


def test_batches_beside_single_calls(space):
    """The same invoices come both ways; each is one sale."""
    items = [item(space, 10) for _ in range(200)]
    wires = [Wire(space.server.port, space.token) for _ in range(8)]

    def work(n):
        if n % 2:
            return [wires[n].post("/track/sale", body(**each))[0] for each in items[::n]]
        return [wires[n].post(BATCH, json.dumps(items).encode())[0]]

    assert set(sum(together(8, work), [])) == {200}
    now = space.fresh(space.way)
    assert (now["sales"], now["saleAmount"]) == (200, 2_000)


@pytest.mark.one_node
def test_a_full_queue_takes_none_of_a_batch(tmp_path):
    """What fits is taken in whole; what does not is told to come back, and changed nothing."""
    server = Server(tmp_path, "--queue-depth", "20").start()
    try:
        space = server.workspace()
        space.buyer, space.way = space.lead_customer()
        # A batch that never fits is told so.
        message = "You can only record up to 20 sales at a time."
        refused(space, [item(space)] * 21, 422, "unprocessable_entity", message)
        late, fits, full = (
            [item(space, amount) for _ in range(count)] for amount, count in ((1, 1), (10, 15), (100, 6)))
        malformed = [{"amount": "x"}] * 6
        wires = [Wire(server.port, space.token) for _ in range(2)]
        with standing_still(server):
            for wire, items, depth in zip(wires, (late, fits), (0, 15)):
                send_only(wire, items)
                wait_for_depth(server, depth)
            for items in (full, malformed):
                reply = space.post(BATCH, items)
                assert_error(reply, 503, "service_unavailable", re.compile("recorded nothing"))
                assert int(reply.headers["retry-after"]) >= 1
        assert [json.loads(wire.answer()[2])["recorded"] for wire in wires] == [1, 15]
        assert space.fresh(space.way)["saleAmount"] == 151 and kept(space) == []
        assert send(space, full)["recorded"] == 6
    finally:
        assert server.stop() == 0, server.log.read_text()
        server.verify()


@contextmanager
def standing_still(server):
    """The database takes no sale until the end of this."""
    with opened(server) as rows:
        rows.execute("BEGIN IMMEDIATE" if IS_SQLITE else "LOCK TABLE sale IN EXCLUSIVE MODE")
        yield
        rows.execute("ROLLBACK")


def send_only(wire: Wire, items):
    data = json.dumps(items).encode()
    wire.socket.sendall(f"POST {BATCH} HTTP/1.1\r\n{wire.head}Content-Length: {len(data)}\r\n\r\n".encode() + data)


def wait_for_depth(server, depth: int):
    """Until so many commands wait and one at least is on its way to the database."""
    end = time.monotonic() + 5
    while True:
        found = server.metric("tribute_commit_queue_depth")
        if found == depth:
            time.sleep(0.2)
            return
        assert time.monotonic() < end, f"{found} wait, not {depth}"
        time.sleep(0.02)


def test_kill_after_the_answer_loses_nothing(tmp_path):
    """And batches that were not answered are there in part or not, and once when they are sent again."""
    server = Server(tmp_path).start()
    try:
        space = server.workspace()
        space.buyer, space.way = space.lead_customer()
        answered, cut = [], []
        for turn in range(3):
            for _ in range(3):
                items = [item(space, 1) for _ in range(1_000)]
                answer = send(space, items)
                assert answer["recorded"] == 1_000
                answered.append((items, answer))
            wire = Wire(server.port, space.token)
            cut.append([item(space, 1) for _ in range(1_000)])
            send_only(wire, cut[-1])
            time.sleep(0.01 * turn)
            server.stop(signal.SIGKILL)
            wire.close()
            server.start()
            server.verify()
            space.http.close()
            space.http = type(space.http)(server, headers=bearer(space.token), timeout=30)
        for items, answer in answered:
            again = send(space, items)
            assert again["replayed"] == 1_000
            assert [r["response"] for r in again["results"]] == [r["response"] for r in answer["results"]]
        for items in cut:
            answer = send(space, items)
            assert answer["recorded"] + answer["replayed"] == 1_000
        assert space.fresh(space.way)["sales"] == 12_000
    finally:
        if server.process:
            assert server.stop() == 0, server.log.read_text()
        server.verify()
