"""Mail."""

from collections.abc import Sequence
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMessage
from django.tasks import task

from kaiying.notices.models import Notice
from kaiying.wire import clock


@task
def mail_notice(notice: int) -> None:
    """Mail one notice; at least once: a crash between sending and marking sends it again."""
    found = Notice.objects.select_related("user").filter(pk=notice, mailed_at=None).first()
    if found is None:
        return
    _mail(found)


@task
def mail_notices(notices: Sequence[int]) -> None:
    """Mail many notices; one that is refused does not stop the others, and only what failed is tried again."""
    failed: list[Exception] = []
    for found in Notice.objects.select_related("user").filter(pk__in=notices, mailed_at=None).order_by("pk"):
        try:
            _mail(found)
        except (SMTPException, OSError) as error:
            failed.append(error)
    if failed:
        message = f"{len(failed)} of {len(notices)} mails were not taken"
        raise ExceptionGroup(message, failed)


def _mail(notice: Notice) -> None:
    link = f"\n\n{settings.KAIYING_URL}{notice.url}" if notice.url else ""
    EmailMessage(subject=notice.title, body=f"{notice.body}{link}", to=[notice.user.email]).send()
    Notice.objects.filter(pk=notice.pk).update(mailed_at=clock.now())
