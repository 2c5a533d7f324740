"""The launch page of a camp, the picture it is shared with, and what search engines and browsers ask for by custom."""

from django.conf import settings
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from kaiying.camps.models import Cohort
from kaiying.press.actions import draw_share_card
from kaiying.press.queries import launch_of
from kaiying.wire import clock

A_DAY = 60 * 60 * 24
ROBOTS = """\
User-agent: *
Disallow: /account/
Disallow: /admin/
Disallow: /c/*/claims/
Disallow: /c/*/numbers/
Disallow: /c/*/reservation/
Disallow: /demo/
Disallow: /events
Disallow: /gate/
Allow: /
"""


def _cohort(slug: str) -> Cohort:
    # The room of offers stands beside this one: its row is reached through the cohort, its numbers by template tags.
    return get_object_or_404(Cohort.objects.select_related("camp", "offer"), offer__slug=slug)


@require_safe
def landing(request: HttpRequest, slug: str) -> HttpResponse:
    """Show what the camp is, what a seat costs now, and how many are left."""
    cohort = _cohort(slug)
    cohort.offer.cohort = cohort
    address = settings.KAIYING_URL + reverse("press:landing", args=[slug])
    picture = settings.KAIYING_URL + reverse("press:share_card", args=[slug])
    response = render(
        request,
        "press/landing.html",
        {
            "cohort": cohort,
            "camp": cohort.camp,
            "offer": cohort.offer,
            "launch": launch_of(cohort),
            "address": address,
            "picture": f"{picture}?language={get_language()}&v={cohort.camp.digest[:8]}",
            "now": clock.now(request),
        },
    )
    patch_cache_control(response, private=True, no_cache=True)  # its forms hold a token of this visitor's
    return response


@require_safe
def share_card(request: HttpRequest, slug: str) -> FileResponse:
    """Give the picture for share cards, 1200 × 630; messengers ask without a language, so the address names it."""
    cohort = _cohort(slug)
    path = draw_share_card(cohort=cohort, language=request.GET.get("language") or cohort.camp.language)
    response = FileResponse(path.open("rb"), content_type="image/png")
    patch_cache_control(response, public=True, max_age=A_DAY)
    return response


@require_safe
def robots(_request: HttpRequest) -> HttpResponse:
    """Tell search engines what is theirs: the launch pages, and nothing that acts or needs signing in."""
    response = HttpResponse(ROBOTS, content_type="text/plain; charset=utf-8")
    patch_cache_control(response, public=True, max_age=A_DAY)
    return response


@require_safe
def favicon(_request: HttpRequest) -> HttpResponse:
    """Lead whoever asks for the icon by its old name to the one we have."""
    response = redirect(static("web/icon-180.png"))
    patch_cache_control(response, public=True, max_age=A_DAY)
    return response
