"""Real purchases of an online shop, to the cent: by import, and by concurrent requests."""

import csv
import json
import random
import signal
import subprocess
import time
from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path

import pytest

from harness import BROWSER, Wire, binary, clean_environment, post_all, together

DATA = Path(__file__).parent / "data" / "cdnow-sample.txt"
LINKS = 8
COLUMNS = ["type", "timestamp", "clickId", "domain", "key", "url", "referrer", "country", "customerExternalId",
           "eventName", "customerName", "customerEmail", "amount", "currency", "paymentProcessor", "invoiceId",
           "leadEventName", "metadata"]


class Purchases:
    def __init__(self):
        rows = [line.split() for line in DATA.read_text().splitlines() if line.strip()]
        self.rows = []
        self.index: dict[str, int] = {}
        for number, (_, customer, date, _, dollars) in enumerate(rows):
            cents = Decimal(dollars) * 100
            assert cents == cents.to_integral_value()
            customer = f"cdnow-{customer}"
            self.index.setdefault(customer, len(self.index))
            day = f"{date[:4]}-{date[4:6]}-{date[6:]}"
            self.rows.append((customer, day, int(cents), f"cdnow-{number}"))
        self.paid = [row for row in self.rows if row[2] > 0]

    def link(self, customer: str) -> int:
        return self.index[customer] % LINKS

    def sales(self) -> Counter:
        return Counter((c, invoice, cents, self.link(c)) for c, _, cents, invoice in self.paid)

    def by_customer(self) -> dict:
        totals = {customer: [0, 0] for customer in self.index}
        for customer, _, cents, _ in self.paid:
            totals[customer][0] += 1
            totals[customer][1] += cents
        return {customer: tuple(total) for customer, total in totals.items()}

    def by_link(self) -> list:
        """clicks, leads, conversions, sales, amount."""
        totals = [[0] * 5 for _ in range(LINKS)]
        for customer, (sales, amount) in self.by_customer().items():
            total = totals[self.link(customer)]
            for place, value in enumerate((1, 1, int(sales > 0), sales, amount)):
                total[place] += value
        return [tuple(total) for total in totals]


@pytest.fixture(scope="module")
def purchases():
    purchases = Purchases()
    assert (len(purchases.rows), len(purchases.index)) == (6919, 2357)
    assert len(purchases.paid) < len(purchases.rows)
    return purchases


def campaign(workspace):
    return [workspace.link(url=f"https://cdnow.example/{n}", key=f"{workspace.slug}-{n}") for n in range(LINKS)]


def recorded(workspace, links):
    place = {link["id"]: n for n, link in enumerate(links)}
    events = workspace.events("sales")
    assert len({e["eventId"] for e in events}) == len(events)
    assert {e["sale"]["currency"] for e in events} <= {"usd"}
    return Counter((e["customer"]["externalId"], e["sale"]["invoiceId"], e["sale"]["amount"], place[e["link"]["id"]])
                   for e in events)


def check(workspace, links, purchases):
    assert recorded(workspace, links) == purchases.sales()
    now = [workspace.fresh(link) for link in links]
    assert [tuple(n[k] for k in ("clicks", "leads", "conversions", "sales", "saleAmount")) for n in now] == purchases.by_link()
    customers = workspace.customers()
    assert {c["externalId"]: (c["sales"], c["saleAmount"]) for c in customers} == purchases.by_customer()
    leads = Counter(e["customer"]["externalId"] for e in workspace.events("leads"))
    assert leads == Counter(list(purchases.index))
    workspace.server.verify()


def event_rows(purchases, links):
    """In the order of time: a click and a lead at the first purchase, then the sales of the day."""
    met = set()
    for customer, day, cents, invoice in sorted(purchases.rows, key=lambda r: r[1]):
        click = f"click-{customer}"
        if customer not in met:
            met.add(customer)
            link = links[purchases.link(customer)]
            yield {"type": "click", "timestamp": f"{day}T00:00:00Z", "clickId": click, "domain": link["domain"],
                   "key": link["key"], "country": "US", "referrer": "https://search.example/"}
            yield {"type": "lead", "timestamp": f"{day}T00:00:01Z", "clickId": click, "eventName": "First purchase",
                   "customerExternalId": customer}
        yield {"type": "sale", "timestamp": f"{day}T12:00:00Z", "customerExternalId": customer, "amount": cents,
               "currency": "usd", "eventName": "Purchase", "paymentProcessor": "custom", "invoiceId": invoice}


