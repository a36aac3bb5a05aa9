"""Workspaces in databases of their own: each with its promises, and none with another's trouble."""

import signal
import subprocess

import httpx
import pytest

from cluster import Cluster
from harness import Server, bearer, binary, clean_environment, cookie, follow, unique
from load import Book, under_load

pytestmark = pytest.mark.postgres


@pytest.fixture
def shop(tmp_path):
    """A server on two primaries; the second has the workspace that the map names."""
    cluster = Cluster(tmp_path / "cluster")
    (tmp_path / "far").mkdir()
    main, far = Server(tmp_path), Server(tmp_path / "far")
    far.database = cluster.url
    try:
        own, away = main.workspace(), far.workspace()
        shards = tmp_path / "shards"
        shards.write_text(f"# moved last week\n\n{away.slug} {far.database}  # large\n")
        main.flags = ("--shards", str(shards))
        main.start()
        # Its data is asked for there.
        far.ports, far.turns = main.ports, main.turns
        for workspace in (own, away):
            workspace.server = workspace.http.server = main
            workspace.http.base_url = main.url
        yield main, far, own, away, cluster
        assert main.stop() == 0, main.log.read_text()
        main.verify()
        far.verify()
    finally:
        if main.process:
            main.stop(signal.SIGKILL)
        cluster.close()


def sales(server: Server) -> int:
    for line in server.command("verify").splitlines():
        if line.startswith("checked"):
            return int(line.split(", ")[-1].split()[0])


def test_each_request_finds_its_database(shop):
    main, far, own, away, _ = shop
    sold = {}
    for workspace in (own, away):
        domain = f"{unique('go')}.example"
        workspace.ok("POST", "/domains", json={"slug": domain})
        link = workspace.link(domain=domain, key="launch")
        reply = follow(main, "launch", host=domain)
        assert reply.status_code == 302
        customer = unique("c")
        workspace.lead(customer, cookie(reply))
        for number in range(3):
            workspace.sold(customer, 100, invoiceId=f"same-{number}")
        reported = httpx.post(f"{main.url}/track/click", json={"domain": domain, "key": "launch"})
        assert reported.status_code == 200 and reported.json()["clickId"], reported.text
        opened = httpx.post(f"{main.url}/track/open", json={"deepLink": f"https://{domain}/launch"})
        assert opened.status_code == 200 and opened.json()["link"]["id"] == link["id"], opened.text
        sold[workspace.slug] = workspace.fresh(link)["saleAmount"]
        assert len(workspace.events("sales")) == 3
    assert set(sold.values()) == {300}
    assert (sales(main), sales(far)) == (3, 3)
    # On the default domain too, where a key is looked for in one after the other.
    link = away.link(key=unique("plain"))
    assert follow(main, link["key"]).status_code == 302
    assert follow(main, unique("none")).status_code == 404
    missing = httpx.post(f"{main.url}/track/click", json={"domain": "nobodys.example", "key": "x"})
    assert missing.status_code == 404, missing.text
    assert httpx.get(f"{main.url}/links", headers=bearer("dub_wrong")).status_code == 401


def test_a_key_counts_in_the_database_of_its_workspace_only(shop):
    """What a database holds besides the workspaces that the map names is not served."""
    main, far, _, away, _ = shop
    stray = far.workspace()
    for path in ("/links", "/customers"):
        assert httpx.get(main.url + path, headers=bearer(stray.token)).status_code == 401
        assert httpx.get(main.url + path, headers=bearer(away.token)).status_code == 200


def test_one_that_is_away_keeps_nobody_else(shop):
    main, far, own, away, cluster = shop
    customer, link = own.lead_customer()
    book = Book(away, loses_clicks=True)
    with under_load(book, main) as load:
        book.grow(200)
        cluster.nodes[0].end(signal.SIGKILL)
        for number in range(20):
            own.sold(customer, 1, invoiceId=f"meanwhile-{number}")
        assert main.readiness() == 503
        cluster.nodes[0].start()
        load.finish()
    book.check(far, counted_by=main)
    assert own.fresh(link)["sales"] == 20


@pytest.mark.parametrize("line, told", [
    ("acme", "line 1: write a slug and a database URL"),
    ("acme sqlite:x.db", "are on PostgreSQL servers"),
    ("acme {url}", "There is no workspace 'acme'"),
    ("{own} {url}", "There is no workspace"),
    ("a {url}\na {url}", "line 2: 'a' is there twice"),
])
def test_a_map_that_is_wrong(tmp_path, line, told):
    (tmp_path / "far").mkdir()
    main, far = Server(tmp_path), Server(tmp_path / "far")
    own = main.workspace()
    far.command("migrate")
    shards = tmp_path / "shards"
    shards.write_text(line.format(url=far.database, own=own.slug))
    done = subprocess.run(
        [binary(), "serve", "--database", main.database, "--shards", str(shards), "--port", "1"],
        capture_output=True, text=True, timeout=30, env=clean_environment())
    assert done.returncode == 1 and told in done.stderr, done
