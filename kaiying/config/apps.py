"""The back office: Django's admin, with our looks."""

from django.contrib.admin.apps import AdminConfig


class BackOffice(AdminConfig):
    """Django's admin under our site class."""

    default_site = "kaiying.config.back_office.BackOfficeSite"
