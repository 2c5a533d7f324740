"""From a held seat to an order."""

import contextlib
from dataclasses import replace
from datetime import timedelta

import pytest

from kaiying.kit.errors import Refused
from kaiying.learning.models import Enrollment
from kaiying.offers.actions import expire_claims
from kaiying.offers.models import Claim
from kaiying.offers.queries import verify
from kaiying.offers.vocabulary import ClaimState, NotYours
from kaiying.orders.actions import pay_page, place_order, reconcile, reconcile_order, take_callback
from kaiying.orders.models import Order
from kaiying.orders.providers import Unreachable
from kaiying.orders.providers.sandbox.models import SandboxCharge
from kaiying.orders.queries import verify_money
from kaiying.orders.vocabulary import NoProvider, NotPayable, OrderState
from tests.factories.offers import OPENS, a_claim, an_offer, tier
from tests.factories.orders import LATE, PAID, PLACED, an_order, hear

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def test_an_order_costs_what_its_claim_says_and_the_provider_hears_of_it():
    claim = a_claim(an_offer())

    order = place_order(claim=claim, provider_name="sandbox", at=PLACED)

    charge = SandboxCharge.objects.get(number=order.number)
    assert (order.state, order.amount, order.currency, order.learner) == (OrderState.OPEN, 280, "CNY", claim.learner)
    assert (charge.amount, charge.currency, charge.ref) == (280, "CNY", order.provider_ref)
    assert charge.until == claim.held_until - 2 * MINUTE
    assert pay_page(order) == f"/pay/sandbox/{order.provider_ref}/"
    claim.refresh_from_db()
    assert claim.payment_pending_since == PLACED


def test_placing_again_returns_the_same_order():
    order = an_order(an_offer())

    again = place_order(claim=order.claim, provider_name="sandbox", at=PLACED + MINUTE)

    assert again == order
    assert Order.objects.count() == SandboxCharge.objects.count() == 1


def test_a_hold_that_is_over_cannot_be_ordered():
    claim = a_claim(an_offer())

    with pytest.raises(NotYours):
        place_order(claim=claim, provider_name="sandbox", at=claim.held_until)

    assert not Order.objects.exists()


def test_an_open_order_is_not_offered_again_after_the_hold():
    order = an_order(an_offer())

    with pytest.raises(NotYours):
        place_order(claim=order.claim, provider_name="sandbox", at=LATE)


def test_a_paid_order_is_returned_as_it_is():
    order = an_order(an_offer())
    hear(order)

    again = place_order(claim=order.claim, provider_name="sandbox", at=PAID + MINUTE)

    assert (again, again.state) == (order, OrderState.PAID)
    with pytest.raises(NotPayable):
        pay_page(again)


def test_who_goes_to_pay_in_the_last_minute_is_given_time_once():
    offer = an_offer(1, None)
    claim = a_claim(offer)
    end = claim.held_until

    order = place_order(claim=claim, provider_name="sandbox", at=end - MINUTE)

    claim.refresh_from_db()
    assert claim.held_until == end + 4 * MINUTE  # five minutes from now …
    assert SandboxCharge.objects.get(number=order.number).until == end + 2 * MINUTE  # … two of them for the message
    place_order(claim=claim, provider_name="sandbox", at=end + 2 * MINUTE)
    claim.refresh_from_db()
    assert claim.held_until == end + 4 * MINUTE
    assert verify(offer) == []


def test_a_hold_is_never_extended_past_five_minutes_after_its_own_time(lab):
    offer = an_offer(1, None)
    claim = a_claim(offer)
    end = at = claim.held_until
    for minutes in (-1, 3, 4, 4.9):  # the payment is closed and begun anew, again and again
        at = end + minutes * MINUTE
        order = place_order(claim=claim, provider_name="lab", at=at)
        lab.close(order.provider_ref)
        reconcile_order(order=order, at=at)
        claim.refresh_from_db()

    assert claim.held_until == end + 5 * MINUTE
    assert at < claim.held_until
    with pytest.raises(NotYours):
        place_order(claim=claim, provider_name="lab", at=end + 5 * MINUTE)
    assert expire_claims(offer=offer, at=end + 5 * MINUTE) == 1
    assert verify(offer) == verify_money(offer) == []


