"""Every setting of a link: set, read back, changed, removed, refused."""

import re

import pytest

from harness import assert_error, follow, together, unique

FUTURE = "2031-02-03T04:05:06.789Z"
VARIANTS = [{"url": "https://a.example/", "percentage": 60}, {"url": "https://b.example/", "percentage": 40}]
SETTABLE = {
    "password": "open sesame", "proxy": True, "rewrite": True, "ios": "https://apps.apple.com/app/1",
    "android": "https://play.google.com/store/apps/details?id=x", "geo": {"DE": "https://x.example/de", "US": "https://x.example/us"},
    "folderId": ..., "image": "https://x.example/i.png", "testStartedAt": "2026-01-01T00:00:00.000Z", "testCompletedAt": FUTURE,
}


@pytest.mark.parametrize("name", SETTABLE)
def test_fields_can_be_set_changed_and_removed(acme, name):
    value = SETTABLE[name]
    if value is ...:
        value = acme.ok("POST", "/folders", json={"name": unique("folder")})["id"]
    link = acme.link(**{name: value})
    path = f"/links/{link['id']}"
    assert link[name] == value and acme.ok("GET", path) == link
    assert acme.ok("PATCH", path, json={"title": "t"})[name] == value
    empty = False if value is True else None
    assert acme.ok("PATCH", path, json={name: empty})[name] == empty
    assert acme.ok("PUT", path, json={name: value})[name] == value
    assert acme.ok("GET", path)[name] == value


def test_a_test_needs_conversions(acme):
    link = acme.link(testVariants=VARIANTS, trackConversion=True, testCompletedAt=FUTURE)
    assert link["testVariants"] == VARIANTS and link["testCompletedAt"] == FUTURE
    assert_error(acme.http.patch(f"/links/{link['id']}", json={"trackConversion": False}), 422, "unprocessable_entity",
                 "Conversion tracking must be enabled to use A/B testing.")
    assert acme.ok("PATCH", f"/links/{link['id']}", json={"testVariants": None})["testVariants"] is None
    assert_error(acme.post("/links", {"url": "https://x.example", "testVariants": VARIANTS}), 422,
                 "unprocessable_entity", "Conversion tracking must be enabled to use A/B testing.")


def test_long_titles_are_cut(acme):
    link = acme.link(title="t" * 200, description="d" * 300)
    assert (link["title"], link["description"]) == ("t" * 120, "d" * 240)


@pytest.mark.parametrize("fields", [
    lambda one, two: {"tagIds": [two["id"], one["id"]]}, lambda one, two: {"tagIds": f"{two['id']},{one['id']}"},
    lambda one, two: {"tagNames": [two["name"], one["name"]]}, lambda one, two: {"tagNames": f"{two['name']}, {one['name']}"},
])
def test_tags(acme, fields):
    one, two = (acme.ok("POST", "/tags", json={"name": unique("tag"), "color": c}) for c in ("red", "blue"))
    link = acme.link(**fields(one, two))
    assert link["tags"] == [two, one] and link["tagId"] == two["id"]
    path = f"/links/{link['id']}"
    assert acme.ok("PATCH", path, json={"title": "x"})["tags"] == [two, one]
    assert acme.ok("PATCH", path, json={"tagId": one["id"]})["tags"] == [one]
    assert acme.ok("PATCH", path, json={"tagIds": []})["tags"] == []


def test_campaign_parameters_follow_the_link(acme):
    link = acme.link(url="https://x.example/?a=1", utm_source="one", utm_term="t")
    path = f"/links/{link['id']}"
    assert link["url"] == "https://x.example/?a=1&utm_source=one&utm_term=t"
    assert acme.ok("PATCH", path, json={"utm_source": "two"})["url"] == "https://x.example/?a=1&utm_source=two&utm_term=t"
    assert acme.ok("PATCH", path, json={"utm_source": None})["url"] == "https://x.example/?a=1&utm_term=t"
    assert acme.ok("PATCH", path, json={"url": "https://y.example/"})["url"] == "https://y.example/?utm_term=t"
    assert acme.ok("PATCH", path, json={"url": "mailto:a@b.example"})["url"] == "mailto:a@b.example", "an app would not understand them"


