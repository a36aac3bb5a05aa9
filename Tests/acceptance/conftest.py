import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from harness import Server  # noqa: E402


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
