"""Where a visitor goes: every way that a link can lead."""

import re
from urllib.parse import parse_qs, parse_qsl, quote, unquote, urlsplit

import pytest

from harness import BROWSER, assert_error, cookie, follow, unique

IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
IPAD = IPHONE.replace("iPhone; CPU iPhone OS", "iPad; CPU OS")
PIXEL = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36"
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
FUTURE, PAST = "2031-01-01T00:00:00.000Z", "2020-01-01T00:00:00.000Z"


@pytest.fixture(scope="module")
def shop(server):
    shop = server.workspace()
    shop.ok("POST", "/domains", json={"slug": "go.shop.example", "notFoundUrl": "https://shop.example/lost"})
    server.command("workspace", "update", shop.slug, "--allowed-hostnames", "friend.example,*.wide.example")
    return shop


def place(reply) -> str:
    assert reply.status_code == 302, f"{reply.status_code} {reply.text}"
    return reply.headers["location"]


def query(reply) -> dict[str, list[str]]:
    return parse_qs(urlsplit(place(reply)).query, keep_blank_values=True)


@pytest.mark.parametrize("agent, url", [
    (IPHONE, "https://x.example/ios"), (IPAD, "https://x.example/ios"), (PIXEL, "https://x.example/android"), (BROWSER, "https://x.example/web")])
def test_by_device(server, acme, agent, url):
    link = acme.link(url="https://x.example/web", ios="https://x.example/ios", android="https://x.example/android")
    assert place(follow(server, link["key"], agent)) == url
    assert acme.fresh(link)["clicks"] == 1
    plain = acme.link(url="https://x.example/web")
    assert place(follow(server, plain["key"], agent)) == "https://x.example/web"


def test_a_password(server, acme):
    link = acme.link(password="open / sesame", url="https://x.example/secret", trackConversion=True)
    for path in ("", "?pw=", "?pw=wrong", "?pw=open%20/%20sesam"):
        reply = follow(server, link["key"] + path)
        assert reply.status_code == 200 and "secret" not in reply.text and "type=password" in reply.text
        assert "set-cookie" not in reply.headers
    assert follow(server, link["key"], cookie=f"dub_password_{link['id']}=wrong").status_code == 200
    assert acme.fresh(link)["clicks"] == 0
    reply = follow(server, link["key"] + "?pw=open%20/%20sesame&keep=1")
    assert set(query(reply)) == {"dub_id", "keep"}
    [secret] = [c for c in reply.headers.get_list("set-cookie") if c.startswith("dub_password_")]
    name, value = secret.split(";")[0].split("=", 1)
    assert name == f"dub_password_{link['id']}" and unquote(value) == "open / sesame"
    assert place(follow(server, link["key"], cookie=f"a=b; {name}={value}")).startswith("https://x.example/secret")
    assert acme.fresh(link)["clicks"] == 2
    acme.ok("PATCH", f"/links/{link['id']}", json={"password": "changed"})
    assert follow(server, link["key"], cookie=f"{name}={value}").status_code == 200


def test_the_form_keeps_what_the_visitor_brings(server, acme):
    link = acme.link(password="x")
    page = follow(server, link["key"] + "?qr=1&a=%22%3E%3Cscript%3E&pw=no").text
    assert '<input type=hidden name="qr" value="1">' in page
    assert 'value="&quot;&gt;&lt;script&gt;"' in page and "<script" not in page and 'name="pw"' not in page


def test_a_password_comes_before_everything(server, acme):
    for change in ({"expiresAt": PAST, "expiredUrl": "https://x.example/late"}, {"disabledAt": PAST}, {"proxy": True}):
        link = acme.link(password="x", **change)
        for agent in (None, GOOGLEBOT):
            assert "type=password" in follow(server, link["key"], agent).text
    inspected = follow(server, acme.link(password="x")["key"] + "+").text
    assert "type=password" in inspected and "shop.example" not in inspected


def test_looking_before_following(server, acme):
    link = acme.link(url="https://x.example/<b>&", title="A <script>")
    reply = follow(server, link["key"] + "+")
    assert reply.status_code == 200 and reply.headers["content-type"].startswith("text/html")
    assert "https://x.example/&lt;b&gt;&amp;" in reply.text and "<script>" not in reply.text
    assert acme.fresh(link)["clicks"] == 0


