"""The back office site."""

from django.contrib.admin import AdminSite
from django.utils.translation import gettext_lazy as _


class BackOfficeSite(AdminSite):
    """The admin, named and dressed as Kaiying's back office."""

    site_header = _("Kaiying back office")
    site_title = _("Kaiying back office")
    index_title = _("Everything that has no page of its own")
