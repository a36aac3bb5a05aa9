"""The command line as a newcomer meets it: what it prints can be typed."""

import json
import re
import subprocess

import httpx
import pytest

from engines import opened
from harness import ROOT, Server, bearer, binary, clean_environment

COMMANDS = [
    "serve", "import", "verify", "demo", "bench", "workspace", "workspace create",
    "workspace list", "workspace update", "token", "token create", "token list", "token revoke",
    "rejections", "rejections list", "rejections count", "rejections replay", "rejections discard",
    "backup", "restore", "simulate",
]


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """What `tribute demo` said, and a server on what it made."""
    server = Server(tmp_path_factory.mktemp("demo"))
    said = server.command("demo", "--url", server.url)
    server.start()
    yield server, said
    assert server.stop() == 0
    server.verify()


def token(said: str) -> str:
    return re.search(r"export TOKEN=(dub_\w+)", said)[1]


def test_the_demo_makes_what_it_says(demo):
    server, said = demo
    counts = re.search(
        r"(\d+) links, (\d+) clicks, (\d+) leads, (\d+) sales, (\d+) dollars and (\d+) cents", said)
    links, clicks, leads, sales, dollars, cents = map(int, counts.groups())
    assert links == 8 and clicks >= 1000 and leads >= 100 and sales >= 100
    assert json.loads(server.command("verify", "--json"))["saleTotals"] == {
        "usd": dollars * 100 + cents}
    with httpx.Client(base_url=server.url, headers=bearer(token(said)), timeout=30) as client:
        events = client.get("/events?event=sales&interval=all&limit=1000").json()
        assert len(events) == sales
        assert sum(event["sale"]["amount"] for event in events) == dollars * 100 + cents
        assert len({event["link"]["id"] for event in events}) == links
        assert len({event["timestamp"][:7] for event in events}) >= 6


def test_what_the_demo_prints_can_be_typed(demo):
    """Every command of the guide, in its order, in one shell."""
    server, said = demo
    script = [re.search("export TOKEN=.*", said)[0]]
    for step in re.split(r"\n  \d\. ", said.split("With an official")[0])[1:]:
        script += ["echo @@@", *step.split("\n")[1:]]
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(script)], capture_output=True, text=True,
        timeout=60, env=clean_environment())
    assert done.returncode == 0, done
    made, _, lead, sale, credited, verified = done.stdout.split("@@@\n")[1:]
    assert json.loads(made)["key"] == "launch"
    assert json.loads(lead)["customer"]["externalId"] == "user-1"
    assert json.loads(sale)["sale"]["amount"] == 4900
    link, end = json.JSONDecoder().raw_decode(credited)
    assert (link["clicks"], link["leads"], link["sales"], link["saleAmount"]) == (1, 1, 1, 4900)
    assert json.loads(credited[end:])[0]["link"]["id"] == link["id"]
    assert "every counter equals its events" in verified


def test_a_second_demo_adds_nothing(demo):
    server, _ = demo
    before = server.command("verify", "--json")
    said = server.command("demo")
    assert "nothing was added" in said
    assert server.command("verify", "--json") == before
    # What it says to type gives a key that works.
    typed = said[said.index("For a token:") + len("For a token:"):]
    done = subprocess.run(["bash", "-c", typed], capture_output=True, text=True, timeout=30)
    key = done.stdout.strip()
    assert httpx.get(f"{server.url}/customers", headers=bearer(key)).status_code == 200, done


def test_one_seed_is_one_history(tmp_path):
    said = {}
    for name, seed in [("a", "1"), ("b", "1"), ("c", "2")]:
        (tmp_path / name).mkdir()
        said[name] = re.search("Made workspace.*", Server(tmp_path / name).command(
            "demo", "--seed", seed))[0]
    assert said["a"] == said["b"] != said["c"]


def test_verify_names_each_difference(tmp_path):
    server = Server(tmp_path)
    server.command("demo")
    with opened(server) as file:
        link, sales, amount = file.execute(
            "SELECT id, sales, sale_amount FROM link ORDER BY id LIMIT 1").fetchone()
        file.execute("UPDATE link SET sale_amount = sale_amount + 1 WHERE id = ?", (link,))
    done = server.run("verify")
    assert done.returncode == 1
    told = [line for line in done.stdout.splitlines() if line.startswith("DIFFERENCE")]
    assert len(told) == 1 and f"is {amount + 1}, the events say {amount}" in told[0], told
    found = json.loads(server.run("verify", "--json").stdout)["differences"]
    assert [(d["stored"], d["recomputed"]) for d in found] == [(amount + 1, amount)]


