"""The files of deploy/, as far as they can be tried without Docker, a cluster or a running systemd:
against schemas and linters, and against the real server."""

import ipaddress
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import kubernetes_validate
import pytest
import yaml

from harness import ROOT, Server, Workspace, binary, clean_environment, free_port, tool, unique

# Once is enough: what is tried here does not depend on the engine.
pytestmark = pytest.mark.sqlite

DEPLOY = ROOT / "deploy"
FILES = sorted(
    path for path in DEPLOY.rglob("*")
    if path.is_file() and path.name not in (".env", "database.env", "tribute.env", "secret.yaml"))
COMPOSE = ["compose.yaml", "compose.sqlite.yaml"]
MANIFESTS = sorted(
    path for path in (DEPLOY / "kubernetes").glob("*.yaml")
    if path.name not in ("kustomization.yaml", "secret.yaml"))


def run(*command, timeout: float = 60, **options) -> subprocess.CompletedProcess:
    options.setdefault("env", clean_environment())
    return subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, timeout=timeout, **options)


def read(name: str) -> str:
    return (DEPLOY / name).read_text()


def script(name: str) -> str:
    """A program that came with the Python packages."""
    path = shutil.which(name, path=f"{sys.prefix}/bin") or shutil.which(name)
    assert path, f"{name} is needed for this test: Tests/acceptance/requirements.txt"
    return path


def settings() -> set[str]:
    text = (ROOT / "Sources/tribute/SettingsReader.swift").read_text()
    listed = re.search(r"static let variables: Set<String> = \[(.*?)\]", text, re.S)[1]
    return set(re.findall(r'"(TRIBUTE_\w+)"', listed)) - {"TRIBUTE_BENCH_ROUTE"}


def manifests() -> list[dict]:
    return [part for path in MANIFESTS for part in yaml.safe_load_all(path.read_text())]


def manifest(kind: str) -> dict:
    found = [part for part in manifests() if part["kind"] == kind]
    assert len(found) == 1, found
    return found[0]


def container() -> dict:
    [only] = manifest("Deployment")["spec"]["template"]["spec"]["containers"]
    return only


class Dockerfile:
    """Its stages, each a list of (instruction, rest) with lines joined and comments gone."""

    def __init__(self):
        text = re.sub(r"^\s*#.*\n", "", read("Dockerfile"), flags=re.M).replace("\\\n", " ")
        lines = [line.split(maxsplit=1) for line in text.splitlines() if line.strip()]
        self.stages: list[list[tuple[str, str]]] = []
        for word, rest in lines:
            if word == "FROM":
                self.stages.append([])
            self.stages[-1].append((word, " ".join(rest.split())))
        self.build, self.runtime = self.stages

    def packages(self, stage) -> set[str]:
        return {
            package for word, rest in stage if word == "RUN"
            for words in re.findall(r"apt-get install([^&]*)", rest)
            for package in words.split() if not package.startswith("-")}

    def one(self, word: str) -> str:
        [rest] = [rest for name, rest in self.runtime if name == word]
        return rest


@pytest.fixture(scope="module")
def image():
    return Dockerfile()


# Settings and commands


def test_every_setting_that_is_used_exists():
    used = {
        name: path for path in FILES for name in re.findall(r"TRIBUTE_[A-Z]\w*", path.read_text())}
    assert len(used) > 10 and set(used) <= settings(), set(used) - settings()


def test_the_example_lists_every_setting_and_each_is_understood(tmp_path):
    text = read("tribute.env.example")
    lines = dict(re.findall(r"^#?(TRIBUTE_\w+)=(.+)$", text, re.M))
    assert set(lines) == settings()
    assert not re.search(r"^[A-Z]", text, re.M), "the example sets nothing until it is edited"
    for name in lines:
        above = text[: text.index(f"#{name}=")].splitlines()[-1]
        assert above.startswith("# "), f"{name} has no comment"
    # Those whose place is this test's or not on this machine.
    for name in ("TRIBUTE_DATABASE", "TRIBUTE_SHARDS", "TRIBUTE_PORT", "TRIBUTE_GEO_DATABASE"):
        del lines[name]
    server = Server(tmp_path)
    server.within = ("env", *(f"{name}={value}" for name, value in lines.items()))
    server.start()
    assert server.stop() == 0


