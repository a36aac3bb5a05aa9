"""Many links: lists, counts, bulk; and what groups them: tags, folders, domains."""

import re

import pytest

from harness import assert_error, follow, together, unique

UNPROCESSABLE = (422, "unprocessable_entity")


@pytest.fixture(scope="module")
def shop(server):
    """A workspace with links of every kind, oldest first."""
    shop = server.workspace()
    shop.ok("POST", "/domains", json={"slug": "one.example"})
    shop.ok("POST", "/domains", json={"slug": "two.example"})
    shop.red = shop.ok("POST", "/tags", json={"name": "red", "color": "red"})
    shop.blue = shop.ok("POST", "/tags", json={"name": "blue", "color": "blue"})
    shop.folder = shop.ok("POST", "/folders", json={"name": "Autumn"})
    shop.all = {
        "plain": shop.link(key="plain"),
        "red": shop.link(key="red", tagIds=[shop.red["id"]], title="Sunny Day"),
        "both": shop.link(key="both", tagIds=[shop.red["id"], shop.blue["id"]], tenantId="t1"),
        "two": shop.link(key="two", domain="two.example", url="https://find.example/me"),
        "filed": shop.link(key="filed", folderId=shop.folder["id"], externalId="e1"),
        "old": shop.link(key="old", archived=True),
    }
    follow(server, "red", host="one.example")
    return shop


def keys(shop, path="/links", **query):
    return [link["key"] for link in shop.ok("GET", path, params=query) if link["key"] != "_root"]


FILTERS = [
    ({}, "two both red plain"), ({"showArchived": "true"}, "old two both red plain"),
    ({"domain": "two.example"}, "two"), ({"domain": "TWO.example"}, "two"), ({"tenantId": "t1"}, "both"),
    ({"tagNames": "red"}, "both red"), ({"tagNames": ["red", "blue"]}, "both red"), ({"tagNames": "blue,none"}, "both"),
    ({"search": "sunny"}, "red"), ({"search": "find.example"}, "two"), ({"search": "filed"}, "filed"), ({"search": "%"}, ""),
    ({"folderId": "unsorted"}, "two both red plain"), ({"folderId": "none"}, ""), ({"linkIds": "ext_e1"}, "filed"),
    ({"userId": "user_1"}, ""), ({"partnerId": "pn_1"}, ""), ({"domain": "none.example"}, ""),
    ({"sortBy": "clicks"}, "red two both plain"), ({"sortBy": "lastClicked"}, "red two both plain"),
    ({"page": 2, "pageSize": 3}, "plain"), ({"sortOrder": "asc"}, "plain red both two"), ({"withTags": "true"}, "two both red plain"),
]


@pytest.mark.parametrize("query, expected", FILTERS, ids=lambda v: str(v)[:40])
def test_lists(shop, query, expected):
    if "page" in query:  # the roots of the domains stand at the end
        assert len(shop.ok("GET", "/links", params=query)) == 3
        return
    assert keys(shop, **query) == expected.split()
    if not {"sortBy", "sortOrder"} & set(query):
        count = shop.ok("GET", "/links/count", params=query)
        assert count == len(shop.ok("GET", "/links", params=query))


def test_lists_by_id(shop):
    assert keys(shop, tagIds=shop.blue["id"]) == ["both"] and keys(shop, tagId=shop.blue["id"]) == ["both"]
    assert keys(shop, folderId=shop.folder["id"]) == ["filed"]
    assert keys(shop, linkIds=f"{shop.all['red']['id']},{shop.all['old']['id']}") == ["red"]
    [red] = shop.ok("GET", "/links", params={"linkIds": shop.all["red"]["id"]})
    assert red == shop.fresh(shop.all["red"]) and red["tags"] == [shop.red]


@pytest.mark.parametrize("group, expected", [
    ("domain", {"one.example": 5, "two.example": 2}), ("folderId", "folders"), ("userId", {None: 7}), ("tagId", "tags")])
