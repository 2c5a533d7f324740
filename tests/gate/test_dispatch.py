"""Which path goes where, probes, failures, languages, and starting and ending."""

import asyncio
import os
import signal
import threading

import pytest
from a2wsgi import WSGIMiddleware
from asgiref.sync import sync_to_async
from django.db.migrations.recorder import MigrationRecorder
from django.test import override_settings

from kaiying.gate.asgi import Gate
from kaiying.gate.assets import assets
from tests.gate.caller import call
from tests.gate.conftest import as_user, pages


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/", "pages /"),
        ("/events/x", "pages /events/x"),
        ("/eventsx", "pages /eventsx"),
        ("/gatekeeper", "pages /gatekeeper"),
        ("/mediation/", "pages /mediation/"),
        ("/c/media/", "pages /c/media/"),
        ("/healthz/", "pages /healthz/"),
        ("/static/x.css", "assets /static/x.css"),
    ],
)
async def test_what_is_not_the_gates_goes_on(gate, path, body) -> None:
    assert (await call(gate, "GET", path)).body.decode() == body


@pytest.mark.parametrize("path", ["/gate/", "/gate/beats/", "/gate/x", "/gate//beats"])
async def test_nothing_below_the_gate_reaches_the_pages(gate, path) -> None:
    answer = await call(gate, "GET", path)

    assert (answer.status, answer.json()["code"]) == (404, "missing")


async def test_a_failure_is_an_answer_without_details(gate, caplog) -> None:
    async def fail(_request, _send) -> None:
        raise RuntimeError("the secret")

    gate._exact["/events"] = (fail, "GET")

    answer = await call(gate, "GET", "/events")

    assert (answer.status, answer.json()["code"]) == (500, "failed")
    assert b"secret" not in answer.body
    assert "the secret" in caplog.text