def test_bots_see_the_preview_of_a_link_that_has_one(server, acme):
    link = acme.link(proxy=True, title='Big "sale"', description="Now", image="https://x.example/i.png", url="https://x.example/p")
    reply = follow(server, link["key"], GOOGLEBOT)
    assert reply.status_code == 200
    for tag in ('<meta property="og:title" content="Big &quot;sale&quot;">', '<meta property="og:image" content="https://x.example/i.png">'):
        assert tag in reply.text
    assert place(follow(server, link["key"])) == "https://x.example/p"
    assert place(follow(server, acme.link(title="T")["key"], GOOGLEBOT))
    assert acme.fresh(link)["clicks"] == 1


@pytest.mark.parametrize("url", ["mailto:a@b.example?subject=Hi", "sms:+4912", "tel:+4912", "tg://resolve?domain=x", "whatsapp://send?text=a", "xmpp:a@b.example"])
def test_apps_are_opened_by_a_page(server, acme, url):
    link = acme.link(url=url, trackConversion=True)
    assert link["url"] == url
    reply = follow(server, link["key"] + "?x=%22%3E%3Cscript%3E")
    assert reply.status_code == 200 and f'href="{url}"' in reply.text and "<script" not in reply.text
    assert acme.fresh(link)["clicks"] == 1


def test_cloaking(server, acme):
    link = acme.link(url="https://x.example/a?b=1&c=2", rewrite=True)
    reply = follow(server, link["key"])
    assert reply.status_code == 200 and 'src="https://x.example/a?b=1&amp;c=2"' in reply.text
    assert acme.fresh(link)["clicks"] == 1


def test_a_running_test_chooses_and_keeps(server, acme):
    variants = [{"url": f"https://{name}.example/", "percentage": share} for name, share in (("a", 50), ("b", 30), ("c", 20))]
    link = acme.link(trackConversion=True, testVariants=variants, testCompletedAt=FUTURE)
    counts = {"a": 0, "b": 0, "c": 0}
    for n in range(300):
        agent = f"{BROWSER} chooser {n}"
        reply = follow(server, link["key"], agent)
        name = urlsplit(place(reply)).hostname.split(".")[0]
        counts[name] += 1
        if n < 20:
            [kept] = [c for c in reply.headers.get_list("set-cookie") if c.startswith("dub_test_url=")]
            assert kept.endswith("Max-Age=604800")
            assert place(follow(server, link["key"], agent)) == place(reply), "the same for one visitor"
            moved = follow(server, link["key"], cookie=kept.split(";")[0])
            assert urlsplit(place(moved)).hostname == f"{name}.example", "the cookie tells"
    assert 110 <= counts["a"] <= 190 and 55 <= counts["b"] <= 125 and 30 <= counts["c"] <= 95, counts
    assert urlsplit(place(follow(server, link["key"], cookie="dub_test_url=https%3A%2F%2Fevil.example%2F"))).hostname != "evil.example"
    for change in ({"testCompletedAt": PAST}, {"testCompletedAt": FUTURE, "testStartedAt": "2030-12-31T00:00:00Z"}, {"testCompletedAt": None}):
        acme.ok("PATCH", f"/links/{link['id']}", json=change)
        assert place(follow(server, link["key"])).startswith(link["url"])


@pytest.mark.parametrize("asked", [
    "https://shop.example/other", "https://www.shop.example/", "https://de.go.shop.example/x?y=1", "https://friend.example/", "https://a.wide.example/",
    "https://go.shop.example/else"])
def test_destinations_that_a_visitor_may_name(server, shop, asked):
    link = shop.link(url="https://shop.example/pricing")
    assert place(follow(server, f"{link['key']}?redir_url={quote(asked, safe='')}", host="go.shop.example")) == asked


