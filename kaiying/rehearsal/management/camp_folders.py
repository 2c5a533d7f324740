"""A whole camp from its folder: what the rooms of camps, press and offers each keep of it, in one transaction."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from kaiying.camps.actions import (
    Change,
    Film,
    Loaded,
    load_camp,
    make_films,
    preview_camp,
    read_camp,
    scripts_of,
    worth_showing,
)
from kaiying.camps.models import Camp
from kaiying.kit.errors import Refused
from kaiying.offers.actions import change_ladder
from kaiying.offers.models import Offer
from kaiying.people.models import Organizer
from kaiying.press.actions import article_changes, store_articles

NO_FILMS: Mapping[str, Film] = {}


@dataclass(frozen=True, slots=True)
class Brought:
    """What was brought in."""

    camp: Camp
    changes: list[Change]
    retired: tuple[str, ...]
    ladders: int
    """Running offers whose ladder was brought in line."""


class ChangedMeanwhile(Refused):
    """The camp is not what it was when the changes were shown."""

    code = "changed_meanwhile"
    text = "The camp changed while you were looking. Run this again."


def films_folder() -> Path:
    """Return where finished films are kept."""
    return Path(settings.KAIYING_DATA) / "cache" / "videos"


def films_for(folder: Path, *, report: Callable[[str, int, int], None] | None = None) -> dict[str, Film]:
    """Make (or find) the films of a folder's slides lessons; raises ``FilmImpossible`` and ``CampRefused``."""
    return make_films(scripts=scripts_of(read_camp(folder)), cache_folder=films_folder(), report=report)


def changes_of(*, folder: Path, organizer: Organizer, films: Mapping[str, Film] = NO_FILMS) -> list[Change]:
    """Return what ``bring_in`` would change."""
    preview = preview_camp(folder=folder, organizer=organizer, media=films)
    articles = article_changes(camp=preview.camp, articles=preview.articles, media=preview.media)
    return worth_showing([*preview.changes, *articles])


def bring_in(
    *,
    folder: Path,
    organizer: Organizer,
    at: datetime,
    films: Mapping[str, Film] = NO_FILMS,
    shown: list[Change] | None = None,
) -> Brought:
    """Load a folder with its articles, and bring the ladders of running offers in line: all of it or nothing.

    With ``shown``, nothing happens unless the changes are exactly those a person has seen. Raises ``CampRefused``,
    ``TierTooSmall`` (a tier would have fewer seats than are sold) and ``ChangedMeanwhile``.
    """
    with transaction.atomic():
        loaded = load_camp(folder=folder, organizer=organizer, at=at, media=films)
        articles = store_articles(camp=loaded.camp, articles=loaded.articles, media=loaded.media)
        changes = worth_showing([*loaded.changes, *articles])
        if shown is not None and changes != shown:
            raise ChangedMeanwhile
        ladders = _change_ladders(loaded, at=at)
    return Brought(loaded.camp, changes, loaded.retired, ladders)


def _change_ladders(loaded: Loaded, *, at: datetime) -> int:
    terms = loaded.camp.offer
    if loaded.is_new or not loaded.changes_ladder or not terms:
        return 0
    running = Offer.objects.filter(Q(closes_at=None) | Q(closes_at__gt=at), cohort__camp=loaded.camp)
    for offer in running.select_related("cohort").order_by("pk"):
        change_ladder(offer=offer, tiers=terms["tiers"], seats=terms["seats"], at=at)
    return running.count()
