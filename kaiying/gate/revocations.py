"""Passes that were taken back before their time.

A pass is believed without asking the database, so what ends access early is told as the event
``people.access_revoked`` with these facts, and kept here while such passes may live:

- ``user``: whose access ended;
- ``channels``: the channels they may no longer hear; left out, all of them;
- ``media``: folders they may no longer read (``camps/slug/``); left out, all of them;
- ``everywhere``: true if their entry pass is dead too (signed out everywhere, banned).

Only passes issued before that moment are refused: a reloaded page brings new ones for what is still allowed.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from kaiying.wire.entry import Entry
from kaiying.wire.media import MediaPass
from kaiying.wire.tickets import Ticket

NAME = "people.access_revoked"
LIFE = 14 * 24 * 3600.0
NEVER = 0.0


@dataclass(slots=True)
class Taken:
    """Since when, by the real clock, which passes of one person are dead."""

    entry: float = NEVER
    channels: float = NEVER
    channel: dict[str, float] = field(default_factory=dict)
    media: float = NEVER
    folder: dict[str, float] = field(default_factory=dict)
    noted: float = NEVER


class Revocations:
    """What was taken back, by person."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._taken: dict[int, Taken] = {}

    def note(self, facts: dict[str, Any], *, moment: float) -> tuple[int, Collection[str] | None] | None:
        """Keep one revocation; returns the person and the channels that end (``None``: all)."""
        user_id = facts.get("user")
        if not isinstance(user_id, int):
            return None
        taken = self._taken.setdefault(user_id, Taken())
        taken.noted = max(taken.noted, moment)
        channels, folders = facts.get("channels"), facts.get("media")
        everywhere = facts.get("everywhere") is True
        if everywhere:
            taken.entry = max(taken.entry, moment)
        if channels is None or everywhere:
            channels, taken.channels = None, max(taken.channels, moment)
        if folders is None or everywhere:
            folders, taken.media = (), max(taken.media, moment)
        taken.channel |= dict.fromkeys(channels or (), moment)
        taken.folder |= dict.fromkeys(folders, moment)
        return user_id, channels

    def forget(self, *, before: float) -> None:
        """Drop what no living pass can be older than."""
        for user_id in [user_id for user_id, taken in self._taken.items() if taken.noted < before]:
            del self._taken[user_id]

    def ended_entry(self, entry: Entry) -> bool:
        """Tell whether this entry pass was taken back."""
        taken = self._taken.get(entry.user_id)
        return taken is not None and entry.issued <= taken.entry

    def ended_ticket(self, ticket: Ticket) -> bool:
        """Tell whether this ticket was taken back."""
        taken = self._taken.get(ticket.user_id)
        if taken is None:
            return False
        latest = max((taken.channel.get(channel, NEVER) for channel in ticket.channels), default=NEVER)
        return ticket.issued <= max(latest, taken.channels)

    def ended_media(self, media: MediaPass) -> bool:
        """Tell whether this media pass was taken back."""
        taken = self._taken.get(media.user_id)
        if taken is None:
            return False
        inside = (
            at for folder, at in taken.folder.items() if media.path.startswith(folder) or folder.startswith(media.path)
        )
        return media.issued <= max(max(inside, default=NEVER), taken.media)