UNPROCESSABLE = [
    ({"url": "javascript:alert(1)"}, "Invalid destination URL"),
    ({"ios": "javascript:alert(1)"}, "invalid_format: ios: Invalid URL"),
    ({"android": "data:text/html,x"}, "invalid_format: android: Invalid URL"),
    ({"geo": {"DE": "vbscript:x"}}, "invalid_format: geo.DE: Invalid URL"),
    ({"geo": []}, "invalid_type: geo: Invalid input: expected record, received array"),
    ({"geo": {"Germany": "https://x.example"}}, re.compile("^invalid_value: geo.Germany: ")),
    ({"expiredUrl": "nope"}, "Invalid expired URL."),
    ({"expiresAt": "someday"}, "Invalid expiration date."),
    ({"testCompletedAt": "someday"}, "Invalid test completion date."),
    ({"tagIds": ["tag_none", "tag_zero"]}, "Invalid tagIds detected: tag_none, tag_zero"),
    ({"tagNames": "no such tag"}, "Invalid tagNames detected: no such tag"),
    ({"tagIds": 5}, "invalid_union: tagIds: Invalid input"),
    ({"webhookIds": ["wh_1"]}, "Invalid webhookIds detected: wh_1"),
    ({"password": 5}, "invalid_type: password: Invalid input: expected string, received number"),
    ({"proxy": None}, "invalid_type: proxy: Invalid input: expected boolean, received null"),
    ({"testVariants": VARIANTS[:1]}, "too_small: testVariants: Too small: expected array to have >=2 items"),
    ({"testVariants": VARIANTS * 3}, "too_big: testVariants: Too big: expected array to have <=4 items"),
    ({"testVariants": [VARIANTS[0], {"url": "x", "percentage": 40}]}, "invalid_format: testVariants[1].url: Invalid URL"),
    ({"testVariants": [VARIANTS[0], {"url": "https://x.example", "percentage": 5}]},
     "too_small: testVariants[1].percentage: Too small: expected number to be >=10"),
    ({"ref": "r" * 256}, "too_big: ref: Too big: expected string to have <=255 characters"),
    ({"key": "\u202ekey"}, "Invalid key."), ({"key": ".well-known/x"}, "Invalid key."), ({"key": "x.php7"}, "Invalid key."),
]


@pytest.mark.parametrize("fields, message", UNPROCESSABLE, ids=lambda v: str(v)[:50])
def test_what_is_unprocessable(acme, fields, message):
    count = acme.ok("GET", "/links/count", params={"showArchived": "true"})
    assert_error(acme.post("/links", {"url": "https://x.example", **fields}), 422, "unprocessable_entity", message)
    assert acme.ok("GET", "/links/count", params={"showArchived": "true"}) == count


@pytest.mark.parametrize("fields, message", [
    ({"folderId": "fold_none"}, "Folder not found."), ({"programId": "prog_1"}, "Program not found."),
    ({"partnerId": "pn_1"}, "Program not found.")])
def test_what_is_not_there(acme, fields, message):
    assert_error(acme.post("/links", {"url": "https://x.example", **fields}), 404, "not_found", message)


@pytest.mark.parametrize("asked, made", [
    ("küche", "xn--kche-0ra"), ("a/küche", "xn--a/kche-5ya"), ("KÜCHE2", "xn--kche2-kva"), ("💖", "xn--1r8h"), ("Mixed-Case", "Mixed-Case"),
])
def test_keys_beyond_ascii_and_in_any_case(server, acme, asked, made):
    link = acme.link(key=asked)
    assert link["key"] == made and link["shortLink"].endswith("/" + made)
    for spelling in (asked, asked.upper(), asked.lower(), made):
        assert follow(server, spelling).headers.get("location") == link["url"], spelling
        assert acme.ok("GET", "/links/info", params={"domain": "localhost", "key": spelling})["id"] == link["id"]
        assert_error(acme.post("/links", {"url": "https://y.example", "key": spelling}), 409, "conflict",
                     "Duplicate key: This short link already exists.")


def test_one_of_many_gets_the_key(acme):
    key = unique("race")
    codes = together(12, lambda n: acme.post("/links", {"url": f"https://x.example/{n}", "key": key}).status_code)
    assert sorted(codes) == [200] + [409] * 11


PRO = {"password": "x", "proxy": True, "rewrite": True, "ios": "https://x.example", "android": "https://x.example",
       "geo": {"DE": "https://x.example"}, "expiresAt": FUTURE, "expiredUrl": "https://x.example", "doIndex": True}
BUSINESS = {"trackConversion": True, "testVariants": VARIANTS}


def test_plans(server):
    free, pro = server.workspace("free"), server.workspace("pro")
    for name, value in (PRO | BUSINESS).items():
        reply = free.post("/links", {"url": "https://x.example", name: value})
        assert_error(reply, 403, "forbidden", re.compile("Upgrade to (Pro|Business)"))
    for name, value in BUSINESS.items():
        assert_error(pro.post("/links", {"url": "https://x.example", name: value}), 403, "forbidden", re.compile("Business plan"))
    link = free.link()
    assert_error(free.http.patch(f"/links/{link['id']}", json={"password": "x"}), 403, "forbidden")
    for name, value in PRO.items():
        assert pro.link(**{name: value})[name] == value
    assert_error(free.post("/folders", {"name": "x"}), 403, "forbidden", "Unauthorized: Need higher plan.")
    # What a link has stays when the plan gets lower.
    kept = pro.link(password="x")
    server.command("workspace", "update", pro.slug, "--plan", "free")
    assert pro.ok("PATCH", f"/links/{kept['id']}", json={"title": "t"})["password"] == "x"


