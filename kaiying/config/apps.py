"""The back office: Django's admin, with our looks."""

from typing import override

from django.contrib.admin.apps import AdminConfig
from django.core.checks import Tags, register

from kaiying.config import checks


class BackOffice(AdminConfig):
    """Django's admin under our site class."""

    default_site = "kaiying.config.back_office.BackOfficeSite"

    @override
    def ready(self) -> None:
        """Find the rooms' admins, and let Django check how the database is opened."""
        super().ready()
        register(checks.keeps_what_it_acknowledged, Tags.security)