def test_every_command_and_flag_exists():
    """In the documents, the unit and the comments; `exec SERVICE tribute …` too."""
    seen = set()
    for path in FILES:
        text = path.read_text().replace("\\\n", " ")
        for words in re.findall(
            r"(?:tribute |bin/|`)tribute ((?:workspace|token) \w+[^\n`]*|(?:serve|backup|verify|"
            r"restore)\b[^\n`]*)", text):
            words = words.split("#")[0].split()
            command = words[: 2 if words[0] in ("workspace", "token") else 1]
            done = run(binary(), *command, "--help")
            assert done.returncode == 0 and f"tribute {' '.join(command)}" in done.stdout, words
            for flag in re.findall(r"--[a-z-]+", " ".join(words)):
                assert re.search(rf"^ +{flag}\b", done.stdout, re.M), f"{path.name}: {words}"
                seen.add(flag)
            seen.add(" ".join(command))
    assert {"serve", "workspace create", "token create", "--slug", "--database"} <= seen, seen


def test_every_file_that_is_named_is_there():
    for path in FILES:
        for name in re.findall(r"\bdeploy/[\w./-]*\w", path.read_text()):
            made = name.removesuffix("/.env") in ("deploy",) or name.split("/")[-1] in (
                "database.env", "tribute.env", "secret.yaml")
            assert made or (ROOT / name).exists(), f"{path.name}: {name}"
    ignored = read(".gitignore").split()
    assert {".env", "database.env", "tribute.env", "kubernetes/secret.yaml"} <= set(ignored)


# The image


def test_the_dockerfile_is_clean():
    done = run(script("hadolint"), "--failure-threshold", "style", DEPLOY / "Dockerfile")
    assert done.returncode == 0, done.stdout
    broken = run(script("hadolint"), "-", input="FROM debian\nRUN cd /tmp && sudo apt install x\n")
    assert broken.returncode != 0, "the linter finds nothing"


def package_of(path: str) -> str:
    """The package that a file is of, under its name before or after /lib became /usr/lib."""
    for name in (path, f"/usr{path}", path.removeprefix("/usr")):
        done = run(tool("dpkg"), "-S", name)
        if done.returncode == 0:
            return done.stdout.split(":")[0]
    raise AssertionError(f"{path} is in no package")


def build_packages(image) -> set[str]:
    assert any("scripts/install-packages build" in rest for _, rest in image.build)
    text = (ROOT / "scripts/install-packages").read_text()
    listed = re.search(r"\bbuild\)\s+packages\+=\((.*?)\)", text, re.S)[1].split()
    assert "libsqlite3-dev" in listed
    return set(listed) | image.packages(image.build)


def test_the_packages_exist(image):
    wanted = image.packages(image.runtime) | build_packages(image)
    assert {"libpq5", "libpq-dev"} <= wanted
    done = run(tool("apt-cache"), "policy", *sorted(wanted))
    known = dict(re.findall(r"^(\S+):\n.*\n  Candidate: (\S+)", done.stdout, re.M))
    missing = {name for name in wanted if known.get(name, "(none)") == "(none)"}
    assert not missing, f"apt knows none of {missing}; if its lists are empty: apt-get update"
    nothing = run(tool("apt-cache"), "policy", "libsqlite3-99")
    assert "Candidate" not in nothing.stdout


def test_the_image_has_the_libraries_that_the_server_needs(image):
    """What the program is linked with comes from packages that the image names, or that they
    need; and no library is named for nothing. Swift's own are linked in."""
    assert any("--static-swift-stdlib" in rest for word, rest in image.build if word == "RUN")
    named = image.packages(image.runtime)
    linked = run(tool("ldd"), binary()).stdout
    assert "not found" not in linked, linked
    paths = [path for path in re.findall(r"=> (/\S+)", linked) if "/swift/" not in path]
    needed = {package_of(path) for path in paths}
    direct = set(re.findall(r"NEEDED +(\S+)", run(tool("objdump"), "-p", binary()).stdout))
    assert "libsqlite3.so.0" in direct
    # What is needed by the program itself is named; the rest comes with those.
    itself = {package_of(path) for path in paths if path.rsplit("/", 1)[1] in direct}
    assert itself - {"libc6"} <= named, itself - named
    reached = closure(named)
    assert needed <= reached, needed - reached
    assert named - {"ca-certificates", "uap-core"} <= itself, named - itself


