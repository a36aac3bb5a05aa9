"""Links and domains: create, read, change, delete."""

import re

import pytest

from harness import BAD_JSON, assert_error, follow, pairs, unique

KEYS = set("""id domain key url shortLink qrCode trackConversion externalId tenantId programId partnerId archived
expiresAt expiredUrl disabledAt password proxy title description image video rewrite doIndex ios android geo
publicStats tags tagId folderId comments webhookIds utm_source utm_medium utm_campaign utm_term utm_content
testVariants testStartedAt testCompletedAt userId workspaceId projectId clicks leads conversions sales saleAmount
lastClicked createdAt updatedAt identifier linkRetentionCleanupDisabledAt""".split())
MOMENT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
HEART = "\U0001F496"


@pytest.fixture(scope="module")
def shop(server):
    """A workspace with a domain of its own."""
    workspace = server.workspace()
    workspace.domain = workspace.ok("POST", "/domains", json={"slug": "go.shop.example"})
    return workspace


@pytest.mark.parametrize("prefix", ["", "/api"])
def test_the_whole_link(acme, prefix):
    reply = acme.post(prefix + "/links", {"url": "https://x.example/a?b=c#d"})
    assert reply.status_code == 200
    link = reply.json()
    assert set(link) == KEYS
    assert len(pairs(reply.content)) == len(KEYS), "a key is there twice"
    assert re.fullmatch("link_[0-9A-Z]{25}", link["id"]) and re.fullmatch("[0-9A-Za-z]{7}", link["key"])
    assert link["url"] == "https://x.example/a?b=c#d" and link["domain"] == "localhost"
    assert link["shortLink"].endswith("/" + link["key"])
    assert link["qrCode"] == f"https://api.dub.co/qr?url={link['shortLink']}?qr=1"
    assert link["workspaceId"] == acme.id and link["tags"] == [] and link["webhookIds"] == []
    assert re.fullmatch(MOMENT, link["createdAt"]) and link["updatedAt"] == link["createdAt"]
    for name in ("clicks", "leads", "conversions", "sales", "saleAmount"):
        assert link[name] == 0 and type(link[name]) is int
    for name in ("trackConversion", "archived", "proxy", "rewrite", "doIndex", "publicStats"):
        assert link[name] is False, name
    for name in KEYS - set(k for k, v in link.items() if v is not None):
        assert link[name] is None
    for path in (f"{prefix}/links/{link['id']}", f"{prefix}/links/info?linkId={link['id']}",
                 f"{prefix}/links/info?domain=localhost&key={link['key']}"):
        assert acme.get(path).content == reply.content, path


SETTABLE = {
    "externalId": "order-1", "tenantId": "t1", "title": "T", "description": "D", "comments": "C",
    "image": "https://x.example/i.png", "video": "https://x.example/v.mp4",
    "expiresAt": "2031-02-03T04:05:06.789Z", "expiredUrl": "https://x.example/late",
    "trackConversion": True, "archived": True, "doIndex": True, "publicStats": True}


@pytest.mark.parametrize("name", SETTABLE)
def test_fields_can_be_set_changed_and_removed(acme, name):
    value = SETTABLE[name]
    link = acme.link(**{name: value})
    assert link[name] == value
    path = f"/links/{link['id']}"
    assert acme.ok("GET", path) == link
    # A change of another field leaves it.
    assert acme.ok("PATCH", path, json={"comments": link["comments"]})[name] == value
    gone = acme.ok("PATCH", path, json={name: False if value is True else None})
    assert gone[name] is (False if value is True else None)
    again = acme.ok("PATCH", path, json={name: value})
    assert again[name] == value and again["createdAt"] == link["createdAt"]
    assert acme.ok("GET", path) == again
    acme.ok("DELETE", path)


