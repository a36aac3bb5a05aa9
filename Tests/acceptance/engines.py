"""The engine that a run of the tests is on, and how many nodes serve one database.

TRIBUTE_TEST_ENGINE=sqlite (default) or postgres, on the server of TRIBUTE_TEST_POSTGRES
(scripts/with-postgres). TRIBUTE_TEST_NODES=2: every server of the tests is two processes, and each
request goes to one or the other. TRIBUTE_TEST_PARTITIONS=yes: the tables of events are cut by workspace.
"""

import hashlib
import os
import sqlite3
import subprocess
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg

from program import ROOT, binary, clean_environment

ENGINE = os.environ.get("TRIBUTE_TEST_ENGINE", "sqlite")
NODES = int(os.environ.get("TRIBUTE_TEST_NODES", "1"))
assert ENGINE in ("sqlite", "postgres"), f"TRIBUTE_TEST_ENGINE={ENGINE}: use sqlite or postgres"
assert NODES == 1 or ENGINE == "postgres", "several nodes need PostgreSQL"
IS_SQLITE = ENGINE == "sqlite"


def database_of(folder: Path) -> str:
    """The URL of the database that belongs to a folder."""
    if IS_SQLITE:
        return f"sqlite:{folder / 'tribute.db'}"
    server = os.environ.get("TRIBUTE_TEST_POSTGRES")
    assert server, "There is no PostgreSQL: run the tests by scripts/with-postgres"
    made = _made.get(folder)
    if made is None:
        made = _made[folder] = _make(server, folder)
    return made


_made: dict[Path, str] = {}


def _make(server: str, folder: Path) -> str:
    schema = "t_" + hashlib.sha1(str(folder).encode()).hexdigest()[:20]
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    url = f"{server}?options=-csearch_path%3D{schema}"
    if os.environ.get("TRIBUTE_TEST_PARTITIONS"):
        migrate(url)
        cut(url, "partition-by-workspace.sql", partitions=4)
    return url


def migrate(url: str):
    subprocess.run(
        [binary(), "migrate", "--database", url], check=True, capture_output=True, env=clean_environment())


def cut(url: str, script: str, **settings):
    """Runs one of the scripts that the documentation offers."""
    told = [f"--set={name}={value}" for name, value in settings.items()]
    done = subprocess.run(
        ["psql", "--no-psqlrc", "--quiet", *told, "--file", ROOT / "deploy/postgresql" / script, url],
        capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


class Rows:
    """An open database, for what the API does not show."""

    def __init__(self, connection):
        self.connection = connection

    def execute(self, sql: str, values: tuple = ()):
        if not isinstance(self.connection, sqlite3.Connection):
            sql = sql.replace("%", "%%").replace("?", "%s") if values else sql
            return self.connection.execute(sql, values or None)
        return self.connection.execute(sql, values)


@contextmanager
def held(server, workspace):
    """Nothing of the workspace can be committed meanwhile."""
    with opened(server) as rows:
        if IS_SQLITE:
            rows.execute("BEGIN IMMEDIATE")
        else:
            rows.execute("SELECT 1 FROM workspace WHERE id = ? FOR UPDATE", (workspace.id,))
        yield


@contextmanager
def opened(server):
    """The server's database with all that is committed; what is changed is committed at the end."""
    if server.database.startswith("sqlite:"):
        with closing(sqlite3.connect(server.readable(), timeout=30)) as connection, connection:
            yield Rows(connection)
    else:
        with psycopg.connect(server.database, target_session_attrs="read-write") as connection:
            yield Rows(connection)
