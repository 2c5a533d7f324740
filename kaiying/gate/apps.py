"""Django's registration of the gate, for its texts."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class Gate(AppConfig):
    """The ``gate``: no models, but words of its own."""

    name = "kaiying.gate"
    verbose_name = _("Gate")
