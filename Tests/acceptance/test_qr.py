"""GET /qr: codes that a reader reads."""

import io
import xml.etree.ElementTree as xml

import pytest
import zxingcpp
from PIL import Image

from harness import Server, assert_error, httpx

URL = "https://go.example/a?b=ü&qr=1"


def fetch(server, **query) -> httpx.Response:
    reply = httpx.get(f"{server.url}/qr", params=query)
    assert reply.headers["access-control-allow-origin"] == "*"
    assert reply.headers["access-control-allow-methods"] == "GET, OPTIONS"
    return reply


def image(server, **query) -> Image.Image:
    reply = fetch(server, url=URL, **query)
    assert (reply.status_code, reply.headers["content-type"]) == (200, "image/png"), reply.text
    return Image.open(io.BytesIO(reply.content)).convert("RGB")


@pytest.mark.parametrize("query", [
    {}, {"size": 100}, {"size": 37}, {"size": 4096}, {"level": "H"}, {"level": "M", "margin": 0}, {"margin": 10}, {"includeMargin": "false"},
    {"fgColor": "#0000ff", "bgColor": "ffff00"}, {"fgColor": "#00f", "hideLogo": "true", "logo": "https://x.example/l.png"}], ids=str)
def test_codes_are_read(server, query):
    picture = image(server, **query)
    assert picture.size == (query.get("size", 600),) * 2
    padded = Image.new("RGB", (picture.width + 40, picture.height + 40), picture.getpixel((0, 0)) if query.get("margin") != 0 else "white")
    padded.paste(picture, (20, 20))
    if query.get("size", 600) >= 100 and query.get("includeMargin") != "false":
        [code] = zxingcpp.read_barcodes(padded)
        assert code.text == URL
        assert code.ec_level.startswith(query.get("level", "L"))


def test_colors(server):
    found = {color for _, color in image(server, fgColor="#0000ff", bgColor="#ff0").getcolors()}
    assert found == {(0, 0, 255), (255, 255, 0)}


def test_margins(server):
    side = int(xml.fromstring(fetch(server, url=URL, format="svg", margin=0).content).get("viewBox").split()[2])
    assert image(server, margin=0, size=side * 10).getpixel((0, 0)) == (0, 0, 0)
    framed = image(server, size=(side + 4) * 10)
    assert framed.getpixel((19, 19)) == (255, 255, 255) and framed.getpixel((20, 20)) == (0, 0, 0)


def test_vectors(server):
    reply = fetch(server, url=URL, format="svg", size=300, fgColor="#112233")
    assert reply.headers["content-type"] == "image/svg+xml"
    root = xml.fromstring(reply.content)
    assert root.get("width") == root.get("height") == "300"
    paths = root.findall("{http://www.w3.org/2000/svg}path")
    assert [p.get("fill") for p in paths] == ["#ffffff", "#112233"]
    side = int(root.get("viewBox").split()[2])
    picture = Image.new("L", (side * 8, side * 8), 255)
    for square in paths[1].get("d").removeprefix("M").split("M"):
        x, y = map(int, square.split("h")[0].split())
        picture.paste(0, (x * 8, y * 8, x * 8 + 8, y * 8 + 8))
    assert zxingcpp.read_barcodes(picture)[0].text == URL


@pytest.mark.parametrize("query, message", [
    ({}, "invalid_type: url: url is required"), ({"url": "javascript:alert(1)"}, "invalid_format: url: Invalid URL"),
    ({"url": URL, "size": 0}, "too_small: size: Too small: expected number to be >=16"),
    ({"url": URL, "size": 100_000}, "too_big: size: Too big: expected number to be <=4096"),
    ({"url": URL, "size": "big"}, "invalid_type: size: Invalid input: expected number, received string"),
    ({"url": URL, "level": "Z"}, 'invalid_value: level: Invalid option: expected one of "L"|"M"|"Q"|"H"'),
    ({"url": URL, "fgColor": "red"}, "custom: fgColor: Invalid color: use #RRGGBB"),
    ({"url": URL, "margin": -1}, "too_small: margin: Too small: expected number to be >=0"),
    ({"url": "https://x.example/" + "a" * 2_000, "level": "H"}, "too_big: url: The URL is too long for a QR code of this level."),
    ({"url": "https://x.example/" + "a" * 3_000}, "too_big: url: Too big: expected string to have <=2900 characters")])
def test_what_is_refused(server, query, message):
    assert_error(fetch(server, **query), 422, "unprocessable_entity", message)


def test_the_code_of_a_link(server, acme):
    link = acme.link()
    assert link["qrCode"] == f"https://api.dub.co/qr?url={link['shortLink']}?qr=1"
    assert httpx.get(f"{server.url}/api/qr", params={"url": link["shortLink"]}).status_code == 200
    assert httpx.options(f"{server.url}/qr").status_code == 204


def test_a_server_that_knows_its_address_draws_its_own_codes(tmp_path):
    server = Server(tmp_path, "--public-url", "http://short.example:8080").start()
    try:
        acme = server.workspace()
        link = acme.link()
        assert link["shortLink"] == f"http://short.example:8080/{link['key']}"
        assert link["qrCode"] == f"http://short.example:8080/qr?url={link['shortLink']}?qr=1"
        reply = httpx.get(link["qrCode"].replace("http://short.example:8080", server.url, 1))
        [code] = zxingcpp.read_barcodes(Image.open(io.BytesIO(reply.content)))
        assert code.text == link["shortLink"] + "?qr=1"
        for url in ("http://short.example:8080/x", "HTTP://SHORT.example:8080"):
            assert_error(acme.post("/links", {"url": url}), 422, "unprocessable_entity")
        assert acme.post("/links", {"url": "http://short.example/x"}).status_code == 200, "another port is another site"
    finally:
        server.stop()