def test_counts_by_group(shop, group, expected):
    found = shop.ok("GET", "/links/count", params={"groupBy": group})
    if expected == "tags":
        expected = {shop.red["id"]: 2, shop.blue["id"]: 1}
    if expected == "folders":
        expected = {None: 6, shop.folder["id"]: 1}
    assert {item[group]: item["_count"] for item in found} == expected
    assert [item["_count"] for item in found] == sorted((item["_count"] for item in found), reverse=True)


def test_cursors_survive_new_links(server):
    acme = server.workspace()
    made = [acme.link()["id"] for _ in range(7)]
    seen, query = [], {"pageSize": 2}
    while page := acme.ok("GET", "/links", params=query):
        seen += [link["id"] for link in page]
        acme.link()
        query["startingAfter"] = seen[-1]
    assert seen == made[::-1]
    back = acme.ok("GET", "/links", params={"pageSize": 2, "endingBefore": made[0]})
    assert [link["id"] for link in back] == [made[2], made[1]]


@pytest.mark.parametrize("query, message", [
    ({"startingAfter": "a", "endingBefore": "b"}, "You cannot use both startingAfter and endingBefore at the same time."),
    ({"startingAfter": "link_none"}, "Invalid cursor: the provided ID does not exist."),
    ({"startingAfter": "a", "sortBy": "clicks"}, re.compile("^Cursor-based pagination only supports sorting by `createdAt`")),
    ({"page": 1001}, re.compile("^Page is too big")), ({"pageSize": 101}, re.compile("Max page size is 100.")),
    ({"showArchived": "maybe"}, re.compile("^invalid_value: showArchived: ")), ({"sortBy": "name"}, re.compile("^invalid_value: sortBy: ")),
])
def test_lists_that_are_refused(shop, query, message):
    assert_error(shop.get("/links", **query), *UNPROCESSABLE, message)


def test_nobody_sees_the_links_of_others(shop, acme):
    for path in ("/links", "/tags", "/folders", "/domains"):
        assert acme.ok("GET", path) == []
    assert acme.ok("GET", "/links/count") == 0
    assert acme.ok("GET", "/links", params={"tagIds": shop.red["id"]}) == []
    assert_error(acme.post("/links", {"url": "https://x.example", "tagIds": [shop.red["id"]]}), *UNPROCESSABLE)
    assert_error(acme.post("/links", {"url": "https://x.example", "folderId": shop.folder["id"]}), 404, "not_found")
    for path in (f"/tags/{shop.red['id']}", f"/folders/{shop.folder['id']}", "/domains/one.example"):
        assert_error(acme.http.patch(path, json={"name": "mine"}), 404, "not_found")
        assert_error(acme.http.delete(path), 404, "not_found")
    assert_error(acme.http.patch(f"/links/{shop.all['red']['id']}", json={}), 401, "unauthorized")


# --- bulk ----------------------------------------------------------------------------------------


def test_bulk_creation(acme):
    taken = acme.link()
    body = [{"url": "https://x.example/1", "key": unique("bulk")}, {"url": "https://x.example/2", "key": taken["key"]},
            {"url": "nope nope"}, {"url": "https://x.example/3", "tagNames": ["none"]}, {"url": "https://x.example/4", "externalId": unique("e")}]
    found = acme.ok("POST", "/links/bulk", json=body)
    assert [item.get("url") for item in found] == ["https://x.example/1", "https://x.example/4"] + [None] * 3
    assert {(item["code"], item["error"]) for item in found[2:]} == {
        ("conflict", "Duplicate key: This short link already exists."), ("unprocessable_entity", "Invalid destination URL"),
        ("unprocessable_entity", "Invalid tagNames detected: none")}
    assert all(item["link"] in body for item in found[2:])
    assert acme.fresh(found[0]) == found[0]


