"""Who asks on a hot path, and that they may: one of our own pages, a living pass, a body in JSON."""

from datetime import datetime

from django.utils.translation import gettext_noop as _

from kaiying.gate.asking import Asking, cookie_of
from kaiying.gate.request import Denied
from kaiying.gate.revocations import Revocations
from kaiying.wire.entry import COOKIE, read_entry
from kaiying.wire.passes import BadPass


def learner_of(asking: Asking, revocations: Revocations, *, at: datetime, not_json: str) -> int:
    """Return the learner who asks; raises ``Denied``, with ``not_json`` as the text for a body of another kind."""
    if not asking.is_ours:
        raise Denied(403, "foreign", _("This may only be sent from our own pages."))
    try:
        entry = read_entry(cookie_of(asking.cookies, COOKIE), at=at)
    except BadPass:
        entry = None
    if entry is None or revocations.ended_entry(entry):
        raise Denied(401, "signed_out", _("You are signed out. Please sign in again."))
    if not asking.is_json:
        raise Denied(415, "content_type", not_json)
    return entry.user_id
