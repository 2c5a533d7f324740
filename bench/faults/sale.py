"""The sale that the faults meet: an offer with two prices, its buyers, and what the product itself says of the end."""

import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.faults.tree import Tree
from bench.gate.history import Operation, Verdict, judge
from bench.gate.tables import Tables, read_postgres, read_sqlite

SLUG = "rush"
PRICES = (280, 9900)

OPEN = """
from datetime import date, timedelta
from django.db import transaction
from kaiying.camps.models import Camp, Cohort
from kaiying.offers.actions import open_offer
from kaiying.offers.models import Offer
from kaiying.people.models import Organizer, User
from kaiying.wire import clock
from kaiying.wire.entry import entry_pass
at = clock.now()
with transaction.atomic():
    camp = Camp.objects.create(organizer=Organizer.objects.create(slug="rush", name="Rush"), slug="rush", title={"en": "Rush"})
    cohort = Cohort.objects.create(camp=camp, slug="rush", number=1, starts_on=date.today() + timedelta(days=9), zone="Asia/Shanghai")
    terms = {"currency": "CNY", "list_price": "99.00", "hold_minutes": facts["hold"], "seats": sum(facts["seats"]), "tiers": [
        {"id": "first", "name": {"en": "First"}, "price": "2.80", "seats": facts["seats"][0]},
        {"id": "standard", "name": {"en": "Standard"}, "price": "99.00", "seats": facts["seats"][1]},
    ]}
    open_offer(cohort=cohort, slug="rush", terms=terms, opens_at=at - timedelta(hours=1), closes_at=None, at=at)
    names = [f"rush-{number}@example.org" for number in range(facts["buyers"])]
    User.objects.bulk_create([User(email=name, name=name.partition("@")[0]) for name in names])
    people = list(User.objects.filter(email__in=names).order_by("pk").values_list("pk", flat=True))
print(json.dumps([[pk, entry_pass(pk)] for pk in people]))
"""

VERIFY = """
from django.db import connection
from kaiying.offers.models import Offer
from kaiying.offers.queries import verify
faults = [str(fault) for fault in verify(Offer.objects.get(slug="rush"))]
if connection.vendor == "sqlite":
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA integrity_check")
        faults += [row[0] for row in cursor.fetchall() if row[0] != "ok"]
print(json.dumps(faults))
"""

PAY = """
from kaiying.offers.actions import settle_claim
from kaiying.offers.models import Claim
from kaiying.wire import clock
claims = Claim.objects.live().filter(learner__in=facts["learners"], state="held")
print(json.dumps([c.learner_id for c in claims if settle_claim(claim_id=c.pk, generation=c.generation, at=clock.now()).outcome != "no_seat"]))
"""


def dice(*seed: object) -> random.Random:
    """Return dice that fall the same way for the same seed."""
    return random.Random("/".join(map(str, seed)))  # noqa: S311 — they shall be known


@dataclass
class Sale:
    """An open sale in a tree of its own, the seeded dice of the case, and the history as it grows."""

    tree: Tree
    seats: tuple[int, int]
    people: list[tuple[int, str]]
    dice: random.Random
    hold: float
    history: list[Operation] = field(default_factory=list)
    paid: set[int] = field(default_factory=set)

    @property
    def ladder(self) -> dict[int, int]:
        """How many seats there are at which price."""
        return dict(zip(PRICES, self.seats, strict=True))

    def read(self) -> Tables:
        """Read the tables of the offer."""
        if self.tree.database_url:
            return read_postgres(self.tree.database_url, SLUG)
        return read_sqlite(self.tree.sqlite, SLUG)

    def execute(self, statement: str) -> None:
        """Change the database behind the product's back."""
        self.tree.script(
            "from django.db import connection\nconnection.cursor().execute(facts['sql'])\nprint(0)", sql=statement
        )

    def judge(self) -> Verdict:
        """Judge the history by the tables, and add what the product's own check and SQLite find."""
        verdict = judge(self.history, self.read(), hold=self.hold, ladder=self.ladder)
        for fault in self.tree.script(VERIFY):
            verdict.add("verify", fault)
        return verdict

    def pay(self, learners: list[int]) -> list[int]:
        """Let money arrive for the held seats of these learners; return those who have a seat for it."""
        paid: list[int] = self.tree.script(PAY, learners=learners)
        return paid


def open_sale(
    tree: Tree, *, seats: tuple[int, int], buyers: int, seed: int, hold: int = 15, template: Path | None = None
) -> Sale:
    """Prepare the tree's folder and open a sale with so many seats at each price and so many buyers."""
    tree.prepare(template)
    people: list[list[Any]] = tree.script(OPEN, seats=seats, buyers=buyers, hold=hold)
    return Sale(tree, seats, [(pk, token) for pk, token in people], dice(seed), hold * 60.0)