def write(path: Path, rows):
    if path.suffix == ".csv":
        with open(path, "w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def run_import(server, path, workspace):
    return server.run("import", str(path), "--workspace", workspace.slug)


def test_import_interrupted_and_run_again(server, purchases, tmp_path):
    workspace = server.workspace()
    links = campaign(workspace)
    path = write(tmp_path / "cdnow.csv", event_rows(purchases, links))
    process = subprocess.Popen(
        [binary(), "import", str(path), "--workspace", workspace.slug, "--database", server.database],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=clean_environment())
    wire = Wire(server.port, workspace.token)
    try:
        while process.poll() is None:
            if len(json.loads(wire.request("GET", "/events?event=sales&interval=all&limit=1")[2])) == 1:
                process.send_signal(signal.SIGINT)
                break
            time.sleep(0.005)
        output = process.communicate(timeout=60)[0]
    finally:
        if process.poll() is None:
            process.kill()
    assert process.returncode != 0, f"it was not interrupted:\n{output.decode()}"
    part = recorded(workspace, links)
    assert not part - purchases.sales()
    assert 0 < part.total() < len(purchases.paid), "the interruption came too late to show anything"
    server.verify()
    # The server goes on all the while.
    assert workspace.get("/customers").status_code == 200
    done = run_import(server, path, workspace)
    assert done.returncode == 0, done.stdout + done.stderr
    check(workspace, links, purchases)
    # Once more changes nothing.
    before = [workspace.fresh(link) for link in links]
    done = run_import(server, path, workspace)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [workspace.fresh(link) for link in links] == before
    check(workspace, links, purchases)
    # The events have the time of the purchase, not of the import.
    [first] = workspace.ok("GET", "/events", params={"event": "sales", "interval": "all", "limit": 1, "sortOrder": "asc"})
    assert first["timestamp"] == "1997-01-01T12:00:00.000Z"
    assert workspace.ok("GET", "/events", params={"event": "sales"}) == []
    # What was imported is known to the API.
    customer, _, cents, invoice = purchases.paid[0]
    again = workspace.sale(customer, cents, invoiceId=invoice, eventName="Purchase")
    assert again.headers.get("idempotent-replayed") == "true"
    check(workspace, links, purchases)


@pytest.mark.parametrize("kind", ["csv", "ndjson"])
def test_bad_rows_are_told_and_good_ones_land(server, tmp_path, kind):
    workspace = server.workspace()
    link = workspace.link()
    at = {"timestamp": "2024-05-01T10:00:00Z"}
    rows = [
        {"type": "click", **at, "clickId": f"import-{kind}-1", "domain": link["domain"], "key": link["key"]},
        {"type": "lead", **at, "clickId": f"import-{kind}-1", "eventName": "Sign up", "customerExternalId": "good",
         "customerName": "Good", "customerEmail": "good@example.com"},
        {"type": "sale", **at, "customerExternalId": "good", "amount": 100, "invoiceId": "i1"},
        {"type": "sale", **at, "customerExternalId": "good", "amount": -5, "invoiceId": "i2"},
        {"type": "sale", **at, "customerExternalId": "good", "amount": 1.5, "invoiceId": "i3"},
        {"type": "sale", **at, "customerExternalId": "nobody", "amount": 100, "invoiceId": "i4"},
        {"type": "sale", "timestamp": "yesterday", "customerExternalId": "good", "amount": 100, "invoiceId": "i5"},
        {"type": "gift", **at, "customerExternalId": "good"},
        {"type": "sale", **at, "customerExternalId": "good", "amount": 100, "currency": "zzz", "invoiceId": "i6"},
        {"type": "lead", **at, "clickId": "no-such-click", "eventName": "x", "customerExternalId": "new"},
        {"type": "click", **at, "clickId": f"import-{kind}-2", "domain": link["domain"], "key": "no-such-key"},
        {"type": "sale", **at, "customerExternalId": "good", "amount": 50, "invoiceId": "i7"},
    ]
    path = write(tmp_path / f"events.{kind}", rows)
    for _ in range(2):
        run_import(server, path, workspace)
        now = workspace.fresh(link)
        assert (now["clicks"], now["leads"], now["sales"], now["saleAmount"]) == (1, 1, 2, 150)
        rejects = Path(f"{path}.rejected.ndjson")
        told = [json.loads(line) for line in rejects.read_text().splitlines()]
        # A header makes line 1 of a CSV file.
        first = 2 if kind == "csv" else 1
        assert sorted(t["line"] for t in told) == [n + first for n in range(3, 11)]
        assert all(t["reason"] for t in told)
    [lead] = workspace.events("leads")
    assert lead["timestamp"] == "2024-05-01T10:00:00.000Z" and lead["customer"]["name"] == "Good"


@pytest.mark.parametrize("kind", ["good", "bad"])
def test_bad_rows_replace_nothing_but_earlier_ones(server, tmp_path, kind):
    """Neither the input nor the data, nor anything else, whether there are bad rows or not."""
    workspace = server.workspace()
    amount = "" if kind == "good" else "x"
    source = tmp_path / "i.csv"
    source.write_text(f"type,timestamp,customerExternalId,customerName,amount\ncustomer,2024-05-01,c1,Q,\nsale,2024-05-01,c1,,{amount}\n"
                      if kind == "bad" else "type,timestamp,customerExternalId,customerName\ncustomer,2024-05-01,c1,Q\n")
    (tmp_path / "folder").mkdir()
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "link").symlink_to("i.csv")
    (tmp_path / "nowhere").symlink_to("nothing")
    held = {name: (tmp_path / name).read_bytes() for name in ("i.csv", "precious")}
    run = lambda path: server.run("import", str(source), "--workspace", workspace.slug, "--rejects", str(path))  # noqa: E731
    for path in ("i.csv", "precious", "folder", "link", "nowhere", server.path, f"{server.path}-wal", "none/x"):
        done = run(tmp_path / path)
        assert done.returncode == 1 and "--rejects" in done.stderr, (path, done)
    assert {name: (tmp_path / name).read_bytes() for name in held} == held
    assert workspace.ok("GET", "/customers/count") == 0 and (tmp_path / "folder").is_dir()
    for _ in range(2):
        assert run(tmp_path / "new").returncode == (0 if kind == "good" else 1)
        assert (tmp_path / "new").exists() == (kind == "bad")
    server.verify()


