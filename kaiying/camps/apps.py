"""Django's registration of this room."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class Camps(AppConfig):
    """The ``camps`` room."""

    name = "kaiying.camps"
    verbose_name = _("Camps")
