"""Arithmetic and dates this room's templates need."""

from datetime import date

from babel.dates import format_date
from django import template
from django.utils.translation import get_language

register = template.Library()


@register.filter
def minus(whole: float, part: float) -> float:
    """Subtract, for the width of a stretch: ``{{ end|minus:start }}``."""
    return whole - part


@register.filter
def day_words(on: date) -> str:
    """Write a calendar day: 7 月 17 日, 17 July."""
    language = get_language() or "en"
    if language.startswith("zh"):
        return f"{on.month} 月 {on.day} 日"
    return format_date(on, "d MMMM", locale=language.replace("-", "_"))
