import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from engines import IS_SQLITE, NODES  # noqa: E402
from harness import Server  # noqa: E402


def pytest_collection_modifyitems(config, items):
    """What is about one engine runs on that engine; what takes more programs than the rest, when asked for."""
    other = "postgres" if IS_SQLITE else "sqlite"
    others = [other] + (["one_node"] if NODES > 1 else [])
    if os.environ.get("TRIBUTE_TEST_PARTITIONS"):
        others.append("whole")
    if os.environ.get("TRIBUTE_TEST_PATRONI") != "1":
        others.append("patroni")
    left_out = [item for item in items if any(map(item.get_closest_marker, others))]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def pytest_configure(config):
    config.addinivalue_line("markers", "sqlite: about the engine in a file")
    config.addinivalue_line("markers", "one_node: about what each node does by itself")
    config.addinivalue_line("markers", "postgres: about the engine with a server")
    config.addinivalue_line("markers", "whole: about tables that were not cut yet")
    config.addinivalue_line("markers", "patroni: needs Patroni and etcd; runs with TRIBUTE_TEST_PATRONI=1")


@pytest.fixture(scope="module")
def server(tmp_path_factory, request):
    """A server of its own for each module; afterwards every total must equal its events."""
    flags = getattr(request.module, "SERVER_FLAGS", ())
    server = Server(tmp_path_factory.mktemp(request.module.__name__), *flags).start()
    yield server
    if server.process:
        assert server.stop() == 0, server.log.read_text()
    server.verify()


@pytest.fixture(scope="module")
def acme(server):
    """The workspace that most tests of a module share."""
    return server.workspace()


@pytest.fixture(scope="module")
def other(server):
    """Another tenant."""
    return server.workspace()
