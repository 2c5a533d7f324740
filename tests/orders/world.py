"""One order and its payment service, and everything that can happen to them, for tests that try every order of it."""

import copy
import itertools
from collections import defaultdict, deque
from contextlib import suppress
from dataclasses import replace

from django.db import transaction

from kaiying.kit.errors import Refused
from kaiying.learning.models import Enrollment
from kaiying.offers.models import Claim, Seat, WaitlistEntry
from kaiying.offers.queries import verify
from kaiying.orders.actions import place_order, reconcile_order, refund, refund_again, send_refund, take_callback
from kaiying.orders.actions.truth import RANK
from kaiying.orders.models import Callback, Order, Payment, Refund
from kaiying.orders.providers import Declined
from kaiying.orders.queries import verify_money
from kaiying.orders.vocabulary import WITHOUT_EFFECT, NotRefundable, OrderState, OverRefund, PaymentKind, RefundState
from tests.factories.offers import a_claim
from tests.factories.orders import LATE, PAID, an_order
from tests.factories.people import UserFactory

PART = 100
WHOLE = 280
INBOX = 4
"""Where in a fingerprint the messages taken so far stand."""


class World:
    """An order at the lab, what was said and decided so far, and what the operator still wants."""

    def __init__(self, lab, offer, *, start="held"):
        self.lab, self.offer = lab, offer
        self.order = an_order(offer, name="lab")
        self.boss = UserFactory()
        self.said, self.wanted, self.is_late = set(), [], False
        if start != "held":
            self.expires()
        if start == "taken":
            self.rival = place_order(claim=a_claim(offer, at=LATE), provider_name="lab", at=LATE)

    @property
    def at(self):
        return LATE if self.is_late else PAID

    @property
    def number(self):
        return self.order.number

    def fresh(self):
        return Order.objects.get(pk=self.order.pk)

    def say(self, event, **facts):
        """The service sends a message, signed; what it refuses to take is sent again in the end."""
        told = replace(self.lab.told(self.number), **{"state": "paid", "event_id": f"{self.number}-{event}", **facts})
        try:
            return str(take_callback(provider_name="lab", told=told, body="", at=self.at))
        except Refused as refused:
            return refused.code

    # What can happen: money comes …

    def paid(self):
        self.lab.pay(self.number)
        return self.say("paid", transaction=f"T-{self.number}")

    def paid_again(self):
        self.lab.pay(self.number)
        return self.say("paid-again", transaction=f"T-{self.number}")

    def second(self):
        return self.say("second", transaction=f"U-{self.number}")

    # … or does not …

    def closed_told(self):
        return self.say("closed", state="closed", transaction="")

    def asked(self):
        reconcile_order(order=self.fresh(), at=self.at)

    def expires(self):
        self.is_late = True
        reconcile_order(order=self.fresh(), at=LATE)

    # … goes back because somebody decides it …

    def whole(self):
        self._decide(None)

    def part(self):
        self._decide(PART)

    def _decide(self, amount):
        try:
            refund(order=self.order, by=self.boss, reason="", amount=amount, at=self.at)
        except NotRefundable:
            if self.fresh().state in {OrderState.OPEN, OrderState.CLOSED}:
                self.wanted = sorted([*self.wanted, amount or 0])  # pressed again when there is something
        except OverRefund:
            pass

    def ours_told(self):
        """The service has moved our refunds and says so before it answers."""
        for one in Refund.objects.filter(order=self.order, state=RefundState.ASKED).select_related("charge"):
            ref, key = self.order.provider_ref, one.key
            try:
                moved = self.lab.refund(ref=ref, transaction=one.charge.transaction, amount=one.amount, key=key)
            except Declined:
                continue
            facts = {"amount": one.amount, "transaction": moved, "charge": one.charge.transaction}
            self.say(key, state="refunded", refund_key=key, **facts)

    # … or because somebody at the service does.

    def taken_part(self):
        self._taken("part", PART)

    def taken_all(self):
        self._taken("all", WHOLE)

    def _taken(self, name, most):
        self.lab.pay(self.number)
        charge, key = f"T-{self.number}", f"{self.number}-taken-{name}"
        room = WHOLE - self.lab.accounts[self.number].returned.get(charge, 0)
        if key not in self.lab.refunds:
            if not room or (most == PART and room < PART):
                return
            self.lab.take_back(self.number, transaction=charge, amount=min(most, room), key=key)
        self.said.add(name)
        self.say(f"taken-{name}", state="refunded", transaction=f"R-{key}", charge=charge, amount=self.lab.refunds[key])

    # What must change nothing.

    def wrong_amount(self):
        self.say("amount", amount=WHOLE - 1, transaction=f"T-{self.number}")

    def wrong_currency(self):
        self.say("currency", currency="USD", transaction=f"T-{self.number}")

    def wrong_merchant(self):
        self.say("merchant", merchant="somebody-else", transaction=f"T-{self.number}")

    def wrong_order(self):
        self.say("order", number="K000000NOBODY", transaction=f"T-{self.number}")

    # How it ends, and what it is then.

    def come_to_rest(self):
        """Everybody does what is left to do: refunds are sent, refused messages come again, the operator presses."""
        before = None
        while before != self.end():
            before = self.end()
            if self.fresh().state == OrderState.OPEN:
                self.asked()
            if self.lab.accounts[self.number].state == "paid":  # a service speaks of money until it was heard
                self.paid()
            wanted, self.wanted = self.wanted, []
            for amount in wanted:
                self._decide(amount or None)
            for one in Refund.objects.filter(order=self.order, state=RefundState.ASKED):
                send_refund(refund_id=one.pk, at=self.at)
            for name in sorted(self.said):
                self._taken(name, WHOLE if name == "all" else PART)
            if self.fresh().is_turned_down:
                with suppress(NotRefundable):
                    refund_again(order=self.order, by=self.boss, at=self.at)

    def end(self):
        """What became of it: order, enrollments, charges, money kept, and the learner's live claims."""
        payments = list(Payment.objects.filter(order=self.order))
        learner = self.order.learner_id
        return (
            self.fresh().state,
            Enrollment.objects.standing().filter(learner=learner).count(),
            sum(payment.kind == PaymentKind.CHARGE for payment in payments),
            sum(payment.amount for payment in payments),
            Claim.objects.live().filter(learner=learner, offer=self.offer).count(),
        )

    def faults(self):
        return [*verify(self.offer), *verify_money(self.offer)]

    def fingerprint(self):
        """All that what happens next can depend on, so that sequences which lead to the same place share the rest."""
        account = self.lab.accounts[self.number]
        order = self.fresh()
        rows = (
            Payment.objects.filter(order=order).values_list("kind", "amount", "transaction", "refunded"),
            Refund.objects.filter(order=order).values_list("key", "amount", "cause", "state", "charge__transaction"),
            Callback.objects.exclude(outcome__in=WITHOUT_EFFECT).filter(order=order).values_list("event_id"),
            Claim.objects.filter(offer=self.offer).values_list("pk", "state", "held_until", "payment_pending_since"),
            Seat.objects.filter(offer=self.offer).values_list("number", "state", "generation"),
            WaitlistEntry.objects.filter(offer=self.offer).values_list("learner", "state", "precedence"),
            Enrollment.objects.filter(learner=order.learner_id).values_list("ended_at", "source"),
        )
        return (
            (order.state, order.fee, order.claim_id, self.is_late, tuple(self.wanted), tuple(sorted(self.said))),
            (account.state, *sorted(account.returned.items()), *sorted(self.lab.refunds.items())),
            *(tuple(sorted(map(str, found))) for found in rows),
        )

    # Trying something and taking it back.

    def remember(self):
        return copy.deepcopy((self.lab.accounts, self.lab.refunds)), set(self.said), list(self.wanted), self.is_late

    def recall(self, kept):
        (self.lab.accounts, self.lab.refunds), self.said, self.wanted, self.is_late = copy.deepcopy(kept)