@pytest.mark.parametrize("text, reasons", [
    (b'type,timestamp,customerExternalId,"amount\nsale,2024-05-01,c,1\nsale,2024-05-01,c,2\n', ["quoted field"]),
    (b"type,\xff,amount\nsale,2024-05-01,1\nlead,2024-05-01,2\n", ["not valid UTF-8", "header on the first line", "header on the first line"]),
    (b"type,timestamp,customerExternalId,amount,amount\nsale,2024-05-01,c,1,2\n", ["a column twice", "header on the first line"]),
    (b"type,timestamp,customerExternalId,amount\nsale,2024-05-01,c,-\nsale,2024-05-01,c,1-2\n", ["whole number"] * 2),
    (b'type,timestamp,customerExternalId,amount,metadata\nsale,2024-05-01,c,1,"{},""invoiceId"":""x"""\n', ["not a JSON object"])])
def test_files_that_are_not_what_they_seem(server, tmp_path, text, reasons):
    """A second line is never taken for the header."""
    path = tmp_path / "events.csv"
    path.write_bytes(text)
    run_import(server, path, server.workspace())
    told = [json.loads(line)["reason"] for line in Path(f"{path}.rejected.ndjson").read_text().splitlines()]
    assert len(told) == len(reasons) and all(reason in said for reason, said in zip(reasons, told)), told


def test_a_click_of_another_workspace_is_not_taken_for_ones_own(server, tmp_path):
    one, two = server.workspace(), server.workspace()
    links = one.link(), two.link()
    row = {"type": "click", "timestamp": "2024-05-01T10:00:00Z", "clickId": "shared-click"}
    for workspace, link in zip((one, two), links):
        run_import(server, write(tmp_path / f"{workspace.slug}.ndjson", [{**row, "linkId": link["id"]}]), workspace)
    assert one.fresh(links[0])["clicks"] == 1
    if two.fresh(links[1])["clicks"] == 0:
        assert (tmp_path / f"{two.slug}.ndjson.rejected.ndjson").read_text().strip(), "lost without a word"


def test_requests_in_any_order_three_times_each(server, purchases):
    workspace = server.workspace()
    links = campaign(workspace)
    customers = list(purchases.index)
    wires = [Wire(server.port, workspace.token) for _ in range(16)]

    def arrive(thread):
        clicks = {}
        for customer in customers[thread::16]:
            link = links[purchases.link(customer)]
            status, head, _ = wires[thread].request(
                "GET", f"/{link['key']}", extra=f"User-Agent: {BROWSER} {customer}\r\n")
            assert status == 302
            field = next(line for line in head.decode().split("\r\n") if line.lower().startswith("set-cookie:"))
            clicks[customer] = field.split(";")[0].rsplit("=", 1)[1]
        return clicks

    clicks = {}
    for part in together(16, arrive):
        clicks |= part
    chance = random.Random(1997)

    def shuffled(posts):
        chance.shuffle(posts)
        return posts

    leads = [("/track/lead", json.dumps({
        "clickId": clicks[customer], "eventName": "First purchase", "customerExternalId": customer}).encode())
        for customer in customers]
    answers = post_all(server.port, workspace.token, shuffled(leads))
    assert Counter(status for status, _, _ in answers) == {200: len(leads)}
    sales = [("/track/sale", json.dumps({
        "externalId": customer, "amount": cents, "invoiceId": invoice, "paymentProcessor": "custom"}).encode())
        for customer, _, cents, invoice in purchases.rows for _ in range(3)]
    answers = post_all(server.port, workspace.token, shuffled(sales), connections=32)
    assert Counter(status for status, _, _ in answers) == {200: len(sales)}
    same = defaultdict(set)
    for (_, data), (_, _, content) in zip(sales, answers):
        same[json.loads(data)["invoiceId"]].add(content)
    assert all(len(contents) == 1 for contents in same.values())
    nothing = sum(content == b'{"eventName":"Purchase","customer":null,"sale":null}' for _, _, content in answers)
    assert nothing == 3 * (len(purchases.rows) - len(purchases.paid))
    check(workspace, links, purchases)
