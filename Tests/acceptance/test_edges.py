"""Requests and command lines that are broken: each is told what is wrong, nothing is recorded."""

import os
import re
import socket

import pytest

from harness import assert_error, free_port, httpx, unique


def spoken(server, *pieces, closes=False) -> bytes:
    """What the server answers to these bytes."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as wire:
        for piece in pieces:
            wire.sendall(piece.encode())
        if closes:
            wire.shutdown(socket.SHUT_WR)
        answer = b""
        while b"\r\n\r\n" not in answer and (more := wire.recv(65_536)):
            answer += more
        return answer


def head(acme, *fields: str) -> str:
    lines = ["POST /track/sale HTTP/1.1", "Host: x", f"Authorization: Bearer {acme.token}", *fields]
    return "\r\n".join(lines) + "\r\n\r\n"


def test_a_body_that_breaks_off_is_the_callers_fault(server, acme):
    before = len(server.log.read_text())
    broken = head(acme, "Transfer-Encoding: chunked") + "1\r\n{\r\nZZ"
    short = head(acme, "Content-Length: 100") + "{"
    for text in (broken, short):
        answer = spoken(server, text, closes=True)
        assert not answer or answer.startswith(b"HTTP/1.1 400 "), answer
    assert httpx.get(server.url + "/healthz").status_code == 200
    assert "error" not in server.log.read_text()[before:]
    assert server.metric('tribute_http_requests_total{method="POST",route="/track/sale",status="5xx"}') == 0


@pytest.mark.parametrize("fields", [[], ["Expect: 100-continue"]], ids=str)
def test_what_is_announced_as_too_large_is_not_waited_for(server, acme, fields):
    answer = spoken(server, head(acme, "Content-Length: 1048577", *fields))
    assert answer.startswith(b"HTTP/1.1 413 "), answer


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz", "/metrics"])
def test_probes_may_ask_for_the_head_alone(server, path):
    reply = httpx.head(server.url + path)
    assert reply.status_code == 200 and reply.content == b""


def test_metrics_say_of_which_kind_they_are(server):
    text = httpx.get(server.url + "/metrics").text
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M))
    assert kinds["tribute_http_requests_total"] == "counter"
    assert kinds["tribute_commit_queue_depth"] == "gauge"
    assert kinds["tribute_commit_seconds"] == "summary"
    assert len(re.findall("^# TYPE ", text, re.M)) == len(kinds)


@pytest.mark.parametrize("url", ["https://e.com:99999/", "https://e.com:x/", "https://:80/", "https://e.com:-1"])
def test_destinations_that_are_no_url(acme, url):
    assert_error(acme.post("/links", {"url": url}), 422, "unprocessable_entity", "Invalid destination URL")


@pytest.mark.parametrize("url", ["https://e.com:65535/", "https://e.com:/a", "http://[::1]:80/", "https://u:p@e.com:1/"])
def test_destinations_with_a_port(acme, url):
    assert acme.link(url=url)["url"] == url


def test_two_spellings_of_a_letter_are_two_titles(acme):
    link = acme.link(title="caf\u00e9")
    changed = acme.ok("PATCH", f"/links/{link['id']}", json={"title": "cafe\u0301"})
    assert changed["title"] == acme.fresh(link)["title"] == "cafe\u0301"


def test_rows_from_the_future_are_rejected(server, acme, tmp_path):
    link, key = acme.link(), unique("c")
    head = '{"type":"click","clickId":"%s","linkId":"%s","timestamp":"%s"}\n'
    rows = tmp_path / "rows.ndjson"
    rows.write_text(head % (key, link["id"], "2026-01-01") + head % (key + "x", link["id"], "9999-12-31"))
    done = server.run("import", str(rows), "--workspace", acme.slug)
    assert done.returncode == 1 and "1 recorded" in done.stdout and "1 rejected" in done.stdout, done
    assert "timestamp: lies in the future" in (tmp_path / "rows.ndjson.rejected.ndjson").read_text()
    assert acme.fresh(link)["clicks"] == 1


def test_rows_with_a_nul_and_quotes_without_an_end(server, acme, tmp_path):
    """A NUL has no room in PostgreSQL, to which the data may move."""
    head = "type,timestamp,customerExternalId,customerName\n"
    rows = tmp_path / "nul.csv"
    rows.write_text(head + "customer,2026-10-01T10:00:00Z,%s\0,x\ncustomer,2026-10-01T10:00:00Z,%s,x\n" % (
        unique("nul"), unique("good")))
    done = server.run("import", str(rows), "--workspace", acme.slug)
    assert done.returncode == 1 and "1 recorded" in done.stdout and "1 rejected" in done.stdout, done
    assert "the row has a NUL character" in (tmp_path / "nul.csv.rejected.ndjson").read_text()
    open_quote = tmp_path / "quote.csv"
    open_quote.write_text(head + 'customer,2026-10-01T10:00:00Z,"broken,x\n' + "x\n" * 600_000)
    done = server.run("import", str(open_quote), "--workspace", acme.slug)
    assert done.returncode == 1 and "1 rejected" in done.stdout, done
    told = (tmp_path / "quote.csv.rejected.ndjson").read_text()
    assert "a quote in it is not closed, up to line 600003" in told, told[:300]


def test_files_that_are_none(server, acme, tmp_path):
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    for path, reason in [
            (tmp_path, "is a directory"), (tmp_path / "none.csv", "There is no file"),
            (pipe, "is no regular file")]:
        done = server.run("import", str(path), "--workspace", acme.slug)
        assert done.returncode == 1 and reason in done.stderr, done
        assert "NSError" not in done.stderr and "Domain" not in done.stderr


@pytest.mark.parametrize("flag, value", [
    ("--host", ""), ("--host", "300.1.1.1"), ("--host", "a b"), ("--host", "::zz"), ("--port", "0"),
    ("--default-domain", "a b"), ("--default-domain", "a/b"),
])
def test_settings_that_make_no_sense_are_named(server, flag, value):
    done = server.run("serve", flag, value, timeout=10)
    assert done.returncode == 64 and f"{flag}: '{value}' is not " in done.stderr, done


def test_a_port_that_is_taken(server):
    done = server.run("serve", "--port", str(server.port), timeout=20)
    assert done.returncode == 1 and "Another program listens on" in done.stderr, done


def test_an_address_that_the_machine_does_not_have(server):
    done = server.run("serve", "--host", "192.0.2.1", "--port", str(free_port()), timeout=20)
    assert done.returncode == 1 and "This machine has no address 192.0.2.1" in done.stderr, done


@pytest.mark.sqlite
def test_a_file_that_is_no_database(tmp_path, server):
    (tmp_path / "tribute.db").write_text("hello, I am no database\n" * 100)
    elsewhere = type(server)(tmp_path)
    done = elsewhere.run("verify")
    assert done.returncode == 1 and "is not a database of Tribute" in done.stderr, done