def closure(packages: set[str]) -> set[str]:
    """The packages with those that they depend on, as they are installed here."""
    reached, ahead = set(), set(packages)
    while ahead:
        reached |= ahead
        done = run(tool("dpkg-query"), "-W", "-f", "${Depends}, ${Pre-Depends}, ", *sorted(ahead))
        ahead = set(re.findall(r"(?:^|[,|] *)([a-z0-9][\w.+-]+)", done.stdout)) - reached
    return reached


def test_the_build_has_the_headers_of_every_library(image):
    """For each library that a module map links, the package of its headers is installed."""
    packages, names = build_packages(image), []
    for path in (ROOT / "Sources").glob("C*/module.modulemap"):
        names += re.findall(r'link "([\w-]+)"', path.read_text())
    assert "pcre2-8" in names
    for name in names:
        found = list(Path("/usr/lib").glob(f"*/lib{name}.so"))
        assert found, f"lib{name}.so is not installed: scripts/install-packages build"
        assert package_of(str(found[0])) in packages, name


def test_the_image_runs_as_nobody_special_and_writes_to_its_volume_only(image):
    user, group = image.one("USER").split(":")
    assert user.isdigit() and group.isdigit() and int(user) > 0
    made = " ".join(rest for word, rest in image.runtime if word == "RUN")
    assert f"--uid {user} " in made and f"--gid {group} " in made
    assert image.one("VOLUME") == image.one("WORKDIR") == "/data"
    assert image.one("ENTRYPOINT") == '["tribute"]' and image.one("CMD") == '["serve"]'
    assert image.one("STOPSIGNAL") == "SIGTERM" and image.one("EXPOSE") == "8080"
    values = dict(word.split("=", 1) for word in shlex.split(image.one("ENV")))
    assert values == {"TRIBUTE_HOST": "0.0.0.0", "TRIBUTE_DATABASE": "sqlite:/data/tribute.db"}
    # The user agents' list is where the server looks for it.
    assert "uap-core: /usr/share/uap-core/regexes.yaml" in run(
        tool("dpkg"), "-S", "/usr/share/uap-core/regexes.yaml").stdout


def test_the_build_gets_what_it_copies(image):
    """What the ignore file lets through, by its own rules, is what COPY names."""
    rules = [line for line in read("Dockerfile.dockerignore").splitlines() if line[:1] not in "#"]
    let = {rule[1:] for rule in rules if rule.startswith("!")}
    copied = set()
    for word, rest in image.build + image.runtime:
        if word == "COPY" and "--from=" not in rest:
            sources = [part for part in rest.split() if not part.startswith("--")][:-1]
            copied |= {source.replace("[d]", "d") for source in sources}
    assert rules[0] == "*" and copied == let
    assert all((ROOT / name).exists() for name in copied - {"Package.resolved"})
    # Every target of Package.swift has its folder.
    targets = re.findall(
        r'\.testTarget\(\s*name: "(\w+)"', (ROOT / "Package.swift").read_text())
    assert targets and all((ROOT / "Tests" / name).is_dir() for name in targets)
    assert not {f"Tests/{name}" for name in targets} & set(rules)


def test_the_health_check_knows_a_server_that_answers(server, image):
    assert image.one("HEALTHCHECK").endswith(' CMD ["tribute-healthcheck", "/healthz"]')
    path, port = DEPLOY / "healthcheck", str(server.port)

    def check(port, *words):
        return run(path, *words, env={**clean_environment(), "TRIBUTE_PORT": port}).returncode

    assert [check(port), check(port, "/healthz"), check(port, "/readyz")] == [0, 0, 0]
    assert check(port, "/links") == 1
    assert check(str(free_port())) == 1
    # One that accepts and says nothing.
    server.process.send_signal(signal.SIGSTOP)
    try:
        assert check(port) == 1
    finally:
        server.process.send_signal(signal.SIGCONT)


