"""Reads that span rooms."""

from kaiying.pages.queries.belonging import (
    Journey,
    cohorts_operated_by,
    newest_enrollment,
    read_journey,
    taught_by,
    travel_token,
)
from kaiying.pages.queries.overview import Overview, overview
from kaiying.pages.queries.roll import RollLine, roll
from kaiying.pages.queries.today import TodayPage, today_page

__all__ = [
    "Journey",
    "Overview",
    "RollLine",
    "TodayPage",
    "cohorts_operated_by",
    "newest_enrollment",
    "overview",
    "read_journey",
    "roll",
    "taught_by",
    "today_page",
    "travel_token",
]