class Explored:
    """Every sequence of ``events`` up to ``longest`` from where a world stands, and where it leads."""

    def __init__(self, world, events, longest):
        self.world, self.events, self.longest = world, events, longest
        self.edges, self.ends, self.faults, self.backward = {}, {}, [], []
        self._rests = {}
        self.start = world.fingerprint()
        self._visit(self.start, ())
        waiting = deque([(self.start, ())])
        while waiting:
            place, path = waiting.popleft()
            if len(path) == longest:
                continue
            with transaction.atomic():
                kept = world.remember()
                for event in path:
                    getattr(world, event)()
                for event in events:
                    self._try(place, path, event, waiting)
                transaction.set_rollback(True)
            world.recall(kept)

    def _try(self, place, path, event, waiting):
        with transaction.atomic():
            kept, before = self.world.remember(), self.world.fresh().state
            getattr(self.world, event)()
            if RANK.index(self.world.fresh().state) < RANK.index(before):
                self.backward.append((*path, event))
            found = self.edges[place, event] = self.world.fingerprint()
            if found not in self.ends:
                self._visit(found, (*path, event))
                waiting.append((found, (*path, event)))
            transaction.set_rollback(True)
        self.world.recall(kept)

    def _visit(self, place, path):
        """Look whether the books agree here, and where it comes to rest, whatever the inbox looks like."""
        but_the_inbox = place[:INBOX] + place[INBOX + 1 :]
        if but_the_inbox not in self._rests:
            self._rests[but_the_inbox] = self._rest(path)
        self.ends[place] = self._rests[but_the_inbox]

    def _rest(self, path):
        self.faults += [(path, fault) for fault in verify_money(self.world.offer)]
        with transaction.atomic():
            kept = self.world.remember()
            self.world.come_to_rest()
            end = self.world.end()
            self.faults += [((*path, "rest"), fault) for fault in self.world.faults()]
            transaction.set_rollback(True)
        self.world.recall(kept)
        return end

    def by_multiset(self):
        """Return how many sequences there are, and the ends of each multiset of events."""
        count, ends = 0, defaultdict(set)
        for length in range(self.longest + 1):
            for path in itertools.product(self.events, repeat=length):
                place = self.start
                for event in path:
                    place = self.edges[place, event]
                ends[tuple(sorted(path))].add(self.ends[place])
                count += 1
        return count, ends
