"""Django's registration of this room."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class Offers(AppConfig):
    """The ``offers`` room."""

    name = "kaiying.offers"
    verbose_name = _("Offers")
