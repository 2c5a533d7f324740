"""Places to fill in a camp's texts: people must never read ``{nmae}``, nor a number that was true once."""

import re
from collections.abc import Sequence

from kaiying.camps.actions import written as w
from kaiying.camps.actions.kinds import nearest
from kaiying.camps.actions.marks import Place, Problems
from kaiying.camps.queries import PLACE
from kaiying.camps.vocabulary import LAST_SEATS, MESSAGES

NUMBER = re.compile(r"\d")


def check_messages(camp: w.WrittenCamp, problems: Problems) -> None:
    """Note messages that nothing sends, and places in the others that nothing fills."""
    for message in camp.messages:
        known = MESSAGES.get(message.ref)
        if known is None:
            said = f"nothing sends a message with the id “{message.ref}”"
            problems.warn(message.at("id"), "unsent", said, nearest(message.ref, MESSAGES))
            continue
        for key, text in (("subject", message.subject), ("body", message.body)):
            for language, words in text.items():
                place = message.at(key)
                if language != camp.language:
                    place = Place(f"{place.path.removesuffix('.md')}.{language}.md")
                _check_places(words, known, f"the {key}", place, problems)


def check_last_seats(camp: w.WrittenCamp, problems: Problems) -> None:
    """Note a wording for the last seats that would not be true, or would not say what there are so few of."""
    wanted = camp.offer.last_seats if camp.offer else None
    if camp.offer is None or wanted is None:
        return
    place = wanted.at("wording")
    for words in wanted.wording.values():
        _check_places(words, LAST_SEATS, "the wording", place, problems)
        named = set(PLACE.findall(words))
        if NUMBER.search(PLACE.sub("", words)) and "count" not in named:
            said = "a number in the wording is true for one moment only"
            problems.error(place, "last_seats", said, "Write {count} for the seats that are left.")
        elif len(camp.offer.tiers) > 1 and not named & {"tier", "price"}:
            said = "the wording does not say of which tier these are the last seats"
            problems.error(place, "last_seats", said, "Name it with {tier} or {price}.")


def _check_places(words: str, known: Sequence[str], where: str, place: Place, problems: Problems) -> None:
    for name in sorted(set(PLACE.findall(words)) - set(known)):
        problems.error(place, "blank", f"nothing fills the place {{{name}}} in {where}", nearest(name, known))
