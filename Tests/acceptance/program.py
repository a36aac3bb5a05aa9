"""The program that is tested, and what it is started with."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def binary() -> str:
    path = Path(os.environ.get("TRIBUTE_BINARY") or ".build/release/tribute")
    path = path if path.is_absolute() else ROOT / path
    if not os.access(path, os.X_OK):
        raise FileNotFoundError(f"There is no server to test at {path}; build it first.")
    return str(path)


def clean_environment() -> dict[str, str]:
    """The server reads TRIBUTE_ variables; those of the tests are not for it."""
    return {k: v for k, v in os.environ.items() if not k.startswith("TRIBUTE_")}
