"""Words of this room."""

from typing import TYPE_CHECKING

from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from kaiying.people.models import User


class RoleKind(models.TextChoices):
    """What a person does for an organizer; a class gives its own roles by membership."""

    OWNER = "owner", _("Owner")
    OPERATOR = "operator", _("Operator")
    HEAD_TEACHER = "head_teacher", _("Head teacher")
    MENTOR = "mentor", _("Mentor")


class SignedInRequest(HttpRequest):
    """A request behind ``login_required``."""

    user: "User"
