"""Django's registration of this room."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class People(AppConfig):
    """The ``people`` room."""

    name = "kaiying.people"
    verbose_name = _("People")
