"""The official Python SDK on links and what stands around them."""

import datetime

import pytest
from dub import Dub
from dub.models import errors

from harness import BROWSER, cookie, follow, unique


@pytest.fixture(scope="module")
def dub(server, acme):
    with Dub(token=acme.token, server_url=server.url) as client:
        yield client


def test_a_link_with_everything(dub):
    tag = dub.tags.create(request={"name": unique("tag"), "color": "green"})
    folder = dub.folders.create(request={"name": unique("folder")})
    link = dub.links.create(request={
        "url": "https://shop.example/x", "key": unique("everything"), "external_id": unique("e"), "tenant_id": "t", "track_conversion": True,
        "tag_ids": [tag.id], "folder_id": folder.id, "comments": "c", "expires_at": "2031-01-01T00:00:00Z", "expired_url": "https://shop.example/late",
        "password": "pw", "proxy": True, "title": "T", "description": "D", "image": "https://shop.example/i.png", "video": "https://shop.example/v.mp4",
        "rewrite": True, "ios": "https://apps.apple.com/app/1", "android": "https://play.google.com/store/apps/details?id=x",
        "geo": {"DE": "https://shop.example/de"}, "do_index": True, "utm_source": "s", "utm_medium": "m", "utm_campaign": "c", "utm_term": "t",
        "utm_content": "n", "ref": "r", "public_stats": True, "archived": True,
        "test_variants": [{"url": "https://a.example", "percentage": 50}, {"url": "https://b.example", "percentage": 50}],
        "test_completed_at": "2031-01-01T00:00:00Z"})
    assert link.tags[0].id == tag.id and link.folder_id == folder.id and link.password == "pw"
    assert link.geo == {"DE": "https://shop.example/de"} or link.geo.de == "https://shop.example/de"
    assert [v.percentage for v in link.test_variants] == [50, 50] and link.utm_source == "s"
    assert dub.links.get(request={"external_id": f"ext_{link.external_id}"}) == link
    changed = dub.links.update(link_id=link.id, request_body={"title": "New", "tag_ids": [], "password": None})
    assert changed.title == "New" and changed.tags == [] and changed.password is None and changed.ios == link.ios
    assert dub.links.delete(link_id=f"ext_{link.external_id}").id == link.id
    with pytest.raises(errors.NotFound):
        dub.links.get(request={"link_id": link.id})


def test_many_links(dub):
    made = dub.links.create_many(request=[{"url": f"https://shop.example/{n}", "tenant_id": "many"} for n in range(5)])
    found, page = [], dub.links.list(request={"tenant_id": "many", "page_size": 2})
    while page and page.result:
        found += [link.id for link in page.result]
        page = page.next()
    assert found == [link.id for link in made][::-1]
    assert dub.links.count(request={"tenant_id": "many"}) == 5
    changed = dub.links.update_many(request={"link_ids": found[:2], "data": {"archived": True}})
    assert [link.archived for link in changed] == [True, True]
    assert dub.links.count(request={"tenant_id": "many"}) == 3
    assert dub.links.delete_many(request={"link_ids": found}).deleted_count == 5
    once = dub.links.upsert(request={"url": "https://shop.example/" + unique("u")})
    assert dub.links.upsert(request={"url": once.url, "title": "T"}).id == once.id


def test_tags_folders_domains(dub):
    tag = dub.tags.create(request={"name": unique("tag")})
    assert dub.tags.update(id=tag.id, request_body={"name": tag.name + "x"}).name == tag.name + "x"
    assert tag.id in [t.id for t in dub.tags.list(request={})]
    assert dub.tags.delete(id=tag.id).id == tag.id
    folder = dub.folders.create(request={"name": unique("folder"), "description": "d"})
    assert dub.folders.update(id=folder.id, request_body={"name": folder.name + "x"}).name == folder.name + "x"
    assert folder.id in [f.id for f in dub.folders.list(request={})]
    assert dub.folders.delete(id=folder.id).id == folder.id
    slug = f"{unique('sdk')}.example"
    domain = dub.domains.create(request={"slug": slug, "placeholder": "https://x.example"})
    assert domain.slug == slug and domain.verified
    assert dub.domains.update(slug=slug, request_body={"not_found_url": "https://x.example/n"}).not_found_url == "https://x.example/n"
    assert slug in [d.slug for d in dub.domains.list(request={}).result]
    assert dub.domains.delete(slug=slug).slug == slug
    with pytest.raises(errors.Forbidden):
        dub.domains.check_status(request={"domains": "x.link"})
    for call in (lambda: dub.tags.delete(id=tag.id), lambda: dub.folders.delete(id=folder.id), lambda: dub.domains.delete(slug=slug)):
        with pytest.raises(errors.NotFound):
            call()


def test_customers_and_events(dub, server):
    link = dub.links.create(request={"url": "https://shop.example", "track_conversion": True})
    reply = follow(server, link.key, f"{BROWSER} {unique('v')}")
    customer = unique("c")
    dub.track.lead(request={"click_id": cookie(reply), "event_name": "Sign up", "customer_external_id": customer, "metadata": {"a": 1}})
    dub.track.sale(request={"customer_external_id": customer, "amount": 4900, "invoice_id": unique("in")})
    found = dub.customers.get(request={"id": f"ext_{customer}", "include_expanded_fields": True})
    assert found.link.id == link.id and found.sale_amount == 4900
    assert [c.id for c in dub.customers.list(request={"external_id": customer}).result] == [found.id]
    changed = dub.customers.update(request={"id": found.id, "request_body": {"name": "Ann", "stripe_customer_id": f"cus_{customer}"}})
    assert (changed.name, changed.stripe_customer_id) == ("Ann", f"cus_{customer}")
    for kind in ("clicks", "leads", "sales"):
        [event] = dub.events.list(request={"event": kind, "link_id": link.id, "interval": "all"})
        assert event.event == kind[:-1] and event.click.id == cookie(reply) and event.link.id == link.id
        assert isinstance(datetime.datetime.fromisoformat(event.timestamp.replace("Z", "+00:00")), datetime.datetime)
    assert dub.customers.delete(id=found.id).id == found.id
    [event] = dub.events.list(request={"event": "sales", "link_id": link.id, "interval": "all"})
    assert event.customer.name == "Deleted Customer"


def test_codes(dub):
    assert dub.qr_codes.get(request={"url": "https://go.example/a", "size": 200})


@pytest.mark.parametrize("call, error", [
    (lambda d: d.links.create(request={"url": "https://x.example", "tag_ids": ["tag_none"]}), errors.UnprocessableEntity),
    (lambda d: d.links.create(request={"url": "https://x.example", "folder_id": "fold_none"}), errors.NotFound),
    (lambda d: d.links.create(request={"url": "https://x.example", "key": "robots.txt"}), errors.Forbidden),
    (lambda d: d.links.create(request={"url": "javascript:1"}), errors.UnprocessableEntity),
    (lambda d: d.links.list(request={"page_size": 101}), errors.UnprocessableEntity),
    (lambda d: d.customers.get(request={"id": "cus_none"}), errors.NotFound),
    (lambda d: d.events.list(request={"limit": 1001}), errors.UnprocessableEntity)])
def test_errors_have_their_classes(dub, call, error):
    with pytest.raises(error):
        call(dub)
