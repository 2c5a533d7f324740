"""Django's registration of this room."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class Notices(AppConfig):
    """The ``notices`` room."""

    name = "kaiying.notices"
    verbose_name = _("Notices")