def test_links_of_a_month(server):
    free = server.workspace("free")
    free.ok("POST", "/domains", json={"slug": f"{unique('m')}.example"})
    for _ in range(23):
        free.link()
    body = [{"url": "https://x.example"}] * 3
    text = re.compile("^You've reached your monthly limit of 25 links on the Free plan")
    assert_error(free.post("/links/bulk", body), 403, "exceeded_limit", text)
    assert len(free.ok("POST", "/links/bulk", json=body[:2])) == 2
    assert_error(free.post("/links", {"url": "https://x.example"}), 403, "forbidden", text)
    assert_error(free.http.put("/links/upsert", json={"url": "https://new.example"}), 403, "forbidden", text)
    first = free.ok("GET", "/links")[0]
    free.ok("DELETE", f"/links/{first['id']}")
    assert_error(free.post("/links", {"url": "https://x.example"}), 403, "forbidden", text)


def test_upsert(acme):
    url = f"https://x.example/{unique('page')}"
    made = acme.ok("PUT", "/links/upsert", json={"url": url, "title": "One"})
    again = acme.ok("PUT", "/links/upsert", json={"url": url, "title": "Two", "tenantId": "t"})
    assert again == made | {"title": "Two", "tenantId": "t", "updatedAt": again["updatedAt"]}
    marked = acme.ok("PUT", "/links/upsert", json={"url": url + "/c", "utm_source": "mail"})
    assert acme.ok("PUT", "/links/upsert", json={"url": url + "/c", "utm_source": "mail", "title": "T"})["id"] == marked["id"]
    ids = together(8, lambda _: acme.ok("PUT", "/links/upsert", json={"url": url + "/race"})["id"])
    assert len(set(ids)) == 1


def test_the_root_stays_the_root(server):
    workspace = server.workspace()
    slug = workspace.ok("POST", "/domains", json={"slug": f"{unique('r')}.example"})["slug"]
    root = workspace.ok("GET", "/links/info", params={"domain": slug, "key": "_root"})
    assert_error(workspace.http.patch(f"/links/{root['id']}", json={"key": "other"}), 403, "forbidden")
    link = workspace.link()
    assert workspace.http.patch(f"/links/{link['id']}", json={"key": "_root"}).status_code in (403, 409)
    for reply in (workspace.post("/links", {"url": "", "key": "x"}), workspace.http.patch(f"/links/{link['id']}", json={"url": ""})):
        assert_error(reply, 400, "bad_request", "Missing destination URL")


@pytest.mark.parametrize("fields, url, utm", [
    ({"url": "https://x.example/p?utm_source=a&utm_medium=b"}, "https://x.example/p?utm_source=a&utm_medium=b", ("a", "b")),
    ({"url": "https://x.example/p?utm_source=a", "utm_source": "z"}, "https://x.example/p?utm_source=z", ("z", None)),
    ({"url": "https://x.example/p?utm_source=a", "utm_source": None}, "https://x.example/p?utm_source=a", ("a", None)),
    ({"url": "https://x.example", "utm_medium": "m"}, "https://x.example/?utm_medium=m", (None, "m")),
    ({"url": "https://x.example", "ref": "r"}, "https://x.example/?ref=r", (None, None)),
    ({"url": "https://x.example/a b?c=d e"}, "https://x.example/a%20b?c=d%20e", (None, None)),
    ({"url": "x.example/a"}, "https://x.example/a", (None, None))])
def test_campaigns_that_the_destination_brings(acme, fields, url, utm):
    link = acme.link(**fields)
    assert link["url"] == url and (link["utm_source"], link["utm_medium"]) == utm
    moved = acme.ok("PATCH", f"/links/{link['id']}", json={"url": "https://y.example/?utm_medium=new"})
    assert moved["utm_medium"] == "new" and moved["utm_source"] == utm[0]
    assert moved["url"] == "https://y.example/?utm_medium=new" + (f"&utm_source={utm[0]}" if utm[0] else "")


def test_targets_without_a_scheme(acme):
    assert acme.link(ios="https://x.example/a b")["ios"] == "https://x.example/a%20b"
    link = acme.link(ios="apps.example/x", geo={"DE": "de.example"}, expiredUrl="late.example/a", expiresAt="")
    assert (link["ios"], link["geo"], link["expiredUrl"], link["expiresAt"]) == (
        "https://apps.example/x", {"DE": "https://de.example"}, "https://late.example/a", None)


@pytest.mark.parametrize("prefix", ["/c/", "c/", "/c", "c"])
def test_prefixes(acme, prefix):
    assert re.fullmatch(r"c/[0-9A-Za-z]{7}", acme.link(prefix=prefix)["key"])


def test_the_root_keeps_its_name(acme):
    acme.ok("POST", "/domains", json={"slug": f"{unique('rooted')}.example"})
    slug = acme.ok("GET", "/domains")[0]["slug"]
    root = acme.ok("GET", "/links/info", params={"domain": slug, "key": "_root"})
    reply = acme.http.patch(f"/links/{root['id']}", json={"key": "other"})
    assert_error(reply, 403, "forbidden", re.compile("root link"))
    acme.ok("DELETE", f"/domains/{slug}")