def test_who_goes_to_pay_early_gets_no_longer_hold():
    claim = a_claim(an_offer())
    end = claim.held_until

    place_order(claim=claim, provider_name="sandbox", at=end - 10 * MINUTE)

    claim.refresh_from_db()
    assert claim.held_until == end


def test_twin_without_the_extension_money_that_came_in_time_finds_no_seat(lab):
    """Who pays two minutes after a hold that was not extended loses the seat to whoever waits for it."""
    ends = []
    for is_extended in (True, False):
        offer = an_offer(1, None)
        claim = a_claim(offer)
        end = claim.held_until
        order = place_order(claim=claim, provider_name="lab", at=end - MINUTE)
        if not is_extended:
            Claim.objects.filter(pk=claim.pk).update(held_until=end)
        reconcile(at=end + MINUTE)
        with contextlib.suppress(Refused):
            a_claim(offer, at=end + MINUTE)
        lab.is_sloppy = True
        lab.pay(order.number)
        told = replace(lab.told(order.number), event_id=f"evt-{order.number}")
        ends.append(take_callback(provider_name="lab", told=told, body="", at=end + 2 * MINUTE))

    assert ends == ["paid", "refunding"]


def test_an_unknown_way_to_pay_is_refused():
    claim = a_claim(an_offer())

    with pytest.raises(NoProvider):
        place_order(claim=claim, provider_name="../etc", at=PLACED)


def test_an_unreachable_provider_leaves_an_order_that_can_be_opened_later(lab):
    claim = a_claim(an_offer())
    lab.down = {"open"}

    with pytest.raises(Unreachable):
        place_order(claim=claim, provider_name="lab", at=PLACED)
    lab.down = set()
    order = place_order(claim=claim, provider_name="lab", at=PLACED + MINUTE)

    assert Order.objects.get() == order
    assert order.provider_ref == f"lab-{order.number}"


def test_a_provider_that_answers_nonsense_is_unreachable(lab):
    lab.broken = {"open"}

    with pytest.raises(Unreachable):
        place_order(claim=a_claim(an_offer()), provider_name="lab", at=PLACED)


def test_choosing_another_provider_closes_the_order_at_the_first(lab):
    first = an_order(an_offer(), name="lab")

    second = place_order(claim=first.claim, provider_name="sandbox", at=PLACED + MINUTE)

    first.refresh_from_db()
    assert (first.state, lab.accounts[first.number].state) == (OrderState.CLOSED, "closed")
    assert (second.state, second.provider, second.claim) == (OrderState.OPEN, "sandbox", first.claim)
    assert Claim.objects.get().payment_pending_since == PLACED + MINUTE


def test_choosing_another_provider_finds_out_that_the_first_was_paid(lab):
    first = an_order(an_offer(), name="lab")
    lab.pay(first.number)

    again = place_order(claim=first.claim, provider_name="sandbox", at=PLACED + MINUTE)

    assert (again, again.state) == (first, OrderState.PAID)
    assert Order.objects.count() == 1


def test_a_crash_before_the_reference_was_written_down_leaves_nothing_payable(lab):
    order = an_order(an_offer(), name="lab")
    Order.objects.filter(pk=order.pk).update(provider_ref="")  # the provider knows it, we died before writing that
    order.refresh_from_db()

    reconcile_order(order=order, at=LATE)

    order.refresh_from_db()
    assert (order.state, lab.accounts[order.number].state) == (OrderState.CLOSED, "closed")
    assert order.claim.state == ClaimState.LAPSED


def test_a_free_seat_is_taken_without_a_provider():
    offer = an_offer(tiers=[tier("gift", "0", 3)])
    claim = a_claim(offer)

    order = place_order(claim=claim, provider_name="sandbox", at=PLACED)

    assert (order.state, order.provider_ref) == (OrderState.PAID, "")
    assert Enrollment.objects.standing().get().source == order.number
    assert verify_money(offer) == []


def test_the_hold_of_a_claim_without_an_order_expires_as_ever():
    claim = a_claim(an_offer())

    assert claim.payment_pending_since is None
    assert claim.held_until == OPENS + 15 * MINUTE
