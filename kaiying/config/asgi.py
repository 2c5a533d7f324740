"""The web process: the gate's handlers, and Django as a synchronous application in eight threads beside them."""

import os
from typing import cast

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kaiying.config.settings")
django_pages = get_wsgi_application()

# Only now: these import models, and models need the applications that the line above has loaded.
from a2wsgi import WSGIMiddleware  # noqa: E402
from a2wsgi.wsgi_typing import WSGIApp  # noqa: E402

from kaiying.gate.asgi import Gate  # noqa: E402
from kaiying.gate.assets import assets  # noqa: E402
from kaiying.gate.request import App  # noqa: E402
from kaiying.gate.tuning import tune  # noqa: E402
from kaiying.gate.writer import link_to_writer  # noqa: E402

THREADS = 8

# The two packages spell the same protocol in types of their own.
pages = cast("App", WSGIMiddleware(cast("WSGIApp", django_pages), workers=THREADS))
application = Gate(pages=pages, assets=assets(), link=link_to_writer())
tune()
