"""Django's registration of this room."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class Rehearsal(AppConfig):
    """The ``rehearsal`` room."""

    name = "kaiying.rehearsal"
    verbose_name = _("Rehearsal")
