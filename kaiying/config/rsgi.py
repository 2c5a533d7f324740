"""A front process: the gate's hot paths by granian's own protocol, without Django's pages."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kaiying.config.settings")
django.setup()

# Only now: these import models, and models need the applications that the line above has loaded.
from kaiying.gate.asgi import Gate  # noqa: E402
from kaiying.gate.request import Receive, Scope, Send  # noqa: E402
from kaiying.gate.rsgi import Front  # noqa: E402
from kaiying.gate.tuning import tune  # noqa: E402
from kaiying.gate.writer import link_to_writer  # noqa: E402


async def nothing(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer for pages and files, which the web process has."""
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": b""})


application = Front(Gate(pages=nothing, assets=nothing, link=link_to_writer()))
tune()