@pytest.mark.parametrize("body, status, code, message", [
    ([], 422, "unprocessable_entity", "No links created – you must provide at least one link."),
    ([{"url": "https://x.example"}] * 101, 422, "unprocessable_entity", "You can only create up to 100 links at a time."),
    ([{"url": "https://x.example"}, {}], 422, "unprocessable_entity", "invalid_type: [1].url: Invalid input: expected string, received undefined"),
    ([{"url": "https://x.example"}, 7], 422, "unprocessable_entity", "invalid_type: [1]: Invalid input: expected object, received number"),
    ({"url": "https://x.example"}, 422, "unprocessable_entity", "invalid_type: : Invalid input: expected array, received object"),
    ([{"url": "https://x.example", "key": "same"}, {"url": "https://x.example", "key": "SAME"}], 400, "bad_request",
     re.compile("^Duplicate links found: localhost/SAME")),
    (b"[{]", 400, "bad_request", None),
], ids=lambda v: str(v)[:30])
def test_bulk_creation_that_is_refused(acme, body, status, code, message):
    before = acme.ok("GET", "/links/count")
    assert_error(acme.post("/links/bulk", body), status, code, message)
    assert acme.ok("GET", "/links/count") == before


def test_a_hundred_at_once(acme):
    found = acme.ok("POST", "/links/bulk", json=[{"url": f"https://x.example/{n}"} for n in range(100)])
    assert [link["url"] for link in found] == [f"https://x.example/{n}" for n in range(100)]
    assert len({link["id"] for link in found}) == 100


def test_bulk_changes(acme, other):
    one, two, foreign = acme.link(), acme.link(externalId=unique("e")), other.link()
    body = {"linkIds": [one["id"], "link_none", foreign["id"]], "externalIds": [two["externalId"]], "data": {"title": "New", "archived": True}}
    found = acme.ok("PATCH", "/links/bulk", json=body)
    assert [(link["id"], link["title"], link["archived"]) for link in found[:2]] == [(one["id"], "New", True), (two["id"], "New", True)]
    assert [(item["code"], item["link"]["id"]) for item in found[2:]] == [("not_found", "link_none"), ("not_found", foreign["id"])]
    assert other.fresh(foreign) == foreign
    assert acme.http.patch("/links/bulk", json={"linkIds": [], "data": {}}).json() == "No links to update"
    for bad, message in [({"linkIds": ["a"]}, re.compile("^invalid_type: data: ")),
                         ({"linkIds": ["a"], "data": {"ios": "x"}}, "invalid_format: data.ios: Invalid URL"),
                         ({"linkIds": ["a"] * 101, "data": {}}, re.compile("^too_big: linkIds: "))]:
        assert_error(acme.http.patch("/links/bulk", json=bad), *UNPROCESSABLE, message)


def test_bulk_deletion(acme, other):
    one, two, foreign = acme.link(), acme.link(externalId=unique("e")), other.link()
    ids = f"{one['id']},ext_{two['externalId']},{foreign['id']},link_none"
    assert acme.ok("DELETE", "/links/bulk", params={"linkIds": ids}) == {"deletedCount": 2}
    assert other.fresh(foreign) == foreign and acme.get(f"/links/{one['id']}").status_code == 404
    assert_error(acme.http.delete("/links/bulk"), 400, "bad_request")


# --- tags and folders ----------------------------------------------------------------------------


def test_tags(server):
    acme = server.workspace()
    reply = acme.post("/tags", {"tag": "old name", "color": "pink"})
    assert reply.status_code == 201 and list(reply.json()) == ["id", "name", "color"]
    tag = reply.json()
    assert tag["id"].startswith("tag_") and (tag["name"], tag["color"]) == ("old name", "pink")
    link = acme.link(tagIds=[tag["id"]])
    changed = acme.ok("PATCH", f"/tags/{tag['id']}", json={"name": "new", "color": "green"})
    assert changed == {"id": tag["id"], "name": "new", "color": "green"} and acme.fresh(link)["tags"] == [changed]
    other = acme.ok("POST", "/tags", json={"name": "Apple"})
    assert [t["name"] for t in acme.ok("GET", "/tags")] == ["Apple", "new"]
    assert acme.ok("GET", "/tags", params={"search": "ne"}) == [changed]
    assert acme.ok("GET", "/tags", params={"ids": other["id"]}) == [other]
    assert [t["name"] for t in acme.ok("GET", "/tags", params={"sortBy": "createdAt", "sortOrder": "desc"})] == ["Apple", "new"]
    assert acme.ok("DELETE", f"/tags/{tag['id']}") == {"id": tag["id"]}
    assert acme.fresh(link)["tags"] == []
    for reply, status, code, message in [
        (acme.post("/tags", {}), *UNPROCESSABLE, "custom: name: Name is required."),
        (acme.post("/tags", {"name": "x", "color": "mauve"}), *UNPROCESSABLE, re.compile('^invalid_value: color: Invalid option: expected one of "red"')),
        (acme.post("/tags", {"name": "Apple"}), 409, "conflict", "A tag with that name already exists."),
        (acme.http.patch("/tags/tag_none", json={"name": "x"}), 404, "not_found", "Tag not found."),
        (acme.http.delete(f"/tags/{tag['id']}"), 404, "not_found", "Tag not found."),
    ]:
        assert_error(reply, status, code, message)


