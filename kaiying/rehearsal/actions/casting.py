"""Who takes part: staff, the demo's learner, and a class of simulated ones."""

import random
from dataclasses import dataclass
from datetime import datetime

from kaiying.people.actions import give_role
from kaiying.people.models import Organizer, User
from kaiying.people.vocabulary import RoleKind
from kaiying.rehearsal.vocabulary import FIRST, PACES, PARTS, SECOND, TAILS, Pace

ORGANIZER = "debut"


@dataclass(frozen=True, slots=True)
class Student:
    """A simulated learner and how they study."""

    user: User
    pace: Pace
    joined_at: datetime


def cast_organizer() -> Organizer:
    """Return the demo's organizer with its owner and operator."""
    organizer, _new = Organizer.objects.get_or_create(slug=ORGANIZER, defaults={"name": "开营示范营"})
    give_role(organizer=organizer, user=person("owner"), kind=RoleKind.OWNER)
    give_role(organizer=organizer, user=person("operator"), kind=RoleKind.OPERATOR)
    return organizer


def person(key: str) -> User:
    """Return one of the people a visitor of the demo may be, with their name."""
    part = next(part for part in PARTS if part.key == key)
    return _named(part.email, part.name)


def students(count: int, *, prefix: str, dice: random.Random) -> list[tuple[User, Pace]]:
    """Return ``count`` simulated learners with a name and a pace each."""
    names = [f"{second}{first}{tail}" for tail in TAILS for first in FIRST for second in SECOND]
    dice.shuffle(names)
    paces = dice.choices(list(PACES), weights=list(PACES.values()), k=count)
    return [
        (_named(f"{prefix}-{place}@debut.example", names[place % len(names)]), pace) for place, pace in enumerate(paces)
    ]


def _named(email: str, name: str) -> User:
    user = User.objects.filter(email=email).first() or User.objects.create_user(email, name=name)
    if user.name != name:
        user.name = name
        user.save(update_fields=["name"])
    return user