def test_campaign_parameters_reach_the_destination(acme):
    link = acme.link(url="https://x.example/?a=1#f", utm_source="news letter", utm_medium="mail", ref="me")
    assert link["utm_source"] == "news letter"
    base, query = link["url"].split("?", 1)
    assert base == "https://x.example/" and query.endswith("#f")
    assert set(query[:-2].split("&")) <= {"a=1", "utm_source=news%20letter", "utm_source=news+letter", "utm_medium=mail", "ref=me"}
    assert len(query.split("&")) == 4


@pytest.mark.parametrize("url, stored", [
    ("x.example", "https://x.example"), ("x.example/path?q=1", "https://x.example/path?q=1"),
    ("http://x.example:8080/a", "http://x.example:8080/a"), ("HTTPS://X.example/A", None),
    ("https://x.example/ü", None), ("https://x.example/" + "a" * 31_000, None)])
def test_destinations(acme, url, stored):
    assert acme.link(url=url)["url"].rstrip("/") == (stored or url).rstrip("/")


@pytest.mark.parametrize("change, status, code, message", [
    ({"url": ...}, 422, "unprocessable_entity", re.compile("^invalid_type: url: ")),
    ({"url": None}, 422, "unprocessable_entity", re.compile("^invalid_type: url: ")),
    ({"url": 5}, 422, "unprocessable_entity", "invalid_type: url: Invalid input: expected string, received number"),
    ({"url": ""}, 400, "bad_request", "Missing destination URL"),
    ({"url": "not a url"}, 422, "unprocessable_entity", "Invalid destination URL"),
    ({"url": "https://"}, 422, "unprocessable_entity", "Invalid destination URL"),
    ({"url": "javascript:alert(1)"}, 422, "unprocessable_entity", "Invalid destination URL"),
    ({"url": "https://x.example/\r\nSet-Cookie: a=b"}, 422, "unprocessable_entity", "Invalid destination URL"),
    ({"url": "https://x.example/" + "a" * 32_000}, 422, "unprocessable_entity", "too_big: url: Too big: expected string to have <=32000 characters"),
    ({"key": "_x"}, 422, "unprocessable_entity", "Invalid key."),
    ({"key": "a b"}, 422, "unprocessable_entity", "Invalid key."),
    ({"key": "a?b"}, 422, "unprocessable_entity", "Invalid key."),
    ({"key": "a%20b"}, 422, "unprocessable_entity", "Invalid key."),
    ({"key": "a#b"}, 422, "unprocessable_entity", "Invalid key."),
    ({"key": "x.php"}, 422, "unprocessable_entity", "Invalid key."),
    ({"key": "///"}, 422, "unprocessable_entity", "Invalid key."),
    ({"key": "x" * 191}, 422, "unprocessable_entity", "too_big: key: Too big: expected string to have <=190 characters"),
    ({"key": "favicon.ico"}, 403, "forbidden", "favicon.ico is a reserved path and cannot be used as a short link."),
    ({"key": "robots.txt"}, 403, "forbidden", "robots.txt is a reserved path and cannot be used as a short link."),
    ({"keyLength": 2}, 422, "unprocessable_entity", "too_small: keyLength: Too small: expected number to be >=3"),
    ({"keyLength": 191}, 422, "unprocessable_entity", "too_big: keyLength: Too big: expected number to be <=190"),
    ({"domain": "foreign.example"}, 403, "forbidden", "Domain does not belong to workspace."),
    ({"externalId": "x" * 256}, 422, "unprocessable_entity", "too_big: externalId: Too big: expected string to have <=255 characters"),
    ({"externalId": HEART * 128}, 422, "unprocessable_entity", "too_big: externalId: Too big: expected string to have <=255 characters"),
    ({"tenantId": "x" * 256}, 422, "unprocessable_entity", "too_big: tenantId: Too big: expected string to have <=255 characters"),
    ({"utm_source": "x" * 256}, 422, "unprocessable_entity", "too_big: utm_source: Too big: expected string to have <=255 characters"),
    ({"trackConversion": "yes"}, 422, "unprocessable_entity", "invalid_type: trackConversion: Invalid input: expected boolean, received string"),
    ({"expiredUrl": "no url"}, 422, "unprocessable_entity", re.compile("(?i)url")),
    ({"expiresAt": "someday"}, 422, "unprocessable_entity", re.compile("(?i)date")),
], ids=lambda v: str(v)[:40])
def test_what_is_refused(acme, change, status, code, message):
    body = {k: v for k, v in ({"url": "https://x.example"} | change).items() if v is not ...}
    reply = acme.post("/links", body)
    assert_error(reply, status, code, message)
    if "url" in body and body["url"] and "url" not in change:
        key = change.get("key")
        if key:
            assert acme.get("/links/info", domain="localhost", key=key).status_code == 404


