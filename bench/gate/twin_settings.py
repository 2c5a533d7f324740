"""The product's settings, with nothing between the server and the twin's view."""

from kaiying.config.settings import *  # noqa: F403 — that is what it is for

ROOT_URLCONF = "bench.gate.twin"
MIDDLEWARE = ["allauth.account.middleware.AccountMiddleware"]  # allauth refuses to start without it
