"""Made-up bytes for everything that reads what strangers send, by `tribute-fuzz`."""

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

import harness

pytestmark = pytest.mark.sqlite

TARGETS = ("json", "body", "query", "redirect", "rows", "head")
SECONDS = int(os.environ.get("FUZZ_SECONDS", "40"))


def fuzz(folder: Path, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess:
    program = Path(harness.binary()).with_name("tribute-fuzz")
    corpus = harness.ROOT / "Tests/fuzz/corpus"
    return subprocess.run(
        [program, "--corpus", corpus, *arguments],
        capture_output=True, text=True, timeout=timeout, cwd=folder)


def figures(output: str) -> dict[str, tuple[int, int]]:
    """Accepted and refused inputs by target."""
    found = re.findall(r"(\w+) \d+ \((\d+) accepted, (\d+) refused\)", output)
    return {target: (int(accepted), int(refused)) for target, accepted, refused in found}


@pytest.mark.parametrize("seed", ["1", None], ids=["fixed-seed", "fresh-seed"])
def test_nothing_breaks(tmp_path, seed):
    seconds = max(1, SECONDS // 2)
    options = ("--seed", seed) if seed else ()
    done = fuzz(tmp_path, "--seconds", str(seconds), *options, timeout=seconds + 60)
    assert done.returncode == 0, done.stdout + done.stderr
    reached = figures(done.stdout)
    assert set(reached) == set(TARGETS), done.stdout
    for target, (accepted, refused) in reached.items():
        assert accepted > 100 and refused > 100, f"{target}: {done.stdout}"
    assert "duplicateKey" in done.stdout


@pytest.mark.parametrize("target", TARGETS)
def test_a_broken_property_is_found(tmp_path, target):
    done = fuzz(
        tmp_path, "--canary", "--target", target, "--seed", "1", "--seconds",
        str(max(1, SECONDS)), timeout=SECONDS + 60)
    assert done.returncode == 1, done.stdout + done.stderr
    kept = list(tmp_path.glob(f"fuzz-failure-{target}-1-*.bin"))
    assert len(kept) == 1, done.stdout
    command = shlex.split(re.search(r"^replay: (.+)$", done.stdout, re.M).group(1))
    assert str(kept[0]) in command
    again = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert again.returncode == 1, again.stdout + again.stderr
    told = [
        re.search(r"input \d+: (.+)", run.stdout).group(1) for run in (done, again)]
    assert told[0] == told[1]


def test_a_seed_is_the_same_twice(tmp_path):
    runs = [fuzz(tmp_path, "--seed", "7", "--inputs", "2000").stdout for _ in range(2)]
    assert figures(runs[0]) == figures(runs[1])
    differences = [re.search(r"^differences: .+$", run, re.M).group(0) for run in runs]
    assert differences[0] == differences[1]
