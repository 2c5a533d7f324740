"""Django's registration of this room."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class Pages(AppConfig):
    """The ``pages`` room."""

    name = "kaiying.pages"
    verbose_name = _("Pages")