def test_folders(server):
    acme = server.workspace()
    reply = acme.post("/folders", {"name": "Autumn", "description": "leaves"})
    assert reply.status_code == 201
    folder = reply.json()
    assert list(folder) == ["id", "name", "description", "type", "accessLevel", "createdAt", "updatedAt"]
    assert (folder["type"], folder["accessLevel"]) == ("default", "write") and folder["id"].startswith("fold_")
    link = acme.link(folderId=folder["id"])
    path = f"/folders/{folder['id']}"
    assert acme.ok("PATCH", path, json={"name": "Winter", "accessLevel": None})["accessLevel"] is None
    assert [f["name"] for f in acme.ok("GET", "/folders", params={"search": "int"})] == ["Winter"]
    assert_error(acme.post("/folders", {"name": "Winter"}), 409, "conflict", "A folder with the name Winter already exists.")
    assert_error(acme.post("/folders", {}), *UNPROCESSABLE, re.compile("^invalid_type: name: "))
    assert acme.ok("DELETE", path) == {"id": folder["id"]}
    assert acme.fresh(link)["folderId"] is None and acme.ok("GET", "/folders") == []
    assert_error(acme.http.delete(path), 404, "not_found", "Folder not found.")


# --- domains -------------------------------------------------------------------------------------


def test_domains_change(server):
    acme = server.workspace()
    first, second = (acme.ok("POST", "/domains", json={"slug": f"{unique('d')}.example"}) for _ in range(2))
    link = acme.link(domain=second["slug"])
    path = f"/domains/{second['slug']}"
    changed = acme.ok("PATCH", path, json={"notFoundUrl": "https://x.example/n", "placeholder": "p", "archived": True,
                                           "assetLinks": "[]", "appleAppSiteAssociation": "{\"a\":1}"})
    assert (changed["notFoundUrl"], changed["archived"], changed["assetLinks"]) == ("https://x.example/n", True, "[]")
    assert acme.ok("PATCH", path, json={"notFoundUrl": None, "archived": False})["notFoundUrl"] is None
    assert_error(acme.http.patch(path, json={"assetLinks": "{"}), *UNPROCESSABLE, "custom: assetLinks: Invalid JSON")
    assert_error(acme.http.patch(path, json={"slug": first["slug"]}), 409, "conflict", "Domain is already in use.")
    assert acme.ok("POST", f"{path}/primary")["primary"] is True
    assert {d["slug"]: d["primary"] for d in acme.ok("GET", "/domains")} == {first["slug"]: False, second["slug"]: True}
    assert acme.link()["domain"] == second["slug"]
    assert acme.ok("PATCH", f"/domains/{first['slug']}", json={"primary": True})["primary"] is True
    moved = f"{unique('moved')}.example"
    assert acme.ok("PATCH", path, json={"slug": moved})["slug"] == moved
    assert acme.fresh(link)["domain"] == moved and acme.fresh(link)["shortLink"] == f"https://{moved}/{link['key']}"
    assert follow(server, link["key"], host=moved).status_code == 302
    assert_error(acme.http.patch(path, json={}), 404, "not_found", f"Domain {second['slug']} not found.")
    # The primary one goes: another takes its place, and its links go along.
    own = acme.link(domain=first["slug"])
    assert acme.ok("DELETE", f"/domains/{first['slug']}") == {"slug": first["slug"]}
    assert [(d["slug"], d["primary"]) for d in acme.ok("GET", "/domains")] == [(moved, True)]
    assert_error(acme.get(f"/links/{own['id']}"), 404, "not_found", "Link not found.")
    again = acme.ok("POST", "/domains", json={"slug": first["slug"]})
    assert again["id"] != first["id"] and acme.link(domain=first["slug"], key=own["key"])["id"] != own["id"]


