"""The web room: shells, components and words every page shares."""

from django.apps import AppConfig


class Web(AppConfig):
    """Base templates, the kit of styles, translated text and rich text."""

    name = "kaiying.web"
    label = "web"
    verbose_name = "Web"
