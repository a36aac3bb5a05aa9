"""The shipped binary against its model, on disks and in processes that fail."""

import os
import re
import subprocess

import pytest

from harness import binary, clean_environment

pytestmark = pytest.mark.sqlite

SECONDS = int(os.environ.get("SIMULATE_SECONDS") or 25)


def simulate(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [binary(), "simulate", *arguments], capture_output=True, text=True,
        timeout=SECONDS + 300, env=clean_environment())


@pytest.mark.parametrize("seed", ["1", "20260101"])
def test_a_seed_finds_nothing(seed):
    done = simulate("--seed", seed)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"1 seeds, \d+ batches, \d{4,} commands", done.stdout), done.stdout
    assert "rows compared: no difference" in done.stdout
    crashes, again = re.search(r"(\d+) crashes, (\d+) batches sent again", done.stdout).groups()
    assert int(crashes) > 10 and int(again) > 10


def test_fresh_seeds_find_nothing():
    done = simulate("--seconds", str(SECONDS))
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_mistake_is_found_and_comes_back():
    done = simulate("--seed", "1", "--canary", "early-answer")
    assert done.returncode == 1, done.stdout + done.stderr
    replay = re.search(r"replay: tribute (simulate .*)", done.stdout)[1]
    again = subprocess.run(
        [binary(), *replay.split()], capture_output=True, text=True, timeout=300,
        env=clean_environment())
    assert again.returncode == 1
    found = re.search("FAILED.*", done.stdout)[0]
    assert found in again.stdout


def test_help_names_every_canary():
    said = simulate("--help").stdout
    names = re.findall(r"^  ([a-z-]+): ", said, re.M)
    assert len(names) >= 6
    refused = simulate("--canary", "none")
    assert refused.returncode == 64
    for name in names:
        assert name in refused.stderr


@pytest.mark.parametrize("name", ["lying-disk", "no-rollback"])
def test_a_canary_that_nothing_could_find_is_refused(name):
    done = simulate("--canary", name, "--faults", "off")
    assert done.returncode == 64 and "--faults on" in done.stderr
