"""The official Python SDK, as a customer's program uses it."""

import pytest
from dub import Dub
from dub.models import errors
from dub.models.operations import PaymentProcessor

from harness import BROWSER, cookie, follow, unique


@pytest.fixture(scope="module")
def dub(server, acme):
    with Dub(token=acme.token, server_url=server.url) as client:
        yield client


@pytest.fixture(scope="module", params=["", "/api"])
def either(request, server, acme):
    """Both places at which the API is served."""
    with Dub(token=acme.token, server_url=server.url + request.param) as client:
        yield client


def visit(server, link):
    reply = follow(server, link.key)
    assert reply.status_code == 302
    return cookie(reply)


def signed_up(dub, server, **fields):
    link = dub.links.create(request={"url": "https://shop.example"})
    customer = unique("sdk")
    dub.track.lead(request={
        "click_id": visit(server, link), "event_name": "Sign up", "customer_external_id": customer, **fields})
    return customer, link


def sell(dub, customer, amount=4900, **fields):
    return dub.track.sale(request={"customer_external_id": customer, "amount": amount, **fields})


def reload(dub, link):
    return dub.links.get(request={"link_id": link.id})


def test_from_link_to_sale(either, server):
    link = either.links.create(request={
        "url": "https://shop.example/pricing", "track_conversion": True, "external_id": unique("campaign")})
    location = follow(server, link.key, f"{BROWSER} {unique('v')}").headers["location"]
    click = location.split("dub_id=")[1]
    customer = unique("sdk")
    lead = either.track.lead(request={
        "click_id": click, "event_name": "Cloned template 1481267", "customer_external_id": customer,
        "customer_name": "Ann", "customer_email": "ann@example.com", "metadata": {"plan": "pro"}})
    assert lead.click.id == click and lead.link.id == link.id and lead.customer.external_id == customer
    sale = either.track.sale(request={
        "customer_external_id": customer, "amount": 996_500, "payment_processor": PaymentProcessor.CUSTOM,
        "event_name": "Invoice paid", "lead_event_name": "Cloned template 1481267", "invoice_id": unique("in"),
        "currency": "usd", "metadata": {"seats": 3}})
    assert sale.event_name == "Invoice paid" and sale.customer.name == "Ann"
    assert sale.customer.email == "ann@example.com" and sale.customer.external_id == customer
    assert (sale.sale.amount, sale.sale.currency, sale.sale.payment_processor) == (996_500, "usd", "custom")
    assert sale.sale.metadata == {"seats": 3}
    now = reload(either, link)
    assert (now.clicks, now.leads, now.conversions, now.sales, now.sale_amount) == (1, 1, 1, 1, 996_500)


@pytest.mark.parametrize("mode", ["async", "wait"])
def test_lead_modes(dub, server, mode):
    customer, link = signed_up(dub, server, mode=mode)
    assert sell(dub, customer).sale.amount == 4900
    assert reload(dub, link).leads == 1


def test_a_deferred_lead(dub, server):
    customer, link = signed_up(dub, server, mode="deferred")
    assert reload(dub, link).leads == 0
    with pytest.raises(errors.NotFound) as error:
        sell(dub, customer)
    assert error.value.data.error.message.startswith("Lead event not found for externalId: ")
    later = dub.track.lead(request={"click_id": "", "event_name": "Sign up", "customer_external_id": customer})
    assert later.link.id == link.id
    assert sell(dub, customer).sale.amount == 4900


def test_quantity_and_duplicates(dub, server):
    customer, link = signed_up(dub, server, event_quantity=3)
    again = dub.track.lead(request={"click_id": "", "event_name": "sign-up", "customer_external_id": customer})
    assert again.link is None and again.customer.external_id == customer
    assert reload(dub, link).leads == 3


def test_a_sale_of_defaults(dub, server):
    customer, _ = signed_up(dub, server)
    sale = sell(dub, customer, 1)
    assert sale.event_name == "Purchase"
    assert (sale.sale.currency, sale.sale.payment_processor, sale.sale.invoice_id, sale.sale.metadata) == (
        "usd", "custom", None, None)


@pytest.mark.parametrize("processor", list(PaymentProcessor), ids=lambda p: p.value)
def test_every_processor_of_the_sdk(dub, server, processor):
    customer, _ = signed_up(dub, server)
    assert sell(dub, customer, payment_processor=processor).sale.payment_processor == processor.value