def test_the_bench_follows_links(tmp_path):
    done = subprocess.run(
        [binary(), "bench", "redirects", "--directory", tmp_path, "--rounds", "2", "--seconds", "1",
         "--connections", "8", "--links", "10", "--scripts", ROOT / "bench"],
        capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    told = re.search(r"(\d+) redirects answered, (\d+) clicks lost \(.*\), (\d+) stored", done.stdout)
    answered, lost, stored = map(int, told.groups())
    assert stored == answered - lost and answered > 100
    assert re.search(r"^redirect ÷ no-storage: \d\.\d\d$", done.stdout, re.M)
    assert re.search(r"^p99, redirect ÷ no-storage: \d+\.\d\d$", done.stdout, re.M)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_teaches_with_an_example(command):
    done = subprocess.run(
        [binary(), *command.split(), "--help"], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0
    assert f"tribute {command}" in done.stdout.split("USAGE:")[0], done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shell_completion(shell, tmp_path):
    done = subprocess.run(
        [binary(), "--generate-completion-script", shell], capture_output=True, text=True,
        timeout=30)
    assert done.returncode == 0 and "allowed-hostnames" in done.stdout and "bench" in done.stdout
    if shell == "bash":
        (tmp_path / "script").write_text(done.stdout)
        typed = "source ./script; COMP_WORDS=(tribute wor); COMP_CWORD=1; _tribute tribute wor tribute"
        shown = subprocess.run(
            ["bash", "-c", typed + "; echo ${COMPREPLY[@]}"], cwd=tmp_path, capture_output=True,
            text=True, timeout=30)
        assert "workspace" in shown.stdout, shown


def test_workspaces_are_listed_and_changed(tmp_path):
    server = Server(tmp_path)
    made = json.loads(server.command(
        "workspace", "create", "Acme", "--slug", "acme", "--plan", "pro"))
    changed = json.loads(server.command(
        "workspace", "update", "acme", "--name", "Acme Inc", "--plan", "business plus"))
    assert changed == {**made, "name": "Acme Inc", "plan": "business plus"}
    server.command("workspace", "create", "Beta", "--slug", "beta")
    listed = [json.loads(line) for line in server.command("workspace", "list").splitlines()]
    assert [w["slug"] for w in listed] == ["acme", "beta"] and listed[0] == changed
    for arguments, told in [
        (["workspace", "create", "Acme", "--slug", "acme"], "acme"),
        (["workspace", "create", "Acme", "--slug", "Ac me"], "--slug"),
        (["workspace", "create", "Gamma", "--slug", "gamma", "--plan", "gold"], "'gold' is no plan"),
        (["workspace", "update", "nobody", "--name", "x"], "nobody"),
    ]:
        done = server.run(*arguments)
        assert done.returncode != 0 and told in done.stderr, done
    assert len(server.command("workspace", "list").splitlines()) == 2


def test_the_bench_measures_and_checks(tmp_path):
    """A short turn of each: figures are printed, and every answered sale is there."""
    done = subprocess.run(
        [binary(), "bench", "--directory", tmp_path, "--rounds", "1", "--seconds", "1",
         "--connections", "8", "--customers", "100", "--scripts", ROOT / "bench"],
        capture_output=True, text=True, timeout=120, env=clean_environment())
    assert done.returncode == 0, done
    for line in ["durable ", "no-storage ", "batch ", "node echo "]:
        assert re.search(rf"^{line} +[1-9]\d* +\d+\.\d\d +\d+\.\d\d +\d+\.\d +0$", done.stdout, re.M), done
    assert re.search(r"durable ÷ no-storage: \d\.\d\d", done.stdout), done
    assert list(tmp_path.iterdir()) == [], "it leaves nothing behind"


@pytest.mark.parametrize("command, option, value", [
    ("rejections list --workspace acme", "--limit", "-1"),
    ("rejections list --workspace acme", "--limit", "0"),
    ("rejections list --workspace acme", "--limit", "1.5"),
    ("demo", "--seed", "-1"), ("simulate", "--seed", "-1"), ("simulate", "--steps", "-1"),
    ("simulate", "--seconds", "-1"), ("bench", "--rounds", "-1"), ("serve", "--port", "-1"),
    ("serve", "--queue-depth", "-1"), ("serve", "--max-connections", "-5"),
    ("serve", "--head-seconds", "-1"), ("serve", "--body-seconds", "--port"),
])
def test_a_number_that_is_none_is_named(command, option, value):
    done = subprocess.run(
        [binary(), *command.split(), option, value], capture_output=True, text=True, timeout=20,
        env=clean_environment())
    assert done.returncode not in (0, -6), done
    first = done.stderr.splitlines()[0]
    assert option in first and "Missing" not in first, first
    assert value in first or "at least" in first, first


@pytest.mark.parametrize("words", ["rejections list --limit", "serve --port", "backup --database"])
def test_an_option_without_its_value_is_named(words):
    done = subprocess.run(
        [binary(), *words.split()], capture_output=True, text=True, timeout=20,
        env=clean_environment())
    assert done.returncode not in (0, -6) and words.split()[-1] in done.stderr
    assert "Missing value" in done.stderr


def test_what_may_run_beside_the_server_is_said():
    said = " ".join(subprocess.run(
        [binary(), "--help"], capture_output=True, text=True, env=clean_environment()).stdout.split())
    assert "Every command but demo, restore and move may run while the server does" in said
