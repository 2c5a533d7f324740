"""What would change: two snapshots compared, thing by thing and field by field."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kaiying.camps.actions.snapshots import Snapshot
from kaiying.camps.vocabulary import ChangeKind
from kaiying.web.texts import MAIN_KEY, Text

HIDDEN = {"watching"}
"""Kinds that follow from others and are not worth a line."""

QUIET_FIELDS = {"media"}
MISSING = object()


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A value that differs, by its path within the thing (``slides.2.say.en``); ``None`` is absent."""

    path: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Change:
    """Something that a load adds, changes, moves or takes out."""

    what: str
    ref: str
    kind: ChangeKind
    title: str = ""
    fields: tuple[FieldChange, ...] = ()


def compare(before: Snapshot, after: Snapshot) -> list[Change]:
    """Return every change from ``before`` to ``after``, in the order of a camp."""
    changes: list[Change] = []
    for what, wanted in after.items():
        had = before.get(what, {})
        for ref, facts in wanted.items():
            if ref not in had:
                changes.append(Change(what, ref, ChangeKind.ADDED, title_of(facts)))
            elif found := tuple(differences(had[ref], facts)):
                changes.append(Change(what, ref, _kind(found), title_of(facts), found))
        changes += [
            Change(what, ref, ChangeKind.REMOVED, title_of(facts)) for ref, facts in had.items() if ref not in wanted
        ]
    return changes


def worth_showing(changes: list[Change]) -> list[Change]:
    """Leave out what only follows from other changes."""
    return [change for change in changes if change.what not in HIDDEN]


def title_of(facts: Mapping[str, Any]) -> str:
    """Return the words by which a person knows the thing, in its own main language."""
    for key in ("title", "name", "subject"):
        if facts.get(key):
            text = Text.of(facts[key])
            return text.in_language(text.main)
    return ""


def _kind(fields: tuple[FieldChange, ...]) -> ChangeKind:
    return ChangeKind.MOVED if all(change.path in {"day", "position"} for change in fields) else ChangeKind.CHANGED


def differences(before: Any, after: Any, path: str = "") -> Iterator[FieldChange]:
    """Walk two values and yield where they differ; items of lists go by their ``id`` when they have one."""
    if before == after:
        return
    one, other = _branches(before), _branches(after)
    if one is None or other is None:
        yield FieldChange(path, before, after)
        return
    found = False
    for key in dict.fromkeys([*one, *other]):
        if key == MAIN_KEY:
            continue
        here = f"{path}.{key}" if path else str(key)
        for change in differences(one.get(key), other.get(key), here):
            found = True
            yield change
    if not found:
        yield FieldChange(f"{path}.order" if path else "order", None, None)


def _branches(value: Any) -> dict[str, Any] | None:
    if value is None:
        return None
    if isinstance(value, dict):
        return value
    if isinstance(value, list):
        by_id = all(isinstance(item, dict) and "id" in item for item in value)
        return {item["id"] if by_id else str(place): item for place, item in enumerate(value, start=1)}
    return None
