"""Every change of the ledger is an event; the tables can be rebuilt from them, and the database keeps them as they are."""

import threading

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from kaiying.offers.actions import change_ladder, claim_seat, refund_claim, release_claim, settle_claim
from kaiying.offers.models import Claim, LedgerEvent, Offer, PriceTier, Seat, WaitlistEntry
from kaiying.offers.queries import verify
from kaiying.offers.queries.replaying import rebuilt
from tests.factories.offers import FIRST, MINUTE, OPENS, STANDARD, a_claim, a_key, an_offer, ladder_terms
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db


def a_sale_that_has_lived() -> Offer:
    offer = an_offer(first=2, standard=3)
    paid, let_go, kept = (a_claim(offer) for _ in range(3))
    settle_claim(claim_id=paid.pk, generation=paid.generation, at=OPENS + MINUTE)
    release_claim(claim=let_go, at=OPENS + 2 * MINUTE)
    change_ladder(offer=offer, tiers=ladder_terms(first=2, standard=4)["tiers"], at=OPENS + 3 * MINUTE)
    refund_claim(claim=paid, at=OPENS + 4 * MINUTE)
    settle_claim(claim_id=kept.pk, generation=kept.generation, at=OPENS + 5 * MINUTE)
    return Offer.objects.get(pk=offer.pk)


def test_the_tables_are_what_the_events_tell():
    offer = a_sale_that_has_lived()

    ledger = rebuilt(offer)

    assert verify(offer) == []
    assert ledger.number == offer.epoch == LedgerEvent.objects.filter(offer=offer).count()
    assert {name: claim["state"] for name, claim in ledger.claims.items()} == {
        (1, 0): "refunded",
        (2, 0): "released",
        (3, 0): "paid",
    }
    assert [ledger.seats[number][:2] for number in sorted(ledger.seats)] == [
        ["free", 1],
        ["free", 1],
        ["paid", 0],
        ["free", 0],
        ["free", 0],
        ["free", 0],
    ]


def _a_seat_changes_hands(offer: Offer) -> None:
    Seat.objects.filter(offer=offer, number=3).update(generation=7)


def _a_claim_gets_cheaper(offer: Offer) -> None:
    Claim.objects.filter(offer=offer, seat_number=1).update(max_price=FIRST)


def _a_claim_goes(offer: Offer) -> None:
    Claim.objects.filter(offer=offer, seat_number=2).delete()


def _a_price_moves(offer: Offer) -> None:
    PriceTier.objects.filter(offer=offer, ref="standard").update(price=STANDARD + 1)


def _somebody_slips_into_the_line(offer: Offer) -> None:
    WaitlistEntry.objects.create(offer=offer, learner=UserFactory(), max_price=STANDARD, joined_at=OPENS)


def _the_version_jumps(offer: Offer) -> None:
    Offer.objects.filter(pk=offer.pk).update(epoch=offer.epoch + 1)


@pytest.mark.parametrize(
    ("tamper", "told"),
    [
        (_a_seat_changes_hands, "I6 seat 3"),
        (_a_claim_gets_cheaper, "I6 the claim of seat 1"),
        (_a_claim_goes, "I7 1 claims are gone"),
        (_a_price_moves, "I6 the prices"),
        (_somebody_slips_into_the_line, "I6 waitlist entries"),
        (_the_version_jumps, "I7 "),
    ],
)
def test_what_was_written_past_the_ledger_is_found(tamper, told):
    offer = a_sale_that_has_lived()

    tamper(offer)

    assert any(fault.startswith(told) for fault in verify(offer))


def test_an_event_cannot_be_changed():
    offer = an_offer()

    with pytest.raises(DatabaseError, match="only ever added"), transaction.atomic():
        LedgerEvent.objects.filter(offer=offer).update(kind="other")


def test_an_event_cannot_be_deleted():
    offer = an_offer()
    if connection.vendor == "sqlite":  # the test database does without, so that it can be emptied
        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE TRIGGER no_delete BEFORE DELETE ON offers_ledgerevent"
                " BEGIN SELECT RAISE(ABORT, 'rows are only ever added'); END"
            )

    with pytest.raises(DatabaseError, match="only ever added"), transaction.atomic():
        LedgerEvent.objects.filter(offer=offer).delete()


def test_two_events_never_have_the_same_number():
    offer = an_offer()

    with pytest.raises(IntegrityError), transaction.atomic():
        LedgerEvent.objects.create(offer=offer, number=offer.epoch, kind="change", facts={}, at=OPENS)


@pytest.mark.django_db(transaction=True)
def test_the_check_stops_nobody_and_sees_one_moment(monkeypatch: pytest.MonkeyPatch):
    offer = an_offer()
    a_claim(offer)
    done = threading.Event()

    def buy() -> None:
        try:
            claim_seat(offer=offer, learner=UserFactory(), max_price=STANDARD, key=a_key(), at=OPENS)
            done.set()
        finally:
            connection.close()

    def pause_then_read(asked: Offer):
        buyer = threading.Thread(target=buy)
        buyer.start()
        assert done.wait(5), "the check held the writer up"
        buyer.join()
        yield from real(asked)

    from kaiying.offers.queries import verifying

    real = verifying.faults_of_events
    monkeypatch.setattr(verifying, "faults_of_events", pause_then_read)

    assert verify(offer) == []
    assert Claim.objects.filter(offer=offer).count() == 2
