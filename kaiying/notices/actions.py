"""Telling somebody something."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.conf import settings
from django.db import transaction

from kaiying.notices.models import Notice
from kaiying.notices.tasks import mail_notice, mail_notices
from kaiying.outbox.actions import later, publish, publish_all
from kaiying.outbox.models import Event
from kaiying.people.models import User

LONGEST_TITLE = 200


@transaction.atomic
def notify(
    *, to: User, kind: str, title: str, body: str = "", url: str = "", at: datetime, mail: bool = False
) -> Notice:
    """Tell ``to`` something, in the caller's transaction; ``mail`` sends it by mail as well.

    ``title`` and ``body`` are already in the person's language (see ``language_of``); ``url`` is a path of ours.
    """
    notice = Notice.objects.create(user=to, kind=kind, title=_line(title), body=body, url=url, at=at)
    publish("notices.told", channel=f"learner:{to.pk}", notice=notice.pk)
    if mail:
        later(mail_notice, at=at, notice=notice.pk)
    return notice


class Letter(NamedTuple):
    """What one of many is told, in their language."""

    to: User
    title: str
    body: str


@transaction.atomic
def notify_all(letters: Sequence[Letter], *, kind: str, url: str, at: datetime, mail: bool = False) -> None:
    """Tell many people at once, in the caller's transaction: a few statements, and one job for all the mail."""
    notices = Notice.objects.bulk_create(
        Notice(user=to, kind=kind, title=_line(title), body=body, url=url, at=at) for to, title, body in letters
    )
    publish_all(
        Event(name="notices.told", channel=f"learner:{notice.user_id}", facts={"notice": notice.pk})
        for notice in notices
    )
    if mail and notices:
        later(mail_notices, at=at, notices=[notice.pk for notice in notices])


def _line(title: str) -> str:
    """Return a title fit for the subject of a mail: it may quote what people typed."""
    return " ".join(title.split())[:LONGEST_TITLE]


def language_of(user: User) -> str:
    """Return the language to write to this person in."""
    return user.language or settings.LANGUAGE_CODE


def mark_read(*, user: User, at: datetime) -> int:
    """Mark everything the person was told as read; return how many were new."""
    return Notice.objects.filter(user=user, read_at=None).update(read_at=at)
