"""A real browser follows links."""

import http.server
import json
import os
import shutil
import subprocess
import threading
import time
from urllib.parse import parse_qs, urlsplit

import pytest

from harness import BROWSER, unique

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def shop():
    """Where links lead: a page that says what it was asked for."""
    asked = []

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):  # noqa: N802: the library's name
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(f"<p id=here>Asked for {self.path}</p>".encode())

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server.asked, server.url = asked, f"http://127.0.0.1:{server.server_port}"
    yield server
    server.shutdown()


def browse(url: str, folder) -> str:
    """The page that the browser ends on."""
    assert CHROMIUM, "chromium is missing: scripts/install-packages test"
    done = subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", f"--user-data-dir={folder}",
         "--user-agent=Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
         "--virtual-time-budget=5000", "--dump-dom", url], capture_output=True, text=True, timeout=120)
    return done.stdout


def test_a_click_from_a_browser_to_a_sale(server, acme, shop, tmp_path):
    link, customer = acme.link(url=f"{shop.url}/landing?plan=pro", trackConversion=True, key=unique("wahl/größe")), unique("c")
    page = browse(f"{server.url}/{link['key']}?coupon=1", tmp_path)
    assert "Asked for /landing" in page
    [path] = [p for p in shop.asked if p.startswith("/landing")]
    query = parse_qs(urlsplit(path).query)
    assert query["plan"] == ["pro"] and query["coupon"] == ["1"]
    [event] = acme.events("clicks", linkId=link["id"])
    assert query["dub_id"] == [event["click"]["id"]]
    assert (event["click"]["browser"], event["click"]["os"], event["click"]["device"]) == ("Chrome", "Linux", "Desktop")
    acme.lead(customer, query["dub_id"][0])
    acme.sold(customer, 4900)
    assert (acme.fresh(link)["clicks"], acme.fresh(link)["saleAmount"]) == (1, 4900)
    # The same browser again, with its cookie: no second click.
    browse(f"{server.url}/{link['key']}?coupon=1", tmp_path)
    assert acme.fresh(link)["clicks"] == 1


def test_a_password_and_a_frame(server, acme, shop, tmp_path):
    link = acme.link(url=f"{shop.url}/secret", password="pa ss")
    assert "This link needs a password" in browse(f"{server.url}/{link['key']}", tmp_path)
    assert "Wrong password" in browse(f"{server.url}/{link['key']}?pw=no", tmp_path)
    assert "Asked for /secret" in browse(f"{server.url}/{link['key']}?pw=pa+ss", tmp_path)
    assert "Asked for /secret" in browse(f"{server.url}/{link['key']}", tmp_path), "the cookie remembers"
    framed = acme.link(url=f"{shop.url}/framed", rewrite=True)
    page = browse(f"{server.url}/{framed['key']}", tmp_path)
    assert "<iframe" in page and any(p.startswith("/framed") for p in shop.asked), "the frame has asked for the destination"


class Driven:
    """A browser that is told what to do through its debugging pipe."""

    def __init__(self, folder):
        (theirs, self.to), (self.back, out) = os.pipe(), os.pipe()
        self.process = subprocess.Popen(
            ["bash", "-c", f'exec "$@" 3<&{theirs} 4>&{out}', "bash", CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             f"--user-data-dir={folder}", "--remote-debugging-pipe", f"--user-agent={BROWSER}"],
            pass_fds=(theirs, out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(theirs)
        os.close(out)
        self.rest, self.number, self.session = b"", 0, None

    def ask(self, method: str, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            while b"\0" not in self.rest:
                part = os.read(self.back, 65536)
                assert part, "the browser ended"
                self.rest += part
            text, self.rest = self.rest.split(b"\0", 1)
            if (answer := json.loads(text)).get("id") == self.number:
                return answer["result"]

    def open(self, url: str):
        target = self.ask("Target.createTarget", url=url)["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def run(self, script: str):
        return self.ask("Runtime.evaluate", expression=script)["result"].get("value")

    def wait(self, text: str):
        deadline = time.monotonic() + 20
        while text not in (page := self.run("document.body ? document.body.innerText : ''") or ""):
            assert time.monotonic() < deadline, page
            time.sleep(0.05)

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.to)
        os.close(self.back)


def test_the_form_of_a_password(server, acme, shop, tmp_path):
    """The page's own rules must let its form lead away from it."""
    link = acme.link(url=f"{shop.url}/formed", password="pa ss", key=unique("größe"))
    browser = Driven(tmp_path)
    try:
        browser.open(f"{server.url}/{link['key']}?a=1")
        browser.wait("This link needs a password")
        browser.run("document.querySelector('input[name=pw]').value = 'pa ss'; document.querySelector('button').click()")
        browser.wait("Asked for /formed?a=1")
        browser.run(f"location.href = '{server.url}/{link['key']}'")
        browser.wait("Asked for /formed")
    finally:
        browser.close()
    assert acme.fresh(link)["clicks"] == 1, "the cookies came back"