@pytest.mark.parametrize("key", [
    "track", "links", "customers", "events", "domains", "api", "healthz", "readyz", "metrics", "Track", "tags", "folders", "qr", "QR/x",
    "links/info", "api/x", "track/sale"])
def test_keys_that_are_routes_are_refused(acme, key):
    reply = acme.post("/links", {"url": "https://x.example", "key": key})
    assert_error(reply, 403, "forbidden", f"{key} is a reserved path and cannot be used as a short link.")


def test_bodies_that_are_not_json(acme):
    link = acme.link()
    for method, path in (("POST", "/links"), ("PATCH", f"/links/{link['id']}"), ("POST", "/domains")):
        for body in (b"", b"{", b'{"url":}'):
            assert_error(acme.http.request(method, path, content=body), 400, "bad_request", BAD_JSON)
        reply = acme.http.request(method, path, content=b"[]")
        assert_error(reply, 422, "unprocessable_entity", "invalid_type: : Invalid input: expected object, received array")
    assert acme.fresh(link) == link


@pytest.mark.parametrize("asked, made", [
    ("spring-sale", "spring-sale"), ("/outer/", "outer"), ("a/b/c", "a/b/c"), ("dots.and_more", "dots.and_more"),
    ("x" * 190, "x" * 190)])
def test_keys(acme, asked, made):
    link = acme.link(key=asked)
    assert link["key"] == made
    assert acme.get("/links/info", domain="localhost", key=made).json()["id"] == link["id"]
    assert_error(acme.post("/links", {"url": "https://y.example", "key": asked}), 409, "conflict",
                 "Duplicate key: This short link already exists.")


def test_random_keys(acme):
    assert len(acme.link(keyLength=12)["key"]) == 12
    assert re.fullmatch("promo/[0-9A-Za-z]{7}", acme.link(prefix="promo")["key"])
    assert len({acme.link()["key"] for _ in range(50)}) == 50


def test_external_ids(acme, other):
    id = unique("ext")
    link = acme.link(externalId=f"ext_{id}")
    assert link["externalId"] == id
    assert acme.ok("GET", f"/links/ext_{id}") == link
    assert acme.ok("GET", "/links/info", params={"externalId": f"ext_{id}"}) == link
    assert_error(acme.post("/links", {"url": "https://x.example", "externalId": id}), 409, "conflict",
                 "A link with this externalId already exists in this workspace.")
    another = acme.link()
    assert_error(acme.http.patch(f"/links/{another['id']}", json={"externalId": id}), 409, "conflict",
                 "A link with this externalId already exists in this workspace.")
    assert acme.fresh(another) == another
    assert_error(acme.get("/links/info", externalId=id), 400, "bad_request",
                 "Invalid externalId. Did you forget to prefix it with `ext_`?")
    assert other.get(f"/links/ext_{id}").status_code == 404
    assert other.link(externalId=id)["externalId"] == id
    assert acme.ok("PATCH", f"/links/ext_{id}", json={"title": "by its id"})["title"] == "by its id"
    assert acme.ok("DELETE", f"/links/ext_{id}") == {"id": link["id"]}
    assert acme.link(externalId=id)["externalId"] == id