@pytest.mark.parametrize("asked", [
    "https://evil.example/", "https://shop.example.evil.example/", "https://evilshop.example/", "//evil.example", "https://shop.example@evil.example/",
    "https://evil.example\\@shop.example/", "javascript:alert(1)", "https://wide.example/", "https://a.friend.example/", "shop.example", "https:/\\evil.example",
    "https://shop.example\r\nX: 1", " https://evil.example", "HTTPS://EVIL.EXAMPLE", "https://shop.example%2eevil.example", "https://shop.example#@evil.example/",
    "https://.wide.example/", "https://.go.shop.example/"])
def test_destinations_that_a_visitor_may_not_name(server, shop, acme, asked):
    link = shop.link(url="https://shop.example/pricing")
    found = place(follow(server, f"{link['key']}?redir_url={quote(asked, safe='')}", host="go.shop.example"))
    assert urlsplit(found).hostname == "shop.example" and "\n" not in found
    if "friend" in asked:
        plain = acme.link(url="https://shop.example/pricing")
        assert place(follow(server, f"{plain['key']}?redir_url=https://friend.example/")) == "https://shop.example/pricing"


@pytest.mark.parametrize("attack", ["dub_id=forged", "a=b&%64ub_id=forged&via=anna", "client_reference_id=dub_id_forged"])
def test_nor_name_who_is_credited_there(server, shop, attack):
    link = shop.link(url="https://shop.example/pricing")
    asked = quote(f"https://shop.example/other?{attack}", safe="")
    found = place(follow(server, f"{link['key']}?redir_url={asked}", host="go.shop.example"))
    assert found.startswith("https://shop.example/other") and "forged" not in found and "anna" not in found
    assert "forged" not in place(follow(server, f"{link['key']}?{attack}", host="go.shop.example"))


def test_a_user_that_looks_like_the_host_is_none(server, acme):
    link = acme.link(url="https://caf\u00e9.example@caf\u00e9.example/x")
    found = urlsplit(place(follow(server, link["key"])))
    assert found.hostname == "xn--caf-dma.example" and found.path == "/x"


@pytest.mark.parametrize("attack", [
    "dub_id=forged", "dub_id=a&dub_id=b", "via=anna", "%64ub_id=forged", "dub_id", "dub%5Fid=x", "dub+id=x&dub_id=forged"])
def test_a_visitor_cant_credit_somebody_else(server, acme, attack):
    link = acme.link(url="https://x.example/?via=owner", trackConversion=True)
    reply = follow(server, f"{link['key']}?{attack}")
    found = query(reply)
    assert found["dub_id"] == [cookie(reply)] and found["via"] == ["owner"]


def test_the_clients_reference(server, acme):
    link = acme.link(url="https://pay.example/?dub_client_reference_id=1&a=2", trackConversion=True)
    reply = follow(server, link["key"] + "?client_reference_id=forged&dub_client_reference_id=0")
    assert query(reply) == {"a": ["2"], "client_reference_id": [f"dub_id_{cookie(reply)}"]}
    quiet = follow(server, link["key"] + "?dub-no-track=1&client_reference_id=forged")
    assert "forged" not in place(quiet)


def test_deep_link_providers(server, acme):
    flyer = acme.link(url="https://app.onelink.me/abc?pid=x&c=spring")
    reply = follow(server, flyer["key"] + "?pid=evil&clickid=evil")
    assert query(reply) == {"pid": ["dubinc_int"], "c": ["spring"], "clickid": [cookie(reply)], "dub_id": [cookie(reply)]}
    singular = acme.link(url="https://app.sng.link/abc?wpcl={dub_id}&_dl=x")
    agent = f"{BROWSER} singular"
    reply = follow(server, singular["key"] + "?cl=evil", agent)
    assert query(reply) == {"wpcl": [cookie(reply)], "_dl": ["x"], "cl": [cookie(reply)], "dub_id": [cookie(reply)],
                            "ua": [agent], "ip": ["127.0.0.1"]}
    fake = acme.link(url="https://onelink.me.evil.example/")
    assert "dub_id" not in place(follow(server, fake["key"]))


