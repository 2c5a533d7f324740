"""How fast a writer writes, and so how long what waits will wait."""

import time

MEMORY = 0.5


class Pace:
    """Measured seconds per batch; written by one thread, read by others.

    A batch costs a flush to disk however many are in it, so time is counted by batches, not by items: what one item
    took in a quiet hour says nothing about a full batch. A crowd that comes at once is let in, the first full batches
    show what they cost, and from then on the queue is as long as can be written in time.
    """

    def __init__(self, *, limit: int) -> None:
        """Start without experience of batches of up to ``limit``."""
        self._limit = limit
        self._batch_seconds = 0.0
        self._begun: float | None = None

    def begin(self) -> None:
        """Note that a batch is being written."""
        self._begun = time.monotonic()

    def end(self) -> float:
        """Note that it was written; returns the seconds it took."""
        taken = self._running()
        self._begun = None
        self._batch_seconds = self._batch_seconds * MEMORY + taken * (1 - MEMORY) if self._batch_seconds else taken
        return taken

    def wait_for(self, waiting: int) -> float:
        """Return the seconds until a batch begins that one more is in, after ``waiting``.

        Beyond the next batch, one more is counted: others write too, and their flush takes as long. A batch that takes
        longer than those before may take as long again.
        """
        batch, begun, ahead = self._batch_seconds, self._begun, waiting // self._limit
        others = (ahead + 1) * batch if ahead else 0.0
        if begun is None:
            return others
        running = time.monotonic() - begun
        return others + (batch - running if running < batch else running)

    def _running(self) -> float:
        begun = self._begun
        return time.monotonic() - begun if begun is not None else 0.0
