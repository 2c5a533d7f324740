"""From a held seat to an order."""

from datetime import timedelta

import pytest

from kaiying.learning.models import Enrollment
from kaiying.offers.models import Claim
from kaiying.offers.vocabulary import ClaimState, NotYours
from kaiying.orders.actions import pay_page, place_order, reconcile_order
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


def test_who_comes_in_the_last_minute_still_gets_that_minute():
    claim = a_claim(an_offer())

    order = place_order(claim=claim, provider_name="sandbox", at=claim.held_until - MINUTE)

    assert SandboxCharge.objects.get(number=order.number).until == claim.held_until


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
