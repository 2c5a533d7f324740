"""Reads of the groups room."""

from kaiying.groups.queries.access import Entry, entry, entry_of, group_of, groups_of
from kaiying.groups.queries.day import (
    Teaser,
    check_in_wall,
    checked_in,
    last_day_of,
    pinned_topic,
    rhythm,
    teaser,
)
from kaiying.groups.queries.feed import Feed, Item, feed, note_of, post_in, thread, unread
from kaiying.groups.queries.risk import reasons
from kaiying.groups.queries.roster import Roster, learners_of, roster, staff_of
from kaiying.groups.queries.supervision import Supervision, supervision

__all__ = [
    "Entry",
    "Feed",
    "Item",
    "Roster",
    "Supervision",
    "Teaser",
    "check_in_wall",
    "checked_in",
    "entry",
    "entry_of",
    "feed",
    "group_of",
    "groups_of",
    "last_day_of",
    "learners_of",
    "note_of",
    "pinned_topic",
    "post_in",
    "reasons",
    "rhythm",
    "roster",
    "staff_of",
    "supervision",
    "teaser",
    "thread",
    "unread",
]
