"""Telling somebody something."""

from datetime import datetime

from django.conf import settings
from django.db import transaction

from kaiying.notices.models import Notice
from kaiying.notices.tasks import mail_notice
from kaiying.outbox.actions import later, publish
from kaiying.people.models import User

LONGEST_TITLE = 200


@transaction.atomic
def notify(
    *, to: User, kind: str, title: str, body: str = "", url: str = "", at: datetime, mail: bool = False
) -> Notice:
    """Tell ``to`` something, in the caller's transaction; ``mail`` sends it by mail as well.

    ``title`` and ``body`` are already in the person's language (see ``language_of``); ``url`` is a path of ours.
    """
    line = " ".join(title.split())[:LONGEST_TITLE]  # it may quote what people typed, and is the subject of a mail
    notice = Notice.objects.create(user=to, kind=kind, title=line, body=body, url=url, at=at)
    publish("notices.told", channel=f"learner:{to.pk}", notice=notice.pk)
    if mail:
        later(mail_notice, at=at, notice=notice.pk)
    return notice


def language_of(user: User) -> str:
    """Return the language to write to this person in."""
    return user.language or settings.LANGUAGE_CODE


def mark_read(*, user: User, at: datetime) -> int:
    """Mark everything the person was told as read; return how many were new."""
    return Notice.objects.filter(user=user, read_at=None).update(read_at=at)