def test_an_invoice_counts_once(dub, server):
    customer, link = signed_up(dub, server)
    invoice = unique("in")
    assert sell(dub, customer, 100, invoice_id=invoice) == sell(dub, customer, 900, invoice_id=invoice)
    now = reload(dub, link)
    assert (now.sales, now.sale_amount) == (1, 100)


def test_the_named_lead_is_credited(dub, server):
    customer, first = signed_up(dub, server)
    second = dub.links.create(request={"url": "https://shop.example"})
    dub.track.lead(request={
        "click_id": visit(server, second), "event_name": "Demo", "customer_external_id": customer})
    sell(dub, customer, 10)
    sell(dub, customer, 20, lead_event_name="Sign up")
    assert (reload(dub, second).sale_amount, reload(dub, first).sale_amount) == (10, 20)


def test_a_direct_sale(dub, server):
    link = dub.links.create(request={"url": "https://shop.example"})
    customer = unique("sdk")
    sale = sell(dub, customer, 300, click_id=visit(server, link), customer_name="Dora",
                customer_email="dora@example.com", customer_avatar="https://a.example/d.png")
    assert sale.customer.name == "Dora" and sale.sale.amount == 300
    assert reload(dub, link).leads == 1


@pytest.mark.parametrize("currency", ["eur", "JPY", "kwd"])
def test_currencies(dub, server, currency):
    customer, link = signed_up(dub, server)
    sale = sell(dub, customer, 1580, currency=currency).sale
    assert (sale.amount, sale.currency) == (1580, currency.lower())
    assert reload(dub, link).sale_amount == 0


def test_metadata(dub, server):
    customer, _ = signed_up(dub, server)
    metadata = {"text": "ü \U0001F496", "list": [1, 2.5, None, True], "deep": {"a": {"b": {}}}}
    assert sell(dub, customer, metadata=metadata).sale.metadata == metadata


def test_nothing_and_nobody(dub, server):
    customer, link = signed_up(dub, server)
    for answer in (sell(dub, customer, 0), sell(dub, unique("nobody"), 100)):
        assert answer.event_name == "Purchase" and answer.customer is None and answer.sale is None
    assert reload(dub, link).sales == 0


def test_customers(dub, server):
    customer, link = signed_up(dub, server, customer_email="find@example.com")
    sell(dub, customer, 250)
    one = dub.customers.get(request={"id": f"ext_{customer}"})
    assert (one.external_id, one.sales, one.sale_amount) == (customer, 1, 250)
    assert dub.customers.get(request={"id": one.id}) == one
    expanded = dub.customers.get(request={"id": one.id, "include_expanded_fields": True})
    assert expanded.link.id == link.id
    found = dub.customers.list(request={"external_id": customer})
    assert [c.id for c in found.result] == [one.id]
    # The SDK's own `next()` finds no cursor in an answer that is a list, so the cursor is passed on here.
    everyone, page = [], dub.customers.list(request={"page_size": 3}).result
    while page and len(everyone) < 500:
        everyone += [c.id for c in page]
        page = dub.customers.list(request={"page_size": 3, "starting_after": everyone[-1]}).result
    assert len(everyone) == len(set(everyone)) and one.id in everyone
    assert everyone == [c.id for c in dub.customers.list(request={"page": 1}).result]


@pytest.mark.parametrize("id", ["ann@example.com", "auth0|5f7c", "a b", "a+b", "ünï \U0001F496", "50%", "a/b", "a?b#c"])
def test_customers_by_ids_that_need_encoding(dub, server, id):
    link = dub.links.create(request={"url": "https://shop.example"})
    dub.track.lead(request={"click_id": visit(server, link), "event_name": "x", "customer_external_id": id})
    assert sell(dub, id, 10).customer.external_id == id
    assert [c.external_id for c in dub.customers.list(request={"external_id": id}).result] == [id]
    if not set("/?#%") & set(id):  # the SDK leaves these in a path as they are
        assert dub.customers.get(request={"id": f"ext_{id}"}).external_id == id


