"""Writes of the groups room."""

from kaiying.groups.actions.checking_in import check_in
from kaiying.groups.actions.nudging import nudge
from kaiying.groups.actions.posting import leave_note, like, publish_post, read_up_to, remove_post, reply, unlike
from kaiying.groups.actions.seating import seat_learner, seat_staff, unseat_learner
from kaiying.groups.actions.tallying import count_contacts

__all__ = [
    "check_in",
    "count_contacts",
    "leave_note",
    "like",
    "nudge",
    "publish_post",
    "read_up_to",
    "remove_post",
    "reply",
    "seat_learner",
    "seat_staff",
    "unlike",
    "unseat_learner",
]
