"""``/static/``: our stylesheets, scripts and pictures; hashed names never change and are kept for ever."""

from collections.abc import Iterator
from wsgiref.headers import Headers

from django.conf import settings
from django.contrib.staticfiles import finders
from servestatic import ServeStaticASGI

from kaiying.gate.replies import SAFE
from kaiying.gate.request import App


class Assets(ServeStaticASGI):  # type: ignore[misc]  # the package has no types
    """Static files from the collected folder or, while developing, from where they are edited."""

    def candidate_paths_for_url(self, url: str) -> Iterator[str]:
        """Look where Django's finders look first, so that an edited file shows at once."""
        if url.startswith(settings.STATIC_URL):
            found = finders.find(url.removeprefix(settings.STATIC_URL))
            if isinstance(found, str):
                yield found
        yield from super().candidate_paths_for_url(url)


def assets() -> App:
    """Return the application that serves static files and answers 404 to everything else below its path."""
    live = settings.DEBUG or not settings.STATIC_ROOT.is_dir()
    return Assets(
        None,
        root=settings.STATIC_ROOT,
        prefix=settings.STATIC_URL,
        autorefresh=live,
        max_age=0 if live else 3600,
        allow_all_origins=False,
        add_headers_function=_add_headers,
    )


def _add_headers(headers: Headers, _path: str, _url: str) -> None:
    for name, value in SAFE:
        headers[name.decode()] = value.decode()