def test_links_that_are_not_there(acme):
    for reply in (
        acme.get("/links/link_none"), acme.get("/links/ext_none"), acme.get("/links/info", linkId="none"),
        acme.get("/links/info", domain="localhost", key="none"), acme.get("/links/info", externalId="ext_none"),
        acme.http.patch("/links/link_none", json={}), acme.http.delete("/links/link_none"),
        acme.http.delete("/links/ext_none"),
    ):
        assert_error(reply, 404, "not_found", "Link not found.")
    assert_error(acme.get("/links/info"), 400, "bad_request")
    assert_error(acme.get("/links/info", domain="localhost"), 400, "bad_request")


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_changes(acme, method):
    link = acme.link(title="Old", trackConversion=True)
    path = f"/links/{link['id']}"
    assert acme.http.request(method, path, json={}).json() == link
    assert acme.http.request(method, path, json={"title": "Old"}).json() == link
    key = unique("moved")
    changed = acme.ok(method, path, json={"url": "https://new.example/x", "key": key, "title": "New"})
    assert (changed["url"], changed["key"], changed["title"]) == ("https://new.example/x", key, "New")
    assert changed["trackConversion"] is True and changed["updatedAt"] >= link["updatedAt"]
    assert changed["shortLink"].endswith(key)
    assert follow(acme.server, link["key"]).status_code == 404
    assert follow(acme.server, key).headers["location"].startswith("https://new.example/x")
    changed = acme.ok("GET", path)
    taken = acme.link()
    assert_error(acme.http.request(method, path, json={"key": taken["key"], "title": "No"}), 409, "conflict",
                 "Duplicate key: This short link already exists.")
    for body in ({"url": "not a url"}, {"key": "_no"}, {"archived": "x"}, {"domain": "foreign.example"}):
        assert acme.http.request(method, path, json={"title": "No", **body}).status_code in (403, 422)
    assert acme.ok("GET", path) == changed


def test_counters_are_not_settable(acme):
    link = acme.link(clicks=5, sales=7, saleAmount=9, id="link_mine", workspaceId="ws_x", createdAt="2000-01-01")
    assert (link["clicks"], link["sales"], link["saleAmount"]) == (0, 0, 0)
    assert link["id"] != "link_mine" and link["workspaceId"] == acme.id
    assert acme.ok("PATCH", f"/links/{link['id']}", json={"saleAmount": 5, "leads": 1}) == link


def test_delete(acme):
    customer, link = acme.lead_customer()
    acme.sold(customer, 5)
    path = f"/links/{link['id']}"
    assert acme.http.delete(path).json() == {"id": link["id"]}
    assert_error(acme.get(path), 404, "not_found", "Link not found.")
    assert_error(acme.http.delete(path), 404, "not_found", "Link not found.")
    assert follow(acme.server, link["key"]).status_code == 404
    # The key is free again, and what the new link earns is its own.
    again = acme.link(key=link["key"])
    assert again["id"] != link["id"] and again["saleAmount"] == 0
    assert acme.customer(customer)["saleAmount"] == 5


# --- domains -------------------------------------------------------------------------------------

DOMAIN = ["id", "slug", "verified", "primary", "archived", "placeholder", "expiredUrl", "notFoundUrl", "logo",
          "assetLinks", "appleAppSiteAssociation", "createdAt", "updatedAt", "registeredDomain", "deepviewData"]


def test_the_whole_domain(acme):
    slug = f"{unique('d')}.example"
    reply = acme.post("/domains", {
        "slug": slug.upper(), "placeholder": "https://x.example", "expiredUrl": "https://x.example/e",
        "notFoundUrl": "https://x.example/n"})
    assert reply.status_code == 201, reply.text
    domain = reply.json()
    assert set(domain) == set(DOMAIN)
    assert domain["slug"] == slug and domain["id"].startswith("dom_")
    assert (domain["placeholder"], domain["expiredUrl"], domain["notFoundUrl"]) == (
        "https://x.example", "https://x.example/e", "https://x.example/n")
    assert acme.get("/domains", search=slug).json() == [domain]
    for workspace in (acme, acme.server.workspace()):
        assert_error(workspace.post("/domains", {"slug": slug}), 409, "conflict", "Domain is already in use.")


