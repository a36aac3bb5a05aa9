"""How nodes reach their PostgreSQL server: TLS, passwords, rights, and words that help when it can't be."""

import subprocess

import psycopg
import pytest

from cluster import Cluster, hand_over
from harness import Server, binary, clean_environment, tool

pytestmark = pytest.mark.postgres
SECRET = "correct horse"


@pytest.fixture(scope="module")
def safe(tmp_path_factory):
    """A server that takes passwords, and over TLS only."""
    folder = tmp_path_factory.mktemp("safe")
    cluster = Cluster(folder / "cluster")
    try:
        node = cluster.nodes[0]
        certificate, key = node.data / "server.crt", node.data / "server.key"
        subprocess.run(
            [tool("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
             "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate],
            check=True, capture_output=True)
        key.chmod(0o600)
        hand_over(certificate, key)
        node.ask(f"ALTER ROLE tribute PASSWORD '{SECRET}'")
        node.ask("CREATE ROLE guest LOGIN PASSWORD 'guest'")
        node.ask("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        node.ask("ALTER SYSTEM SET ssl = on")
        authority = folder / "ca.crt"
        authority.write_bytes(certificate.read_bytes())
        (node.data / "pg_hba.conf").write_text("hostssl all all 127.0.0.1/32 scram-sha-256\n")
        node.ask("SELECT pg_reload_conf()")
        yield node, authority
    finally:
        cluster.close()


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    done = subprocess.run(
        [binary(), *arguments], capture_output=True, text=True, timeout=30, env=clean_environment() | environment)
    assert SECRET not in done.stdout + done.stderr
    return done


def test_tls_and_a_password(safe, tmp_path):
    node, authority = safe
    url = f"postgres://tribute@localhost:{node.port}/postgres?hostaddr=127.0.0.1&sslmode=verify-full&sslrootcert={authority}"
    done = run("workspace", "create", "W", "--slug", "w", "--database", url, PGPASSWORD=SECRET)
    assert done.returncode == 0, done.stderr
    passwords = tmp_path / "pgpass"
    passwords.write_text(f"localhost:{node.port}:*:tribute:{SECRET}\n")
    passwords.chmod(0o600)
    assert run("workspace", "list", "--database", url, PGPASSFILE=str(passwords)).returncode == 0
    server = Server(tmp_path)
    server.database = url.replace("tribute@", f"tribute:{SECRET.replace(' ', '%20')}@")
    server.start()
    try:
        with psycopg.connect(server.database) as rows:
            sessions = rows.execute(
                "SELECT count(*), count(*) FILTER (WHERE s.ssl) FROM pg_stat_activity a"
                " JOIN pg_stat_ssl s USING (pid) WHERE a.application_name = 'tribute'").fetchone()
        assert sessions[0] == sessions[1] > 0
    finally:
        assert server.stop() == 0
    assert SECRET not in server.log.read_text() and "%20" not in server.log.read_text()


@pytest.mark.parametrize("url, told", [
    ("postgres://tribute:nonsense@127.0.0.1:{port}/postgres", "password authentication failed"),
    ("postgres://tribute@127.0.0.1:{port}/postgres?sslmode=require", "no password supplied"),
    ("postgres://tribute:{secret}@127.0.0.1:{port}/postgres?sslmode=disable", "no encryption"),
    ("postgres://tribute:{secret}@127.0.0.1:{port}/none", 'database "none" does not exist'),
    ("postgres://tribute:{secret}@127.0.0.1:{port}/postgres?sslmode=verify-full&sslrootcert={other}", "certificate"),
    ("postgres://tribute:{secret}@127.0.0.1:1/postgres", "Connection refused"),
    ("postgres://tribute:{secret}@[::1]:1/postgres", "postgres://tribute@[::1]:1/postgres"),
    ("postgres://tribute:{secret}@nowhere.invalid/postgres", "could not translate host name"),
    ("postgres://guest:guest@127.0.0.1:{port}/postgres?options=-csearch_path%3Dnone", "no schema has been selected"),
    ("postgres://tribute:{secret}@[::1/postgres", "can't be read"),
    ("postgres://tribute:{secret}@127.0.0.1/postgres?nonsense=1", "can't be read"),
    ("postgres://tribute:{plain}/a@127.0.0.1:{port}/postgres", "%2F for a /"),
    ("postgres://tribute:{plain}@a@127.0.0.1:{port}/postgres", "%40 for an @"),
    ("postgres://tribute:1234/{plain}@127.0.0.1:{port}/postgres", "%2F for a /"),
    ("postgres://tribute:{plain}?/a@127.0.0.1:{port}/postgres", "can't be read"),
    ("host=127.0.0.1 port={port} user=tribute password={plain} dbname=postgres", "is not a database URL"),
    ("mysql://tribute:{secret}@127.0.0.1/x", "is not a database URL"),
])
def test_what_is_wrong_is_said_without_the_password(safe, url, told):
    node, _ = safe
    url = url.format(port=node.port, plain="horse", secret=SECRET.replace(" ", "%20"), other="/etc/hostname")
    done = run("serve", "--port", "1", "--database", url)
    assert done.returncode in (1, 64) and told in done.stderr, done
    assert "horse" not in done.stdout + done.stderr and "nonsense@" not in done.stderr


def test_rights_that_are_missing(safe):
    node, _ = safe
    done = run("migrate", "--database", f"postgres://guest:guest@127.0.0.1:{node.port}/postgres")
    assert done.returncode == 1 and "permission denied" in done.stderr, done
    assert "a schema of its own" in done.stderr, done


def test_tables_of_somebody_else(safe):
    node, _ = safe
    node_url = f"postgres://tribute:{SECRET.replace(' ', '%20')}@127.0.0.1:{node.port}/postgres"
    with psycopg.connect(node_url, autocommit=True) as rows:
        rows.execute("CREATE SCHEMA shop")
        rows.execute("CREATE TABLE shop.token (id TEXT)")
    done = run("migrate", "--database", f"{node_url}?options=-csearch_path%3Dshop")
    assert done.returncode == 1 and "a schema of its own" in done.stderr, done


def test_a_standby_alone(tmp_path):
    cluster = Cluster(tmp_path / "cluster", standbys=1)
    try:
        done = run("serve", "--port", "1", "--database", f"postgres://tribute@127.0.0.1:{cluster.nodes[1].port}/postgres")
        assert done.returncode == 1 and "read-only" in done.stderr, done
    finally:
        cluster.close()
