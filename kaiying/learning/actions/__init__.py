"""Writes of this room: enrolling, overriding an unlock, progress, handing in, notes."""

from kaiying.learning.actions.beats import record_beats
from kaiying.learning.actions.enrolling import end_enrollment, enroll
from kaiying.learning.actions.handing_in import hand_in
from kaiying.learning.actions.noting import delete_note, edit_note, write_note
from kaiying.learning.actions.overriding import override_unlock, withdraw_override
from kaiying.learning.actions.visiting import mark_read, record_opening
from kaiying.learning.vocabulary import Beat, Merged

__all__ = [
    "Beat",
    "Merged",
    "delete_note",
    "edit_note",
    "end_enrollment",
    "enroll",
    "hand_in",
    "mark_read",
    "override_unlock",
    "record_beats",
    "record_opening",
    "withdraw_override",
    "write_note",
]
