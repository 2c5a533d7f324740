"""Reminders from the head teacher, each to one person in that person's language."""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import override

from kaiying.camps.models import Message
from kaiying.camps.queries import fill
from kaiying.groups.models import ClassGroup, Nudge
from kaiying.groups.queries.access import entry_of
from kaiying.groups.queries.supervision import Row, supervision
from kaiying.groups.vocabulary import NobodyToTell, NotInClass
from kaiying.notices.actions import language_of, notify
from kaiying.outbox.actions import publish
from kaiying.people.models import User

BEHIND = "behind"


def draft(row: Row, message: Message | None) -> tuple[str, str]:
    """Return a title and words to send to this learner, in the active language.

    Whoever stopped in a lesson gets the camp's own message; it would not be true for anyone else. Nor is anything
    waiting for whoever has done all of it, or before the camp begins.
    """
    pending, title = row.facts.pending, _("A word from your head teacher")
    if pending is None and not row.has_open_duty:
        body = _("{name}, how is it going? If anything is unclear, just reply.")
    elif pending is None:
        body = _(
            "{name}, you have finished the lessons; only the check-in or task is left. A few lines are enough. "
            "Reply if stuck."
        )
    elif pending.touched_at is None or message is None:
        body = _("{name}, “{lesson}” is waiting for you; {minutes} minutes tonight will do. Reply if stuck.")
    else:
        title, body = str(message.subject), str(message.body)
    return fill(title, places_of(row)), fill(body, places_of(row))


def places_of(row: Row) -> dict[str, str]:
    """Return what stands for ``{name}``, ``{lesson}`` and ``{minutes}``, in the active language."""
    pending = row.facts.pending
    places = {"name": str(row.learner)}
    if pending is not None:
        places |= {"lesson": str(pending.title), "minutes": str(pending.minutes_left)}
    return places


def behind_message(group: ClassGroup) -> Message | None:
    """Return the camp's message to whoever falls behind, or None; one query."""
    return Message.objects.filter(camp=group.cohort.camp_id, ref=BEHIND).first()


@transaction.atomic
def nudge(
    *, group: ClassGroup, learners: Collection[User], by: User, text: str, reason: str, key: str, at: datetime
) -> list[Nudge]:
    """Remind learners of the class: one notice each, once per ``key``, in the person's own language.

    ``text`` may have the places ``{name}``, ``{lesson}`` and ``{minutes}``; empty means the camp's own message to
    whoever falls behind. ``reason`` is a ``ReasonKind``, kept with it. Returns the reminders, also those an earlier
    call with the same key sent. Raises ``NotInClass`` if ``by`` is not staff here, ``NobodyToTell`` if nobody is left.
    """
    entry = entry_of(by, group)
    if entry is None or not entry.is_staff:
        raise NotInClass
    # Two clicks at once must not send twice: the class stands for its reminders.
    ClassGroup.objects.select_for_update(no_key=True).get(pk=group.pk)
    wanted = {learner.pk for learner in learners}
    rows = [row for row in supervision(group, at=at).rows if row.learner.pk in wanted]
    if not rows:
        raise NobodyToTell
    sent = {one.learner_id: one for one in Nudge.objects.filter(group=group, key=key, learner__in=wanted)}
    message = behind_message(group)
    for row in rows:
        if row.learner.pk not in sent:
            sent[row.learner.pk] = _send(group, row, message, by=by, text=text, reason=reason, key=key, at=at)
    return list(sent.values())


def _send(
    group: ClassGroup, row: Row, message: Message | None, *, by: User, text: str, reason: str, key: str, at: datetime
) -> Nudge:
    learner, pending = row.learner, row.facts.pending
    with override(language_of(learner)):
        title, own = draft(row, message)
        words = fill(text.strip(), places_of(row)) or own
    slug = group.cohort.slug
    url = reverse("learning:lesson", args=[slug, pending.ref]) if pending else reverse("groups:show", args=[group.pk])
    notice = notify(to=learner, kind="groups.nudge", title=title, body=words, url=url, at=at, mail=True)
    why = reason or (row.reasons[0].kind.value if row.reasons else "")
    done = Nudge.objects.create(
        group=group, learner=learner, by=by, reason=why, text=words, key=key, sent_at=at, notice=notice
    )
    publish("groups.nudged", channel=f"learner:{learner.pk}", nudge=done.pk)
    return done
