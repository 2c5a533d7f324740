"""The back office: Django's admin, for the owner, in our looks and with our way of signing in."""

from collections.abc import Iterable
from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, URLResolver
from django.utils.translation import gettext_lazy as _

OURS = "kaiying."
WITHOUT = frozenset({"password_change", "password_change_done"})
"""Nobody has a password here."""


class BackOfficeSite(AdminSite):
    """The admin, named and dressed as Kaiying's back office; only owners come in."""

    site_header = _("Kaiying back office")
    site_title = _("Kaiying back office")
    index_title = _("Everything that has no page of its own")
    site_url = "/me/"

    def register(self, model_or_iterable: Any, *args: Any, **options: Any) -> None:
        """Take our own models only: those of libraries are nothing to edit by hand."""
        wanted: Iterable[type[Model]] = (
            [model_or_iterable] if isinstance(model_or_iterable, type) else model_or_iterable
        )
        ours = [model for model in wanted if model.__module__.startswith(OURS)]
        if ours:
            super().register(ours, *args, **options)

    def has_permission(self, request: HttpRequest) -> bool:
        """Let owners in, nobody else."""
        return bool(request.user.is_active and getattr(request.user, "is_superuser", False))

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:  # noqa: ARG002 (Django's signature)
        """Lead to our own sign-in; whoever is signed in and no owner is told so."""
        if self.has_permission(request):
            return redirect("admin:index")
        if request.user.is_authenticated:
            raise PermissionDenied(str(_("The back office is open to the owner only.")))
        return redirect_to_login(request.GET.get("next", "/admin/"))

    def logout(self, *_args: Any, **_facts: Any) -> HttpResponse:  # type: ignore[override]
        """Lead to our own page for that."""
        return redirect("account_logout")

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Leave out what does not fit signing in by code."""
        return [one for one in super().get_urls() if getattr(one, "name", None) not in WITHOUT]
