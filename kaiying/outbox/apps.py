"""Django's registration of this room."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class Outbox(AppConfig):
    """The ``outbox`` room."""

    name = "kaiying.outbox"
    verbose_name = _("Outbox")
