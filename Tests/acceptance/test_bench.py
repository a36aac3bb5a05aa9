"""The bench measures what it says, and its check can fail: what CI compares with bench/thresholds.json."""

import json
import os
import re
import resource
import subprocess

import pytest

from engines import IS_SQLITE, database_of
from harness import ROOT, binary, clean_environment

RECORDED = ROOT / "bench" / "thresholds.json"
STAGES = [
    "head", "decode", "decide", "reply", "commit of 1", "commit of 16", "commit of 64", "commit of 512",
    "commit of 64, facts read",
]


def bench(*arguments, seconds=300, environment={}, **settings):
    return subprocess.run(
        [binary(), "bench", *map(str, arguments)], capture_output=True, text=True, timeout=seconds, cwd=ROOT,
        env={**clean_environment(), **environment}, **settings)


def thresholds_that_refuse(tmp_path, group, name):
    """Only this ratio is too large, in every run; a short one says little about the others."""
    ratios = json.loads(RECORDED.read_text())
    assert name in ratios[group]
    ratios[group] = {other: 0.001 if other == name else 1_000 for other in ratios[group]}
    file = tmp_path / "thresholds.json"
    file.write_text(json.dumps(ratios))
    return file


@pytest.mark.sqlite
def test_no_stage_costs_more_than_recorded(tmp_path):
    done = bench("stages", "--check", "--directory", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    for stage in STAGES:
        assert re.search(rf"^{stage} +(\d+\.\d\d +){{4}}(\d+\.\d\d\d +){{2}}\S", done.stdout, re.M), done.stdout
    assert list(tmp_path.iterdir()) == [], "it leaves nothing behind"


@pytest.mark.sqlite
def test_no_sale_over_sockets_costs_more_than_recorded(tmp_path):
    done = bench("--check", "--directory", tmp_path, "--rounds", 5, "--seconds", 1)
    assert done.returncode == 0, done.stdout + done.stderr
    for line in ["durable", "no-storage", "batch", "node echo"]:
        assert re.search(
            rf"^{line} +[1-9]\d* +\d+\.\d\d +\d+\.\d\d +\d+\.\d +0$", done.stdout, re.M), done.stdout
    assert re.search(r"durable ÷ no-storage: \d\.\d\d", done.stdout), done.stdout
    assert list(tmp_path.iterdir()) == [], "it leaves nothing behind"


@pytest.mark.sqlite
def test_what_costs_too_much_is_named(tmp_path):
    """It is measured again, and again; then it is told, with what to do."""
    file = thresholds_that_refuse(tmp_path, "stages", "decode")
    done = bench("stages", "--check", "--rounds", 3, "--customers", 700, "--thresholds", file)
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stdout.count("measured again: decode\n") == 2, done.stdout
    told = r"decode: \d+\.\d{3} times its reference, recorded 0\.001: \d+ % more"
    assert re.search(told, done.stderr), done.stderr
    assert "tribute bench stages --record" in done.stderr


@pytest.mark.sqlite
def test_what_is_measured_is_what_is_recorded(tmp_path):
    """Otherwise something is never compared."""
    ratios = json.loads(RECORDED.read_text())
    del ratios["stages"]["decide"]
    ratios["stages"]["a stage of before"] = 1.0
    file = tmp_path / "thresholds.json"
    file.write_text(json.dumps(ratios))
    done = bench("stages", "--check", "--rounds", 1, "--customers", 700, "--thresholds", file)
    assert done.returncode == 1, done
    assert "measured only: decide; recorded only: a stage of before" in done.stderr, done


@pytest.mark.sqlite
def test_what_is_recorded_is_checked_next_time(tmp_path):
    file = tmp_path / "thresholds.json"
    file.write_text('{"sales": {"durable ÷ no-storage": 1.5}}')
    done = bench("stages", "--record", "--rounds", 3, "--customers", 700, "--thresholds", file)
    assert done.returncode == 0, done
    recorded = json.loads(file.read_text())
    assert recorded["sales"] == {"durable ÷ no-storage": 1.5}, "the others stay"
    checked = json.loads(RECORDED.read_text())["stages"]
    assert set(recorded["stages"]) == set(checked), "the file in git has all that is measured"


@pytest.mark.parametrize("arguments, told", [
    (["stages", "--check", "--record"], "--check or --record"),
    (["stages", "--check", "--thresholds", "nowhere.json"], "nowhere.json"),
    (["stages", "--check", "--database", "postgres://127.0.0.1/x"], "leave out --database"),
    (["sales", "--check", "--database", "postgres://127.0.0.1/x"], "leave out --database"),
    (["stages", "--rounds", "0"], "--rounds"), (["profile", "--output", "x", "--items", "2000"], "--items"),
])
def test_what_can_not_be_done_is_told_at_once(arguments, told):
    done = bench(*arguments, seconds=20)
    assert done.returncode != 0 and told in done.stderr, done


@pytest.mark.sqlite
@pytest.mark.parametrize("kind", [["sales"], ["redirects"], ["profile", "--output", "none"]])
def test_a_program_that_is_missing_is_told_with_what_installs_it(kind, tmp_path):
    (tmp_path / "scratch").mkdir()
    done = bench(*kind, "--directory", tmp_path / "scratch", seconds=20, environment={"PATH": str(tmp_path)})
    assert done.returncode == 1 and done.stderr.endswith("wrk is not installed: apt-get install wrk\n"), done
    assert list((tmp_path / "scratch").iterdir()) == []


@pytest.mark.sqlite
@pytest.mark.parametrize("size, told", [(200_000, "can't be opened"), (2_000_000, "could not be written")])
def test_a_database_that_can_not_be_filled_is_taken_away(size, told, tmp_path):
    done = bench(
        "--directory", tmp_path, seconds=60, restore_signals=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)))
    assert done.returncode == 1 and told in done.stderr, done
    assert list(tmp_path.iterdir()) == []


