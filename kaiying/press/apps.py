"""Django's registration of this room."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class Press(AppConfig):
    """The ``press`` room."""

    name = "kaiying.press"
    verbose_name = _("Press")
