"""How allauth behaves here: mail through the outbox, and nothing said that tells whether an address is known."""

from typing import Any, ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from kaiying.outbox.actions import later
from kaiying.people.tasks import deliver_mail
from kaiying.wire import clock

CODE_MAIL = "account/email/login_code"


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Sign-in by code only; there is no other way in."""

    error_messages: ClassVar[dict[str, Any]] = {
        **DefaultAccountAdapter.error_messages,
        "too_many_login_attempts": _("Too many tries. Wait five minutes, then ask for a new code."),
        "incorrect_code": _(
            "That is not the code. Look at the newest mail; after five wrong tries you need a new one."
        ),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002 (allauth's signature)
        """Refuse allauth's own sign-up pages: asking for a code is signing up."""
        return False

    def add_message(self, request: HttpRequest, level: int, *args: Any, **kwargs: Any) -> None:  # noqa: ARG002 (allauth's)
        """Pass on why somebody has to begin anew; our pages say everything else themselves."""
        if level >= messages.ERROR and kwargs.get("message"):
            messages.error(request, kwargs["message"])

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Render now, in the person's language; deliver by a task, so that no answer waits for a mail server."""
        if template_prefix != CODE_MAIL:
            return  # allauth's other mails would tell whether an address is known, and name pages we do not have
        message = self.render_mail(template_prefix, email, {**context, "email": email, "site": settings.KAIYING_URL})
        later(deliver_mail, at=clock.now(), subject=message.subject, body=str(message.body), to=email)