async def test_a_failure_in_the_middle_of_an_answer_is_not_answered_twice(gate, caplog) -> None:
    async def fail(_request, send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError

    gate._exact["/events"] = (fail, "GET")

    answer = await call(gate, "GET", "/events")

    assert (answer.status, answer.ended) == (200, False)
    assert caplog.records


async def test_everything_the_gate_answers_is_safe(gate) -> None:
    for method, path in (
        ("GET", "/healthz"),
        ("GET", "/gate/x"),
        ("GET", "/events"),
        ("GET", "/media/x/y"),
        ("POST", "/gate/beats"),
    ):
        headers = (await call(gate, method, path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize(
    ("headers", "language"),
    [
        ({}, "zh-hans"),
        ({"accept-language": "en-GB,en;q=0.9"}, "en"),
        ({"accept-language": "zh-CN"}, "zh-hans"),
        ({"accept-language": "fr"}, "zh-hans"),
        ({"accept-language": "fr,en;q=0.5"}, "en"),
        ({"cookie": "django_language=en", "accept-language": "zh-CN"}, "en"),
        ({"cookie": "django_language=../../x", "accept-language": "en"}, "en"),
    ],
)
def test_the_reader_is_answered_in_their_language(headers, language) -> None:
    from kaiying.gate.request import Request

    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    request = Request({"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": raw}, lambda: None)  # type: ignore[arg-type, return-value]

    assert request.language == language


async def test_a_silly_address_is_refused(gate) -> None:
    assert (await call(gate, "GET", "/events?" + "x" * 9000)).status == 414


async def test_the_process_says_that_it_lives(gate) -> None:
    answer = await call(gate, "GET", "/healthz")

    assert (answer.status, answer.body) == (200, b"ok\n")
    assert (await call(gate, "POST", "/healthz")).status == 405


@pytest.mark.django_db(transaction=True)
async def test_ready_means_that_the_database_answers_and_is_up_to_date(gate) -> None:
    answer = await call(gate, "GET", "/readyz")

    assert (answer.status, answer.body) == (200, b"ready\n")


@pytest.mark.django_db(transaction=True)
async def test_a_missing_migration_is_not_ready_and_a_second_later_looked_at_again(gate, monkeypatch) -> None:
    latest = await sync_to_async(lambda: MigrationRecorder.Migration.objects.order_by("-id").first())()
    await sync_to_async(latest.delete)()
    try:
        missing = await call(gate, "GET", "/readyz")
    finally:
        await sync_to_async(latest.save)()
    kept = await call(gate, "GET", "/readyz")
    monkeypatch.setattr("kaiying.gate.health.KEPT_SECONDS", 0.0)
    again = await call(gate, "GET", "/readyz")

    assert (missing.status, missing.body) == (503, b"migrations are missing\n")
    assert [kept.status, again.status] == [503, 200]


async def test_a_database_that_hangs_is_not_ready(gate, monkeypatch) -> None:
    held = threading.Event()
    monkeypatch.setattr("kaiying.gate.health.PATIENCE", 0.02)
    monkeypatch.setattr("kaiying.gate.health._look", lambda: held.wait(5) and "ready")

    answer = await call(gate, "GET", "/readyz")
    held.set()

    assert (answer.status, answer.body) == (503, b"no database\n")


async def test_a_process_that_stops_is_not_ready_but_alive(gate) -> None:
    gate.stop()

    assert (await call(gate, "GET", "/readyz")).body == b"stopping\n"
    assert (await call(gate, "GET", "/healthz")).status == 200


async def test_servers_with_a_lifespan_start_and_close_the_gate(transactional_db) -> None:
    gate = Gate(pages=pages, assets=pages)
    inbox: asyncio.Queue[dict] = asyncio.Queue()
    sent: list[str] = []

    async def send(message) -> None:
        sent.append(message["type"])

    running = asyncio.ensure_future(gate({"type": "lifespan"}, inbox.get, send))
    inbox.put_nowait({"type": "lifespan.startup"})
    inbox.put_nowait({"type": "lifespan.shutdown"})
    async with asyncio.timeout(5):
        await running

    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert gate.hub.stopped
    assert not gate.tail._thread.is_alive()


async def test_a_websocket_is_closed(gate) -> None:
    sent: list[dict] = []

    async def send(message) -> None:
        sent.append(message)

    async def receive():
        return {"type": "websocket.connect"}

    await gate({"type": "websocket"}, receive, send)

    assert sent == [{"type": "websocket.close", "code": 1000}]


async def test_a_signal_ends_the_streams_and_then_does_what_the_server_wanted(gate) -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _frame: heard.append(number))
    try:
        gate._chain(signal.SIGTERM, asyncio.get_running_loop())
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(0.01)
    finally:
        signal.signal(signal.SIGTERM, before)

    assert heard == [signal.SIGTERM]
    assert gate.hub.stopped


@pytest.mark.parametrize("live", [True, False])
async def test_static_files_come_from_the_collected_folder_or_from_where_they_are_edited(tmp_path, live) -> None:
    (tmp_path / "app.css").write_text("body{}", encoding="utf-8")
    (tmp_path / "app.0123456789ab.css").write_text("body{}", encoding="utf-8")
    with override_settings(STATIC_ROOT=tmp_path, DEBUG=live):
        serve = assets()
        hashed, plain = [await call(serve, "GET", f"/static/{name}") for name in ("app.0123456789ab.css", "app.css")]
        edited = await call(serve, "GET", "/static/web/live.js")
        none = await call(serve, "GET", "/static/../secret.key")

    assert [hashed.status, plain.status, none.status] == [200, 200, 404]
    assert "immutable" in hashed.headers["cache-control"]
    assert "immutable" not in plain.headers["cache-control"]
    assert plain.headers["x-content-type-options"] == "nosniff"
    assert plain.headers["cross-origin-resource-policy"] == "same-origin"
    assert "access-control-allow-origin" not in plain.headers
    assert edited.status == (200 if live else 404)


def test_a_gate_is_made_without_a_loop() -> None:
    assert Gate(pages=assets(), assets=assets()).hub.stopped is False
    assert as_user(7)


async def test_a_synchronous_page_reads_its_body_from_a_server_whose_receive_gives_a_future(gate):
    def echo(environ, start_response):
        start_response("200 OK", [("content-type", "text/plain")])
        return [environ["wsgi.input"].read()]

    gate._pages = WSGIMiddleware(echo, workers=1)
    loop = asyncio.get_running_loop()
    sent = []

    def receive():
        given = loop.create_future()
        given.set_result({"type": "http.request", "body": b"max_price=280", "more_body": False})
        return given

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http", "method": "POST", "path": "/c/debut/claims/", "raw_path": b"/c/debut/claims/", "query_string": b"",
        "headers": [(b"content-length", b"13")], "http_version": "1.1", "scheme": "http",
        "server": ("127.0.0.1", 80), "client": ("127.0.0.1", 9), "root_path": "",
    }  # fmt: skip
    await gate(scope, receive, send)

    assert b"".join(message.get("body", b"") for message in sent) == b"max_price=280"
