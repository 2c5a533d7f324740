"""The door for providers: what it lets in, and what it answers."""

import json
from collections import Counter
from datetime import timedelta

import pytest
from django.test import Client

from kaiying.learning.models import Enrollment
from kaiying.orders.models import Callback, Order, Payment
from kaiying.orders.providers.sandbox.actions import sign, signature
from kaiying.orders.queries import verify_money
from kaiying.orders.vocabulary import OrderState, Outcome
from kaiying.wire import clock
from tests.factories.offers import an_offer
from tests.factories.orders import PAID, an_order, hear, pay_silently, post, sent_by_sandbox, signed, take

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _then():
    with clock.frozen(PAID):
        yield


def state_of(order):
    order.refresh_from_db()
    return order.state


def test_the_sandboxs_message_pays_the_order():
    order = an_order(an_offer())
    pay_silently(order)

    assert post(*sent_by_sandbox(order)) == 200
    assert post(*sent_by_sandbox(order)) == 200

    assert state_of(order) == OrderState.PAID
    assert [(c.event_id, c.outcome) for c in Callback.objects.all()] == [
        (f"evt-{Payment.objects.get().transaction}", Outcome.PAID)
    ]


def test_a_message_about_an_unknown_order_is_kept_and_asked_for_again():
    order = an_order(an_offer())
    body, headers = signed(order, number="K000000NOBODY", event_id="evt-1")

    assert [post(body, headers), post(body, headers)] == [404, 404]

    kept = Callback.objects.get()
    assert (kept.order, kept.outcome, json.loads(kept.body)["number"]) == (None, Outcome.UNKNOWN_ORDER, "K000000NOBODY")


def test_what_does_not_fit_is_kept_and_does_not_block_the_right_one():
    order = an_order(an_offer())
    wrong = {"amount": 1}, {"currency": "USD"}, {"ref": "sb_other"}, {"merchant": "somebody-else"}

    statuses = [post(*signed(order, event_id="evt-1", **change)) for change in wrong]

    assert statuses == [400] * 4
    assert (state_of(order), Payment.objects.count()) == (OrderState.OPEN, 0)
    assert list(Callback.objects.values_list("outcome", flat=True)) == [Outcome.MISMATCH] * 4
    assert post(*signed(order, event_id="evt-1")) == 200
    assert state_of(order) == OrderState.PAID


def test_a_message_of_one_provider_cannot_speak_for_anothers_order(lab):
    order = an_order(an_offer(), name="lab")

    assert hear(order) == "unknown_order"
    assert state_of(order) == OrderState.OPEN


@pytest.mark.parametrize("name", ["nobody", "SANDBOX", "sandbox2", "%00"])
def test_an_unknown_provider_is_not_found(name):
    assert post(b"{}", {}, to=name) == 404


def test_only_posting_is_allowed(client):
    assert client.get("/pay/callbacks/sandbox/").status_code == 405


def test_no_page_of_ours_is_needed_to_post():
    strict = Client(enforce_csrf_checks=True)
    order = an_order(an_offer())

    assert post(*signed(order), client=strict) == 200


def test_a_message_that_is_too_long_is_refused():
    assert post(b"x" * (64 * 1024 + 1), {}) == 413
    assert post(b"x" * (64 * 1024), {}) == 400


def test_nothing_a_stranger_posts_is_an_error_of_ours():
    stamp = PAID.isoformat()
    bodies = [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"a":' * 3000,
        b'"' + b"\\u0000" * 50 + b'"',
        b"1e999",
        "微信".encode(),
    ]
    headers = [
        {},
        {"Sandbox-Signature": "é", "Sandbox-Timestamp": stamp},
        {"Sandbox-Signature": "", "Sandbox-Timestamp": "é\x00"},
        {"Sandbox-Signature": "0" * 64, "Sandbox-Timestamp": "yesterday"},
    ]

    assert {post(body, head) for body in bodies for head in headers} == {400}


def test_even_with_the_key_a_broken_message_is_no_error_of_ours():
    """Whoever has the key may still send nonsense; the answer is 400 or 404, never 500."""
    order = an_order(an_offer())
    good = json.loads(signed(order)[0])
    broken = [[], None, "x", 7, {}, *({k: v for k, v in good.items() if k != name} for name in good)]
    values = (None, [], {}, 1.5, True, -1, "x" * 81, "a\x00b", 10**30)
    broken += [{**good, name: value} for name in good for value in values]
    statuses = set()
    for facts in broken:
        body = json.dumps(facts).encode()
        stamp = PAID.isoformat()
        statuses.add(post(body, {"Sandbox-Timestamp": stamp, "Sandbox-Signature": signature(stamp=stamp, body=body)}))

    assert statuses <= {400, 404}
    assert state_of(order) == OrderState.OPEN


