"""Who may do what."""

from django.http import HttpRequest

from kaiying.people.models import Organizer, Role, User
from kaiying.people.vocabulary import RoleKind

OPERATING = frozenset({RoleKind.OWNER, RoleKind.OPERATOR})
SUPERVISING = OPERATING | {RoleKind.HEAD_TEACHER}


def roles_of(user: User, organizer: Organizer) -> frozenset[RoleKind]:
    """Return the roles of ``user`` for ``organizer``; one query."""
    kinds = Role.objects.filter(user=user, organizer=organizer).values_list("kind", flat=True)
    return frozenset(RoleKind(kind) for kind in kinds)


def can_operate(user: User, organizer: Organizer) -> bool:
    """Tell whether the person runs camps of this organizer: owners and operators do."""
    return user.is_authenticated and bool(roles_of(user, organizer) & OPERATING)


def can_supervise(user: User, organizer: Organizer) -> bool:
    """Tell whether the person may see every class of this organizer."""
    return user.is_authenticated and bool(roles_of(user, organizer) & SUPERVISING)


def operated_by(user: User) -> list[int]:
    """Return the organizers the person owns or operates; one query."""
    return list(Role.objects.filter(user=user, kind__in=OPERATING).values_list("organizer_id", flat=True).distinct())


def viewer_id(request: HttpRequest) -> int:
    """Return the id of whoever really looks, to whom passes are issued; 0 for a visitor.

    On a page that travels in time ``request.user`` is the learner looked at, the viewer is the traveller.
    """
    return getattr(request, "traveller", request.user).pk or 0
