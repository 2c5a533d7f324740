"""Fronts ask, one writer writes: what many processes are asked travels in frames to the process that commits it.

``Link.remote(kind)`` has the batcher's ``ask``; ``Server`` feeds what arrives to a batcher of its own. What is asked
before the loop comes round again goes in one frame, so frames grow with the load as batches do, without a timer.
"""

from kaiying.wire.frames.bundles import Bundle, bundled
from kaiying.wire.frames.format import Failed, Kind, Unknown
from kaiying.wire.frames.link import Link, Remote
from kaiying.wire.frames.meeting import Address, BadAddress
from kaiying.wire.frames.server import Server

__all__ = ["Address", "BadAddress", "Bundle", "Failed", "Kind", "Link", "Remote", "Server", "Unknown", "bundled"]