@pytest.mark.figures
def test_nothing_forged_or_changed_is_accepted():
    """P3: forged, replayed, wrong amount, merchant, currency, order, time: accepted 0 of n."""
    offer = an_offer()
    order, other = an_order(offer), an_order(offer)
    body, headers = signed(order, event_id="evt-forged")
    stamp = headers["Sandbox-Timestamp"]
    attempts = [
        (body, {**headers, "Sandbox-Signature": given}) for given in ("", "0" * 64, headers["Sandbox-Signature"][:-1])
    ]
    attempts += [
        (bytes([*body[:i], body[i] ^ 1, *body[i + 1 :]]), headers) for i in range(len(body))
    ]  # one bit anywhere
    attempts += [
        (body, {**headers, "Sandbox-Signature": given[:i] + ("0" if given[i] != "0" else "1") + given[i + 1 :]})
        for given in [headers["Sandbox-Signature"]]
        for i in range(len(given))
    ]
    for minutes in (-600, -6, 6, 600):  # the time is signed too: moved, or honest and too old
        moved = (PAID + timedelta(minutes=minutes)).isoformat()
        attempts.append((body, {**headers, "Sandbox-Timestamp": moved}))
        with clock.frozen(PAID + timedelta(minutes=minutes)):
            attempts.append(sign(json.loads(body)))
    attempts.append((body, {**headers, "Sandbox-Timestamp": stamp.replace("+00:00", "")}))
    attempts += [
        signed(order, **change)
        for change in (
            {"amount": 279},
            {"amount": 281},
            {"amount": 0},
            {"currency": "USD"},
            {"currency": "cny"},
            {"ref": other.provider_ref},
            {"merchant": "kaiying2"},
            {"number": order.number.lower()},
            {"number": f"{order.number} "},
            {"number": other.number},  # with the reference of another order
        )
    ]

    answers = Counter(take(*attempt, at=PAID) for attempt in attempts)
    accepted = len(attempts) - answers["forged"] - answers["unknown_order"]
    figure = f"P3 accepted {accepted} of {len(attempts)} forged, changed or old messages"

    print(figure)
    assert accepted == 0, figure
    assert {state_of(order), state_of(other)} == {OrderState.OPEN}
    assert Payment.objects.count() == Enrollment.objects.count() == 0
    assert post(body, headers) == 200
    assert [post(body, headers) for _ in range(5)] == [200] * 5
    assert (Payment.objects.count(), state_of(order), Order.objects.filter(state="paid").count()) == (
        1,
        OrderState.PAID,
        1,
    )


def raw(body, headers, **extra):
    """Post with headers as a web server hands them over."""
    named = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items() if "-" in name[:8]}
    client = Client(raise_request_exception=False)
    return client.generic("POST", "/pay/callbacks/sandbox/", body, **{**named, **extra}).status_code


@pytest.mark.parametrize(
    "kind",
    [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "image/png",
        "é; x=\x7f",
    ],
)
def test_what_kind_of_content_a_message_claims_to_be_does_not_matter(kind):
    order = an_order(an_offer())
    body, headers = signed(order)
    signatures = {name: value for name, value in headers.items() if name.startswith("Sandbox")}

    assert raw(body, {}, content_type=kind) == 400
    assert state_of(order) == OrderState.OPEN
    assert raw(body, signatures, content_type=kind) == 200
    assert state_of(order) == OrderState.PAID


@pytest.mark.parametrize(
    "change",
    [
        lambda mark: {"Sandbox-Signature": f"{mark}, {mark}"},
        lambda mark: {"Sandbox-Signature": f" {mark}x"},
        lambda mark: {"Sandbox-Signature": mark.upper()},
        lambda mark: {"Sandbox-Signature": mark * 500},
        lambda mark: {"Sandbox-Signature": f"sha256={mark}"},
        lambda mark: {"X-Sandbox-Signature": mark, "Sandbox-Signature": ""},
        lambda _mark: {"Sandbox-Timestamp": ""},
        lambda _mark: {"Sandbox-Timestamp": "2026-07-15"},
        lambda _mark: {"Sandbox-Timestamp": "9" * 10_000},
        lambda _mark: {"Sandbox-Timestamp": f"{PAID.isoformat()}, {PAID.isoformat()}"},
    ],
)
def test_games_with_the_headers_open_nothing(change):
    order = an_order(an_offer())
    body, headers = signed(order)

    assert post(body, {**headers, **change(headers["Sandbox-Signature"])}) == 400
    assert (state_of(order), Callback.objects.count()) == (OrderState.OPEN, 0)


def test_a_message_that_names_no_event_is_refused():
    order = an_order(an_offer())

    for state in ("paid", "closed", "refunded"):
        assert post(*signed(order, event_id="", state=state, merchant="somebody-else")) == 400

    assert (state_of(order), Payment.objects.count()) == (OrderState.OPEN, 0)


def test_only_our_own_question_closes_an_order():
    order = an_order(an_offer())

    assert post(*signed(order, state="closed")) == 200

    assert state_of(order) == OrderState.OPEN


@pytest.mark.figures
@pytest.mark.django_db(transaction=True)
def test_fifteen_copies_at_once_of_a_payment_and_its_refund_count_once_each(at_once):
    """P1, P3: services repeat a message fifteen times; here all copies and both messages arrive together."""
    order = an_order(an_offer())
    charge = pay_silently(order).transaction
    paid = sent_by_sandbox(order)
    back = signed(order, state="refunded", transaction="R-1", charge=charge, event_id="evt-back")

    def says(message):
        with clock.frozen(PAID):
            return post(*message)

    answers = Counter(at_once([*[lambda: says(paid)] * 15, *[lambda: says(back)] * 15]))
    late = says(back)  # whoever came before the payment is sent again

    print(f"P1 15 copies of a payment and of its refund at once: {dict(answers)}, payments {Payment.objects.count()}")
    assert set(answers) <= {200, 409}
    assert (late, Payment.objects.count(), state_of(order)) == (200, 2, OrderState.REFUNDED)
    assert Callback.objects.exclude(outcome="early").count() == 2
    assert verify_money(order.claim.offer) == []
