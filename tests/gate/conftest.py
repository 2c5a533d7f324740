"""A gate for each test."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.db.backends.utils import CursorWrapper

from kaiying.gate.asgi import Gate
from kaiying.wire.entry import COOKIE, entry_pass


async def pages(scope, _receive, send) -> None:
    """Stand where Django stands."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": f"pages {scope['path']}".encode()})


async def assets(scope, _receive, send) -> None:
    """Stand where the static files stand."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": f"assets {scope['path']}".encode()})


@pytest.fixture
async def gate() -> AsyncIterator[Gate]:
    """Return a gate that follows no events, for what needs no database."""
    gate = Gate(pages=pages, assets=assets)
    gate._loop = asyncio.get_running_loop()
    yield gate
    for batcher in gate._batchers():
        await batcher.close()
    gate.claims.close()
    await gate.door.close()
    await asyncio.get_running_loop().run_in_executor(None, gate.pulse.close)
    await gate.reader.close()
    await sync_to_async(connections.close_all)()


@pytest.fixture
async def live_gate(transactional_db) -> AsyncIterator[Gate]:
    """Return a gate that follows the event table."""
    gate = Gate(pages=pages, assets=assets)
    gate._start(asyncio.get_running_loop())
    assert await asyncio.get_running_loop().run_in_executor(None, gate.tail.ready.wait, 5)
    yield gate
    await gate.close()
    await sync_to_async(connections.close_all)()


@pytest.fixture
def count_statements(monkeypatch) -> list[str]:
    """Return the list that every statement of every thread is added to."""
    statements: list[str] = []
    execute = CursorWrapper.execute

    def counted(self, sql, params=None):
        statements.append(sql)
        return execute(self, sql, params)

    monkeypatch.setattr(CursorWrapper, "execute", counted)
    return statements


@pytest.fixture
def signed_in() -> dict[str, str]:
    """Return the headers of person 7."""
    return as_user(7)


def as_user(user_id: int) -> dict[str, str]:
    return {"cookie": f"{COOKIE}={entry_pass(user_id)}"}