def test_the_first_domain_is_the_primary_one(server, shop):
    assert shop.domain["primary"] is True
    second = shop.ok("POST", "/domains", json={"slug": f"{unique('d')}.example"})
    assert second["primary"] is False
    assert shop.link()["domain"] == "go.shop.example"
    assert shop.link(domain=second["slug"])["shortLink"].startswith(f"https://{second['slug']}/")
    assert {d["slug"] for d in shop.ok("GET", "/domains")} >= {"go.shop.example", second["slug"]}


def test_one_key_on_two_domains(shop):
    key = unique("same")
    second = shop.ok("POST", "/domains", json={"slug": f"{unique('d')}.example"})["slug"]
    ids = {shop.link(key=key)["id"], shop.link(key=key, domain=second)["id"]}
    assert len(ids) == 2


def test_a_foreign_domain_is_out_of_reach(acme, shop):
    assert_error(acme.post("/links", {"url": "https://x.example", "domain": "go.shop.example"}), 403,
                 "forbidden", "Domain does not belong to workspace.")
    link = acme.link()
    assert_error(acme.http.patch(f"/links/{link['id']}", json={"domain": "go.shop.example"}), 403,
                 "forbidden", "Domain does not belong to workspace.")


def test_a_new_domain_has_a_root_link(server):
    workspace = server.workspace()
    slug = f"{unique('d')}.example"
    workspace.ok("POST", "/domains", json={"slug": slug})
    root = workspace.ok("GET", "/links/info", params={"domain": slug, "key": "_root"})
    assert root["key"] == "_root" and root["url"] == ""
    assert_error(workspace.http.delete(f"/links/{root['id']}"), 403, "forbidden")


@pytest.mark.parametrize("body, status, code, message", [
    ({"slug": ""}, 422, "unprocessable_entity", None),
    ({"slug": "nodot"}, 422, "unprocessable_entity", "Invalid domain"),
    ({"slug": "a b.example"}, 422, "unprocessable_entity", "Invalid domain"),
    ({"slug": "-a.example"}, 422, "unprocessable_entity", "Invalid domain"),
    ({"slug": "https://a.example/x"}, 422, "unprocessable_entity", "Invalid domain"),
    ({"slug": "www.a.example"}, 422, "unprocessable_entity", "Custom domain cannot start with www."),
    ({"slug": "a" * 190 + ".example"}, 422, "unprocessable_entity", "too_big: slug: Too big: expected string to have <=190 characters"),
    ({"slug": "a.example", "placeholder": "x" * 101}, 422, "unprocessable_entity", re.compile("placeholder")),
    ({}, 422, "unprocessable_entity", re.compile("slug")),
], ids=lambda v: str(v)[:40])
def test_domains_that_are_refused(acme, body, status, code, message):
    before = acme.ok("GET", "/domains")
    assert_error(acme.post("/domains", body), status, code, message)
    assert acme.ok("GET", "/domains") == before


def test_archived_domains_are_listed_apart(server):
    workspace = server.workspace()
    for n, archived in enumerate((False, True)):
        workspace.ok("POST", "/domains", json={"slug": f"{unique('d')}.example", "archived": archived})
    assert [d["archived"] for d in workspace.ok("GET", "/domains")] == [False]
    assert [d["archived"] for d in workspace.ok("GET", "/domains", params={"archived": "true"})] == [True]
    for page, size, count in [(1, 1, 1), (2, 1, 0), (1, 50, 1)]:
        assert len(workspace.ok("GET", "/domains", params={"page": page, "pageSize": size})) == count
    assert_error(workspace.get("/domains", pageSize=51), 422, "unprocessable_entity", re.compile("Max page size is 50."))
    assert_error(workspace.get("/domains", archived="yes"), 422, "unprocessable_entity", re.compile("archived"))
