"""The one thread in which the gate asks the database questions, with a connection of its own."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from django.db import close_old_connections, connections


class Reader:
    """Runs short reads one after another, away from the loop."""

    def __init__(self) -> None:
        """Prepare the thread; it starts with the first question."""
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="gate-reader")

    async def ask[R](self, question: Callable[[], R]) -> R:
        """Return what ``question`` finds; it may use the ORM."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, _fresh, question)

    async def close(self) -> None:
        """Close the connection and end the thread."""
        await asyncio.get_running_loop().run_in_executor(self._pool, connections.close_all)
        self._pool.shutdown(wait=False)


def _fresh[R](question: Callable[[], R]) -> R:
    close_old_connections()
    return question()