@pytest.mark.parametrize("asked, made", [
    ("go.müller.example", "go.xn--mller-kva.example"), ("ドメイン.example", "xn--eckwd4c7c.example"),
    ("xn--mller-2va.example", "xn--mller-2va.example")])
def test_domains_beyond_ascii_show_what_they_are(acme, asked, made):
    assert acme.ok("POST", "/domains", json={"slug": asked})["slug"] == made


@pytest.mark.parametrize("slug", ["\u0430pple.example", "g\u03bf\u03bfgle.example", "a..example", "a.example:80", "a.example/x", "1.2.3.4", "localhost"])
def test_domains_that_look_like_others(acme, slug):
    assert_error(acme.post("/domains", {"slug": slug}), *UNPROCESSABLE, "Invalid domain")


def test_one_of_many_gets_the_domain(server):
    spaces = [server.workspace() for _ in range(4)]
    slug = f"{unique('race')}.example"
    codes = together(8, lambda n: spaces[n % 4].post("/domains", {"slug": slug}).status_code)
    assert sorted(codes) == [201] + [409] * 7


def test_ids_of_both_kinds(shop):
    external = shop.link(externalId="both-kinds")
    found = shop.ok("GET", "/links", params={"linkIds": f"{shop.all['red']['id']},ext_both-kinds,link_none"})
    assert {link["id"] for link in found} == {shop.all["red"]["id"], external["id"]}
    assert shop.ok("GET", "/links", params={"linkIds": "ext_none"}) == []
    shop.ok("DELETE", f"/links/{external['id']}")


def test_names_of_tags_in_any_case(shop):
    link = shop.link(tagNames=["RED", "Blue"])
    assert [tag["id"] for tag in link["tags"]] == [shop.red["id"], shop.blue["id"]]
    assert link["id"] in [found["id"] for found in shop.ok("GET", "/links", params={"tagNames": "bLUE"})]
    assert_error(shop.post("/tags", {"name": "ReD"}), 409, "conflict")
    shop.ok("DELETE", f"/links/{link['id']}")


def test_a_short_link_is_found_by_its_address(shop):
    link = shop.link(key=unique("address"))
    for text in (link["shortLink"], link["shortLink"].split("://")[1], link["key"]):
        assert [found["id"] for found in shop.ok("GET", "/links", params={"search": text})] == [link["id"]]
    shop.ok("DELETE", f"/links/{link['id']}")


def test_one_bad_date_does_not_refuse_the_others(server):
    acme = server.workspace()
    found = acme.ok("POST", "/links/bulk", json=[{"url": "https://x.example", "expiresAt": "never"}, {"url": "https://x.example"}, {"url": "java script"}])
    assert [item.get("error") for item in found] == [None, "Invalid expiration date.", "Invalid destination URL"]
    assert [item["code"] for item in found[1:]] == ["unprocessable_entity"] * 2 and found[1]["link"]["expiresAt"] == "never"


def test_an_upsert_looks_at_the_whole_address(server):
    acme = server.workspace()
    long = "https://x.example/" + "a" * 300
    first = acme.ok("PUT", "/links/upsert", json={"url": long + "1"})
    second = acme.ok("PUT", "/links/upsert", json={"url": long + "2"})
    assert first["id"] != second["id"]
    assert acme.ok("PUT", "/links/upsert", json={"url": long + "1", "title": "New"})["id"] == first["id"]
