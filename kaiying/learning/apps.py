"""Django's registration of this room."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class Learning(AppConfig):
    """The ``learning`` room."""

    name = "kaiying.learning"
    verbose_name = _("Learning")
