"""Making the first owner, and giving roles."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import ClassVar

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from kaiying.kit.errors import Refused
from kaiying.people.models import Organizer, OwnerLink, Role, User
from kaiying.people.vocabulary import RoleKind

LINK_LIFE = timedelta(days=2)
FIRST_ORGANIZER = "home"


class LinkUsedUp(Refused):
    """The owner link was used, is too old, or never was ours."""

    code: ClassVar[str] = "owner_link_over"
    status: ClassVar[int] = 410
    text = _("This link was already used or is too old. Start the service again to get a new one.")


def has_owner() -> bool:
    """Tell whether anybody owns this install."""
    return Role.objects.filter(kind=RoleKind.OWNER).exists()


@transaction.atomic
def issue_owner_link(*, at: datetime) -> str | None:
    """Return a one-time link that makes whoever opens it the owner; ``None`` once there is one.

    Only a hash is stored, so neither the database nor a backup gives the link away. A new link ends earlier ones.
    """
    if has_owner():
        return None
    secret = secrets.token_urlsafe(24)
    OwnerLink.objects.filter(used_at=None).delete()
    OwnerLink.objects.create(digest=_digest(secret), issued_at=at, valid_until=at + LINK_LIFE)
    return f"{settings.KAIYING_URL}{reverse('people:owner_link', args=[secret])}"


def owner_link_is_open(*, secret: str, at: datetime) -> bool:
    """Tell whether the link would still work, without using it up."""
    return OwnerLink.objects.filter(digest=_digest(secret), used_at=None, valid_until__gt=at).exists()


@transaction.atomic
def become_owner(*, secret: str, user: User, at: datetime) -> Organizer:
    """Use the link up and make ``user`` the owner; raises ``LinkUsedUp``."""
    spent = OwnerLink.objects.filter(digest=_digest(secret), used_at=None, valid_until__gt=at).update(used_at=at)
    if not spent:
        raise LinkUsedUp
    organizer, _new = Organizer.objects.get_or_create(slug=FIRST_ORGANIZER, defaults={"name": "Kaiying"})
    give_role(organizer=organizer, user=user, kind=RoleKind.OWNER)
    return organizer


def give_role(*, organizer: Organizer, user: User, kind: RoleKind) -> Role:
    """Give ``user`` a role; giving it again changes nothing. An owner may also open the back office."""
    role, _new = Role.objects.get_or_create(organizer=organizer, user=user, kind=kind)
    if kind == RoleKind.OWNER and not user.is_superuser:
        user.is_staff = user.is_superuser = True
        user.save(update_fields=["is_staff", "is_superuser"])
    return role


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
