"""Django's registration of this room."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class Orders(AppConfig):
    """The ``orders`` room."""

    name = "kaiying.orders"
    verbose_name = _("Orders")
