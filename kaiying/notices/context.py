"""The bell's count, for every page that shows it; read only if a template asks."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from kaiying.notices.models import Notice


def unread(request: HttpRequest) -> dict[str, Any]:
    """Give ``unread_notices``: how many notices the person has not seen."""

    def count() -> int:
        if not request.user.is_authenticated:
            return 0
        return Notice.objects.filter(user=request.user, read_at=None).count()

    return {"unread_notices": SimpleLazyObject(count)}
