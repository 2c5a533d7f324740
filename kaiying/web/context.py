"""What every template may use without being handed it."""

from typing import Any

from django.http import HttpRequest

from kaiying.wire import clock

THEME_COOKIE = "theme"
THEMES = ("light", "dark")


def shell(request: HttpRequest) -> dict[str, Any]:
    """Give the person's theme (empty: follow the system) and the moment this page shows."""
    theme = request.COOKIES.get(THEME_COOKIE, "")
    return {"theme": theme if theme in THEMES else "", "now": clock.now(request)}
