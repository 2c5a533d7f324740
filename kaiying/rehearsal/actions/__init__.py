"""Playing a demo cohort in: simulated people over the real actions, at moments before now."""

from kaiying.rehearsal.actions.playing import Played, play_demo

__all__ = ["Played", "play_demo"]