@pytest.mark.parametrize("kind", ["clicks", "leads", "sales"])
def test_events(dub, server, kind):
    customer, link = signed_up(dub, server, metadata={"k": 1})
    for n in range(3):
        sell(dub, customer, 100 + n, invoice_id=unique("in"))
        visit(server, link)
    query = {"event": kind, "link_id": link.id, "interval": "all"}
    events = dub.events.list(request=query)
    assert len(events) == {"clicks": 4, "leads": 1, "sales": 3}[kind]
    assert {e.event for e in events} == {kind[:-1]}
    assert all(e.link.id == link.id and e.click.id for e in events)
    if kind != "clicks":
        assert all(e.customer.external_id == customer and e.event_id for e in events)
    if kind == "sales":
        assert [e.sale.amount for e in events] == [102, 101, 100]
    paged = [e for page in range(1, 6) for e in dub.events.list(request={**query, "page": page, "limit": 1})]
    assert paged == events
    assert dub.events.list(request={**query, "sort_order": "asc"}) == events[::-1]


def test_links(dub):
    external = unique("ext")
    link = dub.links.create(request={
        "url": "https://x.example", "external_id": external, "key": unique("key"), "comments": "C",
        "expires_at": "2031-01-01T00:00:00Z", "utm_source": "news"})
    assert dub.links.get(request={"link_id": link.id}) == link
    assert dub.links.get(request={"domain": link.domain, "key": link.key}) == link
    assert dub.links.get(request={"external_id": f"ext_{external}"}) == link
    changed = dub.links.update(link_id=link.id, request_body={"url": "https://y.example", "archived": True})
    assert changed.url.startswith("https://y.example") and changed.archived and changed.comments == "C"
    assert dub.links.update(link_id=f"ext_{external}", request_body={"comments": None}).comments is None
    assert dub.links.delete(link_id=link.id).id == link.id
    with pytest.raises(errors.NotFound):
        dub.links.get(request={"link_id": link.id})


def test_domains(server):
    workspace = server.workspace()
    with Dub(token=workspace.token, server_url=server.url) as dub:
        slug = f"{unique('sdk')}.example"
        made = dub.domains.create(request={"slug": slug, "placeholder": "https://x.example"})
        assert made.slug == slug and made.primary
        assert [d.slug for d in dub.domains.list(request={}).result] == [slug]
        assert dub.links.create(request={"url": "https://x.example"}).domain == slug


def test_errors_as_exceptions(dub, server, acme):
    def fails(kind, code, status, action):
        with pytest.raises(kind) as error:
            action()
        assert type(error.value) is kind and error.value.status_code == status
        assert error.value.data.error.code.value == code and error.value.message
        assert error.value.data.error.doc_url.startswith("https://dub.co/docs/api-reference/errors#")

    customer, link = signed_up(dub, server)
    fails(errors.BadRequest, "bad_request", 400, lambda: sell(dub, "", 1))
    fails(errors.BadRequest, "bad_request", 400, lambda: dub.track.lead(
        request={"click_id": "", "event_name": "x", "customer_external_id": unique("nobody")}))
    fails(errors.NotFound, "not_found", 404, lambda: sell(dub, customer, lead_event_name="none"))
    fails(errors.NotFound, "not_found", 404, lambda: sell(dub, unique("nobody"), click_id="none"))
    fails(errors.NotFound, "not_found", 404, lambda: dub.customers.get(request={"id": "ext_none"}))
    fails(errors.Conflict, "conflict", 409, lambda: dub.links.create(
        request={"url": "https://x.example", "key": link.key}))
    for action in (lambda: sell(dub, customer, -1), lambda: sell(dub, customer, currency="zzz"),
                   lambda: sell(dub, "x" * 101), lambda: sell(dub, customer, event_name="x" * 256),
                   lambda: dub.links.create(request={"url": "not a url"}),
                   lambda: dub.customers.list(request={"page": 1001})):
        fails(errors.UnprocessableEntity, "unprocessable_entity", 422, action)
    with Dub(token="dub_" + "x" * 24, server_url=server.url) as stranger:
        fails(errors.Unauthorized, "unauthorized", 401, lambda: sell(stranger, customer))
        fails(errors.Unauthorized, "unauthorized", 401, lambda: stranger.events.list(request={}))
    poor = server.workspace("pro")
    with Dub(token=poor.token, server_url=server.url) as client:
        fails(errors.Forbidden, "forbidden", 403, lambda: sell(client, customer))
        fails(errors.Unauthorized, "unauthorized", 401, lambda: client.links.get(request={"link_id": link.id}))