@pytest.mark.postgres
@pytest.mark.one_node
def test_pgbench_shows_what_it_tells(tmp_path):
    """It has no percentiles, and is not asked for its processor time."""
    done = bench(
        "sales", "--rounds", 1, "--seconds", 1, "--connections", 4, "--customers", 100, "--links", 10,
        "--directory", tmp_path, "--pgbench", database_of(tmp_path))
    assert done.returncode == 0, done
    [row] = [line for line in done.stdout.splitlines() if line.startswith("pgbench ")]
    assert re.fullmatch(r"pgbench +[1-9]\d* +\d+\.\d\d +0", row), row


# What `perf script` prints of four threads: a number and a weight, then the stack, the innermost frame first.
SAMPLES = """
   11 300
	ff __x64_sys_read ([kernel.kallsyms])
	a1 NIOPosix.SelectableEventLoop.run() throws -> () (/bin/tribute)

   11 100
	a2 Wire.number (/bin/tribute)
	a3 Integrations.TrackEndpoint.command(bytes) (/bin/tribute)
	a1 NIOPosix.SelectableEventLoop.run() throws -> () (/bin/tribute)

   12 200
	a4 Attribution.decide(command) (/bin/tribute)
	a5 Ledger.Decider.take(entries) (/bin/tribute)

   13 200
	b1 sqlite3VdbeExec (/usr/lib/libsqlite3.so.0)

   13 100
	a6 Ledger.Committer.commit(decided) (/bin/tribute)

   14 100
	b2 sqlite3_step (/usr/lib/libsqlite3.so.0)
"""


@pytest.mark.sqlite
def test_a_profile_is_split_by_thread_and_stage(tmp_path):
    perf = tmp_path / "perf"
    perf.write_text(f"#!/bin/sh\ncat <<'end'\n{SAMPLES.strip()}\nend\n")
    perf.chmod(0o755)
    done = subprocess.run(
        [ROOT / "bench" / "profile-split", "any.data"], capture_output=True, text=True, timeout=60,
        env=os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    assert done.returncode == 0, done
    rows = [re.split(r" {2,}", line.strip()) for line in done.stdout.splitlines() if line.endswith("%")]
    assert rows == [
        ["event loop", "40.0 %"], ["kernel: reading from sockets", "30.0 %"], ["decode", "10.0 %"],
        ["deciding thread", "20.0 %"], ["decide", "20.0 %"],
        ["writing thread", "30.0 %"], ["SQLite: rows, indexes, commit", "20.0 %"],
        ["the batch around it", "10.0 %"],
        ["checkpoint thread", "10.0 %"], ["SQLite: moving the log into the file", "10.0 %"],
        ["other threads", "0.0 %"], ["all", "100.0 %"],
    ]


@pytest.mark.postgres
@pytest.mark.one_node
def test_stages_on_a_server(tmp_path):
    done = bench("stages", "--rounds", 1, "--customers", 700, "--database", database_of(tmp_path))
    assert done.returncode == 0, done
    assert re.search(r"^commit of 512 +\d+\.\d\d +\d+\.\d\d $", done.stdout, re.M), done.stdout
