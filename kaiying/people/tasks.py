"""Work of this room that may take its time."""

from django.core.mail import EmailMessage
from django.tasks import task


@task
def deliver_mail(subject: str, body: str, to: str) -> None:
    """Hand one plain message to the mail server; a failure is tried again by the worker."""
    EmailMessage(subject=subject, body=body, to=[to]).send()
