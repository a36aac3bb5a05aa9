"""Commands beside a loaded server: they must neither hurt it nor be hurt."""
import threading

import pytest


def held(server):
    """Whether the server holds byte 128 of some shared index: "this database is open"."""
    locks = [line.split() for line in open("/proc/locks")]
    return any(lock[4] == str(server.process.pid) and lock[6:] == ["128", "128"] for lock in locks)


@pytest.mark.sqlite
def test_the_servers_locks_survive_writes_and_commands(server, acme):
    customer, _ = acme.lead_customer()
    ended = threading.Event()

    def load():
        while not ended.is_set():
            acme.sold(customer, 5)

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(5):
            server.verify()
            assert server.process.poll() is None and held(server)
    finally:
        ended.set()
        for thread in threads:
            thread.join()
