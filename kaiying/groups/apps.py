"""Django's registration of this room."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class Groups(AppConfig):
    """The ``groups`` room."""

    name = "kaiying.groups"
    verbose_name = _("Classes")