def test_the_play_store_hands_the_link_on(server, acme):
    link = acme.link(url="https://x.example", android="https://play.google.com/store/apps/details?id=com.x&referrer=utm_source%3Da", trackConversion=True)
    reply = follow(server, link["key"] + "?size=1", PIXEL)
    found = query(reply)
    assert found["id"] == ["com.x"] and found["size"] == ["1"]
    assert found["referrer"] == [f"utm_source=a&deepLink={quote(link['shortLink'] + '?size=1', safe='')}"]


def test_the_cookie_of_the_hour(server, acme):
    link, other = acme.link(), acme.link()
    first = follow(server, link["key"])
    jar = first.headers["set-cookie"].split(";")[0]
    assert cookie(follow(server, link["key"], cookie=f"x=1; {jar}; y=2")) == cookie(first)
    assert acme.fresh(link)["clicks"] == 1
    # A click of another link, or of nobody, is no click of this one.
    name = jar.split("=")[0]
    for forged in (cookie(follow(server, other["key"])), "0123456789abcdef", "", "%00", "x" * 4000):
        assert cookie(follow(server, link["key"], cookie=f"{name}={forged}")) != forged
    assert acme.fresh(link)["clicks"] == 6


def test_links_that_are_not_there_go_where_the_domain_says(server, shop):
    late = shop.link(disabledAt=PAST)
    for path in (unique("none"), late["key"], late["key"] + "+"):
        reply = follow(server, path, host="go.shop.example")
        assert (reply.status_code, reply.headers["location"]) == (307, "https://shop.example/lost")
    for path in ("wp-login.php", "x/y.PHP7", ".well-known/security.txt"):
        reply = follow(server, path, host="go.shop.example")
        assert (reply.status_code, reply.headers["location"]) == (302, "/?dub-no-track=1")


def test_files_for_apps(server):
    acme = server.workspace()
    slug = f"{unique('app')}.example"
    acme.ok("POST", "/domains", json={"slug": slug, "assetLinks": '[{"relation": []}]', "appleAppSiteAssociation": '{"applinks": {}}'})
    for path, text in [(".well-known/assetlinks.json", '[{"relation": []}]'), (".well-known/apple-app-site-association", '{"applinks": {}}'),
                       ("apple-app-site-association", '{"applinks": {}}')]:
        reply = follow(server, path, host=slug)
        assert (reply.status_code, reply.text, reply.headers["content-type"]) == (200, text, "application/json")
    acme.ok("PATCH", f"/domains/{slug}", json={"assetLinks": None})
    assert follow(server, ".well-known/assetlinks.json", host=slug).status_code == 302


def test_the_root_of_a_domain(server):
    acme = server.workspace()
    slug = f"{unique('root')}.example"
    acme.ok("POST", "/domains", json={"slug": slug})
    root = acme.ok("GET", "/links/info", params={"domain": slug, "key": "_root"})
    assert follow(server, "", host=slug).status_code == 200
    acme.ok("PATCH", f"/links/{root['id']}", json={"url": "https://x.example/home", "trackConversion": True})
    reply = follow(server, "?a=1", host=slug)
    assert reply.status_code == 301 and re.fullmatch(r"https://x\.example/home\?a=1&dub_id=\w{16}", reply.headers["location"])
    assert "Path=/;" in reply.headers["set-cookie"]


def test_robots(server, acme):
    assert "x-robots-tag" not in follow(server, acme.link(doIndex=True)["key"]).headers
    assert follow(server, acme.link()["key"]).headers["x-robots-tag"] == "googlebot: noindex"


@pytest.mark.parametrize("path", ["{}", "{}?pw=x", "{}+", "none"])
def test_a_head_has_no_body(server, acme, path):
    link = acme.link(password="x")
    reply = follow(server, path.format(link["key"]), method="HEAD")
    assert reply.content == b"" and reply.status_code in (200, 302, 404)
    assert acme.fresh(link)["clicks"] == 0


def test_order_and_spelling_of_parameters_are_kept(server, acme):
    link = acme.link(url="https://x.example/a?z=%20y&b&a=1#f")
    assert parse_qsl(urlsplit(place(follow(server, link["key"]))).query, keep_blank_values=True) == [("z", " y"), ("b", ""), ("a", "1")]
    assert place(follow(server, link["key"])) == link["url"]
    assert_error(follow(server, "no/such/key"), 404, "not_found")
