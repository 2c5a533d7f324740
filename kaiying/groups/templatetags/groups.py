"""What the templates of a class need."""

from django import template

from kaiying.groups.views.entering import new_key

register = template.Library()


@register.simple_tag(name="new_key")
def new_key_tag() -> str:
    """Give a fresh key for a form, so that sending it twice is harmless."""
    return new_key()
