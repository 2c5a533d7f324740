"""What every page of a person shows around its content: a learner's places, a staff member's rail."""

from typing import Any

from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from kaiying.camps.models import Cohort
from kaiying.groups.models import ClassGroup
from kaiying.groups.queries import entry_of, group_of, unread
from kaiying.kit import periods
from kaiying.offers.queries import running_sales
from kaiying.pages.queries.belonging import cohorts_operated_by, newest_enrollment, taught_by
from kaiying.people.models import User
from kaiying.wire import clock

PLACES = {"today": "today", "welcome": "today", "me": "me", "settings": "me", "notes": "me", "orders": "me"}


def learner_nav(request: HttpRequest) -> dict[str, Any]:
    """Give ``nav``: today, course, class and me of the cohort this page is about, or of the newest one."""
    return {"nav": SimpleLazyObject(lambda: _nav(request)), "shell_banner": _banner(request)}


def staff_rail(request: HttpRequest) -> dict[str, Any]:
    """Give ``rail``, ``camp_switch`` and ``my_role`` for pages of the staff shell."""
    desk = SimpleLazyObject(lambda: _desk(request))
    return {
        "rail": SimpleLazyObject(lambda: desk["rail"]),
        "camp_switch": SimpleLazyObject(lambda: desk["camp_switch"]),
        "my_role": SimpleLazyObject(lambda: desk["my_role"]),
    }


def _banner(request: HttpRequest) -> str:
    """Say on every page that somebody looks from another moment, with the way back."""
    journey = getattr(request, "journey", None)
    if journey is None:
        return ""
    # Not with the request: its context processors would come back here.
    return render_to_string("pages/travel_banner.html", {"journey": journey, "csrf_token": get_token(request)})


def _nav(request: HttpRequest) -> dict[str, Any]:
    user = request.user
    if not isinstance(user, User):
        return {}
    match = request.resolver_match
    enrollment = newest_enrollment(user, match.kwargs.get("cohort") if match else None)
    if enrollment is None:
        return {}
    group = group_of(user, enrollment.cohort_id)
    mine = entry_of(user, group) if group else None
    slug = enrollment.cohort.slug
    return {
        "today_url": reverse("pages:today", args=[slug]),
        "course_url": reverse("learning:course", args=[slug]),
        "class_url": reverse("groups:show", args=[group.pk]) if group else "",
        "me_url": reverse("pages:me"),
        "class_unread": unread(mine, at=clock.now(request)) if mine else 0,
        "current": _place(request),
    }


def _place(request: HttpRequest) -> str:
    match = request.resolver_match
    if match is None:
        return ""
    if match.app_name == "groups":
        return "class"
    return PLACES.get(match.url_name or "", "course" if match.app_name == "learning" else "")


def _desk(request: HttpRequest) -> dict[str, Any]:
    user = request.user
    if not isinstance(user, User):
        return {"rail": [], "camp_switch": None, "my_role": ""}
    taught, operated = taught_by(user), cohorts_operated_by(user)
    here = _cohort_here(request, [m.group for m in taught], operated)
    rail: list[dict[str, Any]] = []
    if here is not None and here in operated:
        rail.append(_operating(request, here))
        groups = list(ClassGroup.objects.filter(cohort=here))
    else:
        groups = [m.group for m in taught if here is None or m.group.cohort_id == here.pk]
    if groups:
        rail.extend(_supervising(request, groups))
    cohorts = list(dict.fromkeys([*operated, *(m.group.cohort for m in taught)]))
    return {
        "rail": rail,
        "camp_switch": _switch(request, here, cohorts, operated) if here else None,
        "my_role": _("Operator") if here in operated else next((m.get_kind_display() for m in taught), ""),
    }


def _cohort_here(request: HttpRequest, groups: list[ClassGroup], operated: list[Cohort]) -> Cohort | None:
    """Return the cohort the address names: by slug, or by one of its classes."""
    kwargs = request.resolver_match.kwargs if request.resolver_match else {}
    if "cohort" in kwargs:
        known = [*operated, *(group.cohort for group in groups)]
        return next((cohort for cohort in known if cohort.slug == kwargs["cohort"]), None)
    if request.resolver_match and request.resolver_match.app_name == "groups" and "pk" in kwargs:
        group = ClassGroup.objects.select_related("cohort__camp").filter(pk=kwargs["pk"]).first()
        return group.cohort if group else None
    return operated[0] if operated else groups[0].cohort if groups else None


def _operating(request: HttpRequest, cohort: Cohort) -> dict[str, Any]:
    places = [
        ("pages:overview", gettext_lazy("Overview"), "chart"),
        ("pages:sale", gettext_lazy("Sale"), "bolt"),
        ("pages:orders", gettext_lazy("Orders and refunds"), "yuan"),
        ("pages:learners", gettext_lazy("Learners"), "people"),
    ]
    is_live = running_sales(at=clock.now(request)).filter(cohort=cohort).exists()
    return {
        "heading": _("This cohort"),
        "links": [
            {
                "url": reverse(name, args=[cohort.slug]),
                "label": label,
                "icon": icon,
                "current": _is_at(request, name),
                "live": _("live") if name == "pages:sale" and is_live else "",
            }
            for name, label, icon in places
        ],
    }


def _supervising(request: HttpRequest, groups: list[ClassGroup]) -> list[dict[str, Any]]:
    kwargs = request.resolver_match.kwargs if request.resolver_match else {}
    here = next((group for group in groups if group.pk == kwargs.get("pk")), groups[0])
    places = [
        ("groups:supervision", gettext_lazy("Supervision today"), "grid"),
        ("groups:show", pgettext_lazy("a place", "Class"), "chat"),
        ("groups:wall", gettext_lazy("Check-ins"), "pen"),
        ("groups:members", gettext_lazy("Members"), "people"),
    ]
    return [
        {
            "heading": _("Supervision"),
            "links": [
                {"url": reverse(name, args=[here.pk]), "label": label, "icon": icon, "current": _is_at(request, name)}
                for name, label, icon in places
            ],
        },
        {
            "heading": _("My classes"),
            "links": [
                {
                    "url": reverse("groups:supervision", args=[group.pk]),
                    "label": group.name,
                    "icon": "flag",
                    "current": False,
                }
                for group in groups
            ],
        },
    ]


def _is_at(request: HttpRequest, name: str) -> bool:
    return request.resolver_match is not None and request.resolver_match.view_name == name


def _switch(request: HttpRequest, here: Cohort, cohorts: list[Cohort], operated: list[Cohort]) -> dict[str, Any]:
    at = clock.now(request)
    return {
        "title": str(here.camp.title),
        "meta": _meta(here, at),
        "camps": [
            {
                "url": reverse("pages:overview", args=[cohort.slug])
                if cohort in operated
                else reverse("pages:desk", args=[cohort.slug]),
                "title": str(cohort.camp.title),
                "meta": _meta(cohort, at),
                "current": cohort == here,
            }
            for cohort in cohorts
        ]
        if len(cohorts) > 1
        else [],
    }


def _meta(cohort: Cohort, at: Any) -> str:
    day = (periods.day_in(at, cohort.zone) - cohort.starts_on).days + 1
    number = _("Cohort %(number)s") % {"number": cohort.number}
    return f"{number} · {_('Day %(day)s') % {'day': day}}" if day > 0 else number
