"""Load a camp from its folder: compared with what is there, applied in one transaction, repeatable without effect."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models, transaction
from django.db.models import ProtectedError

from kaiying.camps.actions import written as w
from kaiying.camps.actions.checking import check_camp
from kaiying.camps.actions.diffing import Change, compare
from kaiying.camps.actions.films import film_keys
from kaiying.camps.actions.snapshots import Film, Plan, Snapshot, plan_of, snapshot_of
from kaiying.camps.actions.storing import store_files
from kaiying.camps.models import Camp, Day, Lesson, Message, Staffing, Task, Teacher, Topic
from kaiying.camps.vocabulary import CampRefused, ChangeKind, TeacherInUse
from kaiying.people.models import Organizer

NOTHING: Mapping[str, Film] = {}


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load did, and what belongs to rooms above this one."""

    camp: Camp
    changes: list[Change]
    articles: tuple[w.WrittenArticle, ...]
    media: Mapping[str, str]
    is_new: bool
    retired: tuple[str, ...] = ()

    @property
    def changes_ladder(self) -> bool:
        """Whether the price ladder for cohorts differs from before."""
        return any(
            change.what == "camp" and any(field.path.startswith("offer") for field in change.fields)
            for change in self.changes
        )


@dataclass(frozen=True, slots=True)
class Preview:
    """What a load would do now."""

    ref: str
    camp: Camp | None
    changes: list[Change]
    articles: tuple[w.WrittenArticle, ...]
    media: Mapping[str, str]
    warnings: tuple[Any, ...] = ()


def read_camp(folder: Path) -> w.WrittenCamp:
    """Return the camp of a folder without mistakes; raises ``CampRefused`` with all of them."""
    reading = check_camp(folder)
    if reading.camp is None or reading.errors:
        raise CampRefused(problems=reading.errors, count=len(reading.errors))
    return reading.camp


def preview_camp(*, folder: Path, organizer: Organizer, media: Mapping[str, Film] = NOTHING) -> Preview:
    """Return what ``load_camp`` would change; nothing is written."""
    written = read_camp(folder)
    camp = Camp.objects.filter(organizer=organizer, slug=written.ref).first()
    plan = _plan(written, camp, media)
    changes = compare(snapshot_of(camp) if camp else {}, plan.snapshot)
    return Preview(written.ref, camp, changes, plan.articles, plan.media)


def load_camp(*, folder: Path, organizer: Organizer, at: datetime, media: Mapping[str, Film] = NOTHING) -> Loaded:
    """Make the camp be what its folder says, all of it or nothing; ``media`` holds films made from slides.

    Lessons and tasks are known by id, so renaming or moving keeps what learners did; those taken out are retired when
    someone touched them. Two loads of a camp at a time happen one after the other.
    """
    written = read_camp(folder)
    with transaction.atomic():
        camp, is_new = _lock(written, organizer)
        plan = _plan(written, None if is_new else camp, media)
        changes = compare({} if is_new else snapshot_of(camp), plan.snapshot)
        retired: list[str] = []
        if changes:
            store_files(plan.files)
            retired = apply(camp, plan.snapshot, changes, at=at)
    return Loaded(camp, changes, plan.articles, plan.media, is_new, tuple(retired))


def _plan(written: w.WrittenCamp, camp: Camp | None, media: Mapping[str, Film]) -> Plan:
    return plan_of(written, films=media, keys=film_keys(written), now=camp)


def _lock(written: w.WrittenCamp, organizer: Organizer) -> tuple[Camp, bool]:
    """Lock the camp's row, making it first if need be; the unique id makes a second maker wait."""
    camp, is_new = Camp.objects.get_or_create(organizer=organizer, slug=written.ref, defaults={"title": written.title})
    return Camp.objects.select_for_update(of=("self",)).get(pk=camp.pk), is_new


def apply(camp: Camp, wanted: Snapshot, changes: list[Change], *, at: datetime) -> list[str]:
    """Write the changes; return the ids of what was retired because someone had touched it."""
    todo = {(change.what, change.ref): change.kind for change in changes}
    for name, value in wanted["camp"][camp.slug].items():
        setattr(camp, name, value)
    camp.digest = digest_of(wanted)
    camp.loaded_at = at
    camp.save()
    _remove_teachers(camp, todo)
    for what in ("teachers", "days", "lessons", "tasks", "watching", "topics", "messages"):
        _write(camp, what, wanted[what], todo)
    return [
        ref
        for what in ("watching", "tasks", "lessons", "topics", "messages", "days")
        for ref in _remove(camp, what, todo, at)
    ]


MODELS: dict[str, tuple[type[models.Model], str]] = {
    "teachers": (Teacher, "ref"),
    "days": (Day, "number"),
    "lessons": (Lesson, "ref"),
    "tasks": (Task, "ref"),
    "watching": (Task, "ref"),
    "topics": (Topic, "ref"),
    "messages": (Message, "ref"),
}


def _write(camp: Camp, what: str, wanted: dict[str, dict[str, Any]], todo: dict[tuple[str, str], ChangeKind]) -> None:
    model, key = MODELS[what]
    teachers = dict(Teacher.objects.filter(camp=camp).values_list("ref", "pk"))
    lessons = dict(Lesson.objects.filter(camp=camp).values_list("ref", "pk"))
    for ref, facts in wanted.items():
        if todo.get((what, ref)) is None:
            continue
        values = dict(facts)
        if "teacher" in values:
            values["teacher_id"] = teachers.get(values.pop("teacher") or "")
        if "lesson" in values:
            values["lesson_id"] = lessons.get(values.pop("lesson") or "")
        if what in {"lessons", "tasks", "watching"}:
            values["retired_at"] = None
        known: dict[str, Any] = {"camp": camp, key: ref}
        model._default_manager.update_or_create(defaults=values, **known)  # noqa: SLF001 — any model


def _remove(camp: Camp, what: str, todo: dict[tuple[str, str], ChangeKind], at: datetime) -> list[str]:
    model, key = MODELS[what]
    retired = []
    for (kind, ref), change in todo.items():
        if kind != what or change != ChangeKind.REMOVED:
            continue
        thing = model._default_manager.get(camp=camp, **{key: ref})  # noqa: SLF001 — any model
        try:
            with transaction.atomic():
                thing.delete()
        except ProtectedError:
            thing.retired_at = at  # type: ignore[attr-defined]  # only lessons and tasks are pointed at
            thing.save(update_fields=["retired_at"])
            if what != "watching":
                retired.append(ref)
    return retired


def _remove_teachers(camp: Camp, todo: dict[tuple[str, str], ChangeKind]) -> None:
    gone = [ref for (what, ref), change in todo.items() if what == "teachers" and change == ChangeKind.REMOVED]
    staffing = (
        Staffing.objects.filter(teacher__camp=camp, teacher__ref__in=gone).select_related("teacher", "cohort").first()
    )
    if staffing is not None:
        raise TeacherInUse(teacher=staffing.teacher.ref, cohort=staffing.cohort.slug)
    camp.teachers.filter(ref__in=gone).delete()


def digest_of(snapshot: Snapshot) -> str:
    """Return the fingerprint of what a folder says."""
    return hashlib.sha256(json.dumps(snapshot, sort_keys=True, cls=DjangoJSONEncoder).encode()).hexdigest()
