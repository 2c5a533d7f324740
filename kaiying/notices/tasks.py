"""Mail."""

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
    link = f"\n\n{settings.KAIYING_URL}{found.url}" if found.url else ""
    EmailMessage(subject=found.title, body=f"{found.body}{link}", to=[found.user.email]).send()
    Notice.objects.filter(pk=notice).update(mailed_at=clock.now())