# Compose


def schema_check(path) -> subprocess.CompletedProcess:
    return run(script("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", path)


@pytest.mark.parametrize("name", COMPOSE)
def test_a_compose_file_is_one(name, tmp_path):
    done = schema_check(DEPLOY / name)
    assert done.returncode == 0, done.stdout
    (tmp_path / "broken.yaml").write_text(read(name).replace("stop_grace_period", "stop_grace"))
    assert schema_check(tmp_path / "broken.yaml").returncode != 0, "the schema finds nothing"


@pytest.mark.parametrize("name", COMPOSE)
def test_every_service_is_confined_and_in_order(name, image):
    compose = yaml.safe_load(read(name))
    for service, made in compose["services"].items():
        assert made["read_only"] and made["cap_drop"] == ["ALL"], service
        assert made["security_opt"] == ["no-new-privileges:true"], service
        assert made["restart"] == "unless-stopped" and "healthcheck" in made, service
        assert "stop_grace_period" in made, service
        for other, how in made.get("depends_on", {}).items():
            assert how["condition"] == "service_healthy" and other in compose["services"]
        for mount in made.get("volumes", []):
            source = mount.split(":")[0]
            assert source in compose["volumes"] or (DEPLOY / source).is_file(), mount
        for network in made.get("networks", []):
            assert network in compose["networks"]
        for entry in made.get("env_file", []):
            entry = entry if isinstance(entry, str) else entry["path"]
            assert (DEPLOY / f"{entry}.example").is_file()
        if made["image"] == "tribute:local":
            check = made["healthcheck"]["test"]
            assert check == ["CMD", "tribute-healthcheck", "/readyz"]
            assert any("/usr/local/bin/tribute-healthcheck" in rest for _, rest in image.runtime)
    assert not re.search(r"(?i)passw(or)?d\s*[:=]\s*\S", re.sub(r"#.*", "", read(name)))


def test_the_nodes_trust_the_proxy_alone():
    compose = yaml.safe_load(read("compose.yaml"))
    nodes = {n: s for n, s in compose["services"].items() if s["image"] == "tribute:local"}
    address = compose["services"]["proxy"]["networks"]["front"]["ipv4_address"]
    [pool] = compose["networks"]["front"]["ipam"]["config"]
    place = ipaddress.ip_address(address)
    assert place in ipaddress.ip_network(pool["subnet"])
    assert place not in ipaddress.ip_network(pool["ip_range"]), "a node may get it first"
    assert len(nodes) == 2
    for node in nodes.values():
        assert node["environment"]["TRIBUTE_TRUSTED_PROXIES"] == address
        assert "ports" not in node
    assert set(re.findall(r"(\S+):8080", read("Caddyfile"))) == set(nodes)
    user, host = re.match(
        r"postgres://(\w+)@(\w+):5432/\w+\?", node["environment"]["TRIBUTE_DATABASE"]).groups()
    database = compose["services"][host]
    assert user == database["environment"]["POSTGRES_USER"]
    assert not set(database["networks"]) & set(compose["services"]["proxy"]["networks"])
    assert {"POSTGRES_PASSWORD", "PGPASSWORD"} == set(
        re.findall(r"^(\w+)=", read("database.env.example"), re.M))


# The proxy


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Two servers on one file behind the proxy of compose.yaml."""
    folder = tmp_path_factory.mktemp("cluster")
    nodes = [Server(folder, "--trusted-proxies", "127.0.0.1") for _ in range(2)]
    port, health = free_port(), free_port()
    text = read("Caddyfile").replace(":2020", f":{health}")
    for number, node in enumerate(nodes, 1):
        node.log = folder / f"node-{number}.log"
        node.start()
        text = text.replace(f"node-{number}:8080", f"127.0.0.1:{node.port}")
    (folder / "Caddyfile").write_text(text)
    with open(folder / "caddy.log", "wb") as log:
        caddy = subprocess.Popen(
            [script("caddy"), "run", "--config", str(folder / "Caddyfile"), "--adapter",
             "caddyfile"], stdout=log, stderr=log,
            env={**clean_environment(), "SITE_ADDRESS": f":{port}", "HOME": str(folder),
                 "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)})
    try:
        ready(f"http://127.0.0.1:{health}/", folder / "caddy.log")
        yield nodes, port
    finally:
        caddy.terminate()
        caddy.wait(30)
        for node in nodes:
            if node.process:
                node.stop()
    nodes[0].verify()


def ready(url: str, log, seconds: float = 20):
    deadline = time.monotonic() + seconds
    while True:
        try:
            assert httpx.get(url).status_code == 200
            return
        except httpx.TransportError:
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)


def behind(cluster) -> tuple[Workspace, str]:
    """A workspace whose calls go through the proxy."""
    (node, *_), port = cluster
    made = node.workspace()
    made.http.base_url = url = f"http://127.0.0.1:{port}"
    return made, url


@contextmanager
def visitor(address: str):
    with httpx.Client(transport=httpx.HTTPTransport(local_address=address)) as client:
        yield client


def test_the_proxy_says_who_visits_and_believes_nobody(cluster):
    shop, url = behind(cluster)
    agent = f"Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0 {unique('proxy')}"

    def clicks(*visits: tuple[str, str | None]) -> int:
        link = shop.link()
        for address, claim in visits:
            with visitor(address) as client:
                reply = client.get(
                    f"{url}/{link['key']}",
                    headers={"User-Agent": agent, **({"X-Forwarded-For": claim} if claim else {})})
                assert reply.status_code == 302, reply.text
        for node in cluster[0]:
            node.settle(node.port)
        return shop.fresh(link)["clicks"]

    # One visitor is counted once an hour, whatever it claims to be; two are two.
    assert clicks(("127.0.0.2", None), ("127.0.0.2", None)) == 1
    assert clicks(("127.0.0.2", "203.0.113.7"), ("127.0.0.2", "203.0.113.8")) == 1
    assert clicks(("127.0.0.2", None), ("127.0.0.3", None)) == 2
    for path in ("/metrics", "/healthz", "/readyz", "/Metrics", "//metrics", "/%6detrics"):
        assert httpx.get(url + path).status_code == 404, path
    assert httpx.get(f"{url}/").json()["name"] == "tribute"


def test_the_proxy_goes_on_without_a_node(cluster):
    """One is killed: no sale fails that begins after that, though the proxy does not know of it
    yet, and the node gets its share again when it is back."""
    nodes, port = cluster
    shop, url = behind(cluster)
    customer, _ = shop.lead_customer()
    nodes[1].stop(signal.SIGKILL)
    statuses = [shop.sale(customer, 100, invoiceId=unique("gone")).status_code for _ in range(40)]
    assert statuses == [200] * 40
    nodes[1].start()
    before = served(nodes[1])
    deadline = time.monotonic() + 20
    while served(nodes[1]) == before:
        assert time.monotonic() < deadline, "the node that is back gets nothing"
        shop.sold(customer, 100, invoiceId=unique("back"))
        time.sleep(0.05)


def served(node: Server) -> int:
    return node.metric('tribute_http_requests_total{method="POST",route="/track/sale",status="2xx"}')


def test_the_proxy_gets_certificates_for_names():
    adapted = run(
        script("caddy"), "adapt", "--config", DEPLOY / "Caddyfile", "--adapter", "caddyfile",
        env={**clean_environment(), "SITE_ADDRESS": "api.example.com, go.example.com"})
    assert adapted.returncode == 0, adapted.stderr
    site = [
        server for server in yaml.safe_load(adapted.stdout)["apps"]["http"]["servers"].values()
        if server["listen"] == [":443"]]
    assert len(site) == 1 and site[0]["routes"][0]["match"] == [
        {"host": ["api.example.com", "go.example.com"]}]


# systemd


def unit() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r"^(\w+)=(.*)$", read("tribute.service"), re.M):
        found.setdefault(name, []).append(value)
    return found


def test_systemd_takes_the_unit(tmp_path):
    path = tmp_path / "tribute.service"

    def verify(text: str) -> str:
        path.write_text(text)
        done = run(tool("systemd-analyze"), "verify", "--man=no", path)
        return done.stderr + ("" if done.returncode == 0 else f"status {done.returncode}")

    text = read("tribute.service")
    assert "ExecStart=/usr/local/bin/tribute serve\n" in text
    text = text.replace("/usr/local/bin/tribute", binary())
    assert verify(text) == ""
    assert "ProtectSystm" in verify(text.replace("ProtectSystem", "ProtectSystm"))
    path.write_text(text)
    score = run(tool("systemd-analyze"), "security", "--offline=true", "--threshold=20", path)
    assert score.returncode == 0, score.stdout


def test_a_wrong_setting_is_not_tried_again():
    done = run(binary(), "serve", "--port", "none")
    assert unit()["RestartPreventExitStatus"] == [str(done.returncode)]


def calls_of(group: str) -> set[str]:
    """The system calls of a group, and of those within it."""
    if not group.startswith("@"):
        return {group}
    done = run(tool("systemd-analyze"), "syscall-filter", group)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()[1:]
    words = [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]
    return set().union(*map(calls_of, words))


def test_the_unit_lets_the_server_do_what_it_does(tmp_path):
    """Its whole life, traced: no system call is filtered, no kind of socket refused, and it
    writes below its own folder only. So does a container whose root is read-only."""
    allowed: set[str] = set()
    for line in unit()["SystemCallFilter"]:
        listed = set().union(*(calls_of(group) for group in line.removeprefix("~").split()))
        allowed = allowed - listed if line.startswith("~") else allowed | listed
    # Implied, whatever the filter says.
    allowed |= calls_of("@default")
    assert "fsync" in allowed and "mount" not in allowed and "chroot" not in allowed

    server, trace = Server(tmp_path), tmp_path / "trace"
    server.start((tool("strace"), "-f", "-qq", "-s", "200", "-o", str(trace)))
    shop = server.workspace()
    customer, _ = shop.lead_customer()
    for _ in range(20):
        shop.sold(customer, 100, invoiceId=unique("traced"))
    shop.events("sales")
    with open(f"/proc/{server.process.pid}/task/{server.process.pid}/children") as children:
        assert server.stop(pid=int(children.read().split()[0])) == 0
    lines = trace.read_text().splitlines()
    calls = {match[1] for line in lines if (match := re.match(r"\d+ +(\w+)\(", line))}
    assert {"fdatasync", "accept4"} <= calls
    # SQLite gives its files an owner if it is root, which the unit's user is not.
    refused = calls - allowed - ({"fchown"} if os.geteuid() == 0 else set())
    assert not refused, refused
    families = set(re.findall(r"\bsocket(?:pair)?\((AF_\w+)", "\n".join(lines)))
    assert families and families <= set(unit()["RestrictAddressFamilies"][0].split()), families
    outside = set()
    for line in lines:
        writes = re.search(r"O_WRONLY|O_RDWR|O_CREAT", line) or re.match(
            r"\d+ +(mkdir|unlink|rename|link|symlink|chmod|truncate)", line)
        if writes:
            outside |= {
                path for path in re.findall(r'"(/[^"]*)"', line)
                if not path.startswith((str(tmp_path), "/dev/null", "/tmp/"))}
    assert not outside, outside


# Kubernetes


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_a_manifest_is_one(path):
    parts = list(yaml.safe_load_all(path.read_text()))
    assert parts
    for part in parts:
        # The oldest version that the documents name, and the newest that is known.
        for version in ("1.30", kubernetes_validate.latest_version()):
            kubernetes_validate.validate(part, version, strict=True)
        with pytest.raises(kubernetes_validate.ValidationError):
            kubernetes_validate.validate({**part, "specs": {}}, "1.30", strict=True)


def test_the_kustomization_lists_every_manifest_but_the_secret():
    made = yaml.safe_load(read("kubernetes/kustomization.yaml"))
    assert set(made) == {"apiVersion", "kind", "namespace", "resources", "images"}
    assert sorted([*made["resources"], "secret.example.yaml"]) == [p.name for p in MANIFESTS]
    [image] = made["images"]
    assert image["name"] == container()["image"]
    names = {part["metadata"]["namespace"] for part in manifests() if part["kind"] == "Secret"}
    assert {made["namespace"]} == names == {manifest("Namespace")["metadata"]["name"]}


def test_the_manifests_fit_together():
    deployment, service = manifest("Deployment")["spec"], manifest("Service")
    labels = deployment["template"]["metadata"]["labels"]
    pod = deployment["template"]["spec"]
    [spread] = pod["topologySpreadConstraints"]
    for selector in (
        deployment["selector"]["matchLabels"], service["spec"]["selector"],
        manifest("PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        manifest("NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
        spread["labelSelector"]["matchLabels"],
    ):
        assert selector == labels
    ports = {port["name"]: port["containerPort"] for port in container()["ports"]}
    assert ports == {"http": 8080}
    assert {port["targetPort"] for port in service["spec"]["ports"]} == set(ports)
    [ingress] = manifest("NetworkPolicy")["spec"]["ingress"]
    assert {port["port"] for port in ingress["ports"]} == set(ports)
    entry = manifest("Ingress")["spec"]
    hosts = [rule["host"] for rule in entry["rules"]]
    assert hosts == entry["tls"][0]["hosts"]
    for rule in entry["rules"]:
        [path] = rule["http"]["paths"]
        assert path["backend"]["service"] == {
            "name": service["metadata"]["name"], "port": {"name": "http"}}
    values = {entry["name"]: entry.get("value") for entry in container()["env"]}
    assert {values["TRIBUTE_API_HOSTS"], values["TRIBUTE_DEFAULT_DOMAIN"]} == set(hosts)
    secret = manifest("Secret")
    for entry in container()["env"]:
        if "valueFrom" in entry:
            source = entry["valueFrom"]["secretKeyRef"]
            assert source["name"] == secret["metadata"]["name"]
            assert source["key"] in secret["stringData"]
    mounts = {mount["name"]: mount["mountPath"] for mount in container()["volumeMounts"]}
    assert set(mounts) == {volume["name"] for volume in pod["volumes"]}
    assert values["PGSSLROOTCERT"].startswith(mounts["database-ca"] + "/")


def test_pods_are_confined_and_replaced_without_a_gap(image):
    deployment = manifest("Deployment")["spec"]
    pod, only = deployment["template"]["spec"], container()
    context = pod["securityContext"]
    assert f"{context['runAsUser']}:{context['runAsGroup']}" == image.one("USER")
    assert context["runAsNonRoot"] and context["seccompProfile"]["type"] == "RuntimeDefault"
    assert only["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]}}
    assert deployment["replicas"] >= 2
    assert deployment["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    pause = only["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pod["terminationGracePeriodSeconds"] >= pause + 10 + 2


def test_the_probes_ask_what_the_server_answers(server):
    probes = {
        name: container()[f"{name}Probe"]["httpGet"]["path"]
        for name in ("startup", "liveness", "readiness")}
    assert probes == {"startup": "/healthz", "liveness": "/healthz", "readiness": "/readyz"}
    for path in set(probes.values()):
        assert httpx.get(server.url + path).status_code == 200


def test_the_variables_of_a_service_would_stop_the_start(tmp_path):
    """Why enableServiceLinks is off: what the cluster would put in for the service's name."""
    name = manifest("Service")["metadata"]["name"].upper()
    for variable in (f"{name}_PORT=tcp://10.0.0.1:80", f"{name}_SERVICE_HOST=10.0.0.1"):
        done = run(
            "env", variable, binary(), "serve", "--database", f"sqlite:{tmp_path}/tribute.db")
        assert done.returncode == 64, done
    assert manifest("Deployment")["spec"]["template"]["spec"]["enableServiceLinks"] is False


def test_the_settings_of_the_manifest_are_understood(tmp_path):
    values = [f"{e['name']}={e['value']}" for e in container()["env"] if "value" in e]
    server = Server(tmp_path)
    server.within = ("env", *values)
    server.start()
    assert server.stop() == 0
