"""Django's registration of the sandbox."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class Sandbox(AppConfig):
    """The sandbox payment service; its tables are its own, the shop never reads them."""

    name = "kaiying.orders.providers.sandbox"
    label = "sandbox"
    verbose_name = _("Sandbox payments")
