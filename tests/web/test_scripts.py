"""What the scripts do in a real browser: live events, count-downs, drafts, themes, toasts."""

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page

from kaiying import web

STATIC = Path(web.__file__).parent / "static" / "web"
HTMX = STATIC.parent / "vendor" / "htmx" / "htmx.min.js"
pytestmark = pytest.mark.browser

SCRIPTS = "".join(f'<script type="module" src="/{path.name}"></script>' for path in sorted(STATIC.glob("*.js")))
NOTE_EVENTS = """window.got = []; for (const name of ["live:groups.posted", "live:offers.changed", "countdown:over"])
document.addEventListener(name, (event) => got.push([name, event.detail && event.detail.id]));"""


PART = """<form id="part" method="post" action="{action}" hx-post="{action}" hx-target="#part" hx-swap="outerHTML">
<textarea name="words" data-draft="a"></textarea><button data-busy="正在保存…">保存</button></form>"""


class Site(ThreadingHTTPServer):
    """Serves one page, the scripts, and a stream whose first ticket expires."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.body = ""
        self.visits = 0
        self.streams: list[tuple[str, str]] = []
        self.posts = 0
        self.closing = threading.Event()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"


class Answer(BaseHTTPRequestHandler):
    """One request."""

    server: Site

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Stay silent."""

    def send(self, kind: str, body: str, status: int = 200) -> None:
        """Answer with a whole body."""
        data = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:
        """Give the page, a script or the stream."""
        url = urlsplit(self.path)
        if url.path == "/events":
            self.stream(parse_qs(url.query))
        elif url.path.endswith("htmx.min.js"):
            self.send("text/javascript", HTMX.read_text(encoding="utf-8"))
        elif url.path.endswith(".js"):
            self.send("text/javascript", (STATIC / url.path[1:]).read_text(encoding="utf-8"))
        elif url.path == "/":
            self.server.visits += 1
            page = self.server.body.replace("TICKET", f"t{self.server.visits}")
            self.send("text/html; charset=utf-8", f"<!doctype html><html lang=zh-hans><title>x</title>{SCRIPTS}{page}")
        else:
            self.send("text/plain", "", 404)

    def do_POST(self) -> None:
        """Take a form, slowly, and show the page again or fail."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posts += 1
        time.sleep(0.2)
        if self.path in {"/part", "/refused"}:
            self.send("text/html", PART.format(action=self.path), 200 if self.path == "/part" else 422)
        elif self.path == "/fails":
            self.send("text/html", f"<!doctype html>{SCRIPTS}<p data-failed>broken</p>", 503)
        else:
            self.send_response(303)
            self.send_header("Location", "/")
            self.send_header("Content-Length", "0")
            self.end_headers()

    def stream(self, query: dict[str, list[str]]) -> None:
        """Send an event; a first ticket is told that it expired, a bad one is refused."""
        ticket, after = query["ticket"][0], query.get("after", [""])[0]
        self.server.streams.append((ticket, after))
        if ticket == "bad":
            self.send("text/plain", "", 403)
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        first = ticket == "t1"
        name, number = ("groups.posted", 41) if first else ("offers.changed", 42)
        message = json.dumps({"id": number, "name": name, "channel": "group:1", "facts": {}})
        self.wfile.write(f"data: {message}\n\n".encode())
        if first:
            self.wfile.write(b"event: expired\ndata: {}\n\n")
        self.wfile.flush()
        if not first:
            self.server.closing.wait(20)
        self.close_connection = True


@pytest.fixture
def site() -> Iterator[Site]:
    server = Site()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.closing.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def page(chromium: object) -> Iterator[Page]:
    context = chromium.new_context()  # type: ignore[attr-defined]
    context.add_init_script(NOTE_EVENTS)
    yield context.new_page()
    context.close()


def test_events_arrive_and_an_expired_ticket_is_renewed_without_losing_one(site: Site, page: Page) -> None:
    site.body = '<div id="offline-bar" hidden>x</div><live-stream src="/events" ticket="TICKET"></live-stream>'

    page.goto(site.address)
    page.wait_for_function("got.length === 2")

    assert page.evaluate("got") == [["live:groups.posted", 41], ["live:offers.changed", 42]]
    assert site.streams == [("t1", ""), ("t2", "41")]
    assert page.get_attribute("live-stream", "data-state") == "online"
    assert not page.is_visible("#offline-bar")


def test_a_refused_ticket_is_replaced_after_two_tries(site: Site, page: Page) -> None:
    site.body = '<live-stream src="/events" ticket="TICKET"></live-stream>'
    page.goto(site.address)
    page.wait_for_function("got.length === 2")

    page.evaluate(
        "(() => { const e = document.querySelector('live-stream'); e.setAttribute('ticket', 'bad'); e.open(); })()"
    )
    # It is still called online until the first refusal arrives.
    page.wait_for_selector("live-stream[ticket=t3][data-state=online]", state="attached", timeout=10_000)

    assert [ticket for ticket, _ in site.streams][-3:] == ["bad", "bad", "t3"]


def test_without_a_network_the_page_says_so_and_comes_back(site: Site, page: Page) -> None:
    site.body = '<div id="offline-bar" hidden>x</div><live-stream src="/events" ticket="t9"></live-stream>'
    page.goto(site.address)
    page.wait_for_function("document.querySelector('live-stream').dataset.state === 'online'")

    page.context.set_offline(True)
    page.wait_for_selector("#offline-bar", state="visible")
    page.context.set_offline(False)
    page.wait_for_selector("#offline-bar", state="hidden")

    page.wait_for_function("document.querySelector('live-stream').dataset.state === 'online'")
    assert site.streams[-1] == ("t9", "42")


def count_down(seconds: float, *, skew: timedelta = timedelta(0), extra: str = "") -> str:
    now = datetime.now(UTC) + skew
    ends = now + timedelta(seconds=seconds)
    return (
        f'<count-down role="timer" ends-at="{ends.isoformat()}" now="{now.isoformat()}" data-over="时间到了"'
        f' data-one="还有 1 分钟" data-hours="{{h}} 小时 {{m}} 分" {extra}></count-down>'
    )


def test_a_count_down_goes_by_the_servers_clock(site: Site, page: Page) -> None:
    site.body = count_down(3725, skew=timedelta(days=40)) + count_down(3725, extra='format="days"')

    page.goto(site.address)
    page.wait_for_function("document.querySelector('count-down b')")

    assert page.text_content("count-down") in {"01:02:05", "01:02:04", "01:02:03"}
    assert page.text_content('[format="days"]') == "1 小时 2 分"


def test_at_zero_it_asks_the_server_for_the_part_that_changed(site: Site, page: Page) -> None:
    site.body = '<p id="offer"></p>' + count_down(1.2, extra='refresh="offer" format="hold"')
    page.goto(site.address)
    page.evaluate("document.getElementById('offer').addEventListener('refresh', () => { window.asked = true; })")

    page.wait_for_function("window.asked", timeout=8_000)

    assert page.text_content("count-down") == "00:00"
    assert page.evaluate("got") == [["countdown:over", None]]
    assert page.text_content(".sr[role=status]") == "时间到了"
    assert site.visits == 1


def test_one_that_was_over_already_does_not_reload_for_ever(site: Site, page: Page) -> None:
    site.body = count_down(-5)

    page.goto(site.address)
    page.wait_for_timeout(3_500)

    assert site.visits == 1
    assert page.evaluate("got") == []


FORM = """<form method="post" action="{action}"><textarea name="words" data-draft="a"></textarea>
<button data-busy="正在发送…">发送</button></form>"""


def test_a_form_sends_once_however_often_it_is_tapped(site: Site, page: Page) -> None:
    site.body = FORM.format(action="/takes")
    page.goto(site.address)
    page.wait_for_load_state("networkidle")

    label = page.evaluate(
        "(() => { const b = document.querySelector('button'); b.click(); b.click(); return b.textContent; })()"
    )
    page.wait_for_timeout(800)

    assert label == "正在发送…"
    assert site.posts == 1


def test_a_draft_survives_a_reload_and_a_failure_and_goes_once_it_is_taken(site: Site, page: Page) -> None:
    site.body = FORM.format(action="/fails")
    page.goto(site.address)
    page.wait_for_load_state("networkidle")
    page.fill("textarea", "写了一半")
    page.reload()
    page.wait_for_function("document.querySelector('textarea').value === '写了一半'")

    page.click("button")
    page.wait_for_selector("[data-failed]")
    site.body = FORM.format(action="/takes")
    page.goto(site.address)
    page.wait_for_function("document.querySelector('textarea').value === '写了一半'")
    page.click("button")
    page.wait_for_timeout(800)

    assert page.input_value("textarea") == ""
    assert page.evaluate("Object.keys(sessionStorage)") == []


def part(site: Site, page: Page, action: str) -> None:
    site.body = '<script src="/htmx.min.js"></script>' + PART.format(action=action)
    page.goto(site.address)
    page.wait_for_load_state("networkidle")
    page.evaluate("document.addEventListener('htmx:finally:request', () => { window.answered = true; })")
    page.fill("textarea", "一条笔记")
    page.click("button")


def test_what_was_taken_is_not_put_back_into_the_part_that_replaces_the_form(site: Site, page: Page) -> None:
    part(site, page, "/part")
    page.wait_for_function("window.answered")

    assert site.posts == 1
    assert page.input_value("textarea") == ""
    assert page.evaluate("Object.keys(sessionStorage)") == []
    page.fill("textarea", "第二条")
    page.click("button")
    page.wait_for_function("document.querySelector('textarea').value === ''")
    assert site.posts == 2


def test_what_was_refused_or_typed_meanwhile_is_put_back(site: Site, page: Page) -> None:
    part(site, page, "/refused")
    page.wait_for_function("window.answered")
    assert page.input_value("textarea") == "一条笔记"

    part(site, page, "/part")
    page.fill("textarea", "一条笔记，再补一句")
    page.wait_for_function("window.answered")

    assert page.input_value("textarea") == "一条笔记，再补一句"
    assert page.evaluate("Object.keys(sessionStorage)") == ["draft:/:a"]


def test_a_theme_changes_at_once_and_is_kept(site: Site, page: Page) -> None:
    buttons = "".join(f'<button name="theme" value="{value}" aria-pressed="false">x</button>' for value in ("", "dark"))
    site.body = f'<form method="post" data-theme-form>{buttons}</form>'
    page.goto(site.address)
    page.wait_for_load_state("networkidle")

    page.click("button[value=dark]")

    assert page.get_attribute("html", "data-theme") == "dark"
    assert page.get_attribute("button[value=dark]", "aria-pressed") == "true"
    assert [(cookie["name"], cookie["value"]) for cookie in page.context.cookies()] == [("theme", "dark")]
    page.click('button[value=""]')
    assert page.get_attribute("html", "data-theme") is None
    assert page.context.cookies() == []
    assert site.posts == 0


def test_good_news_goes_by_itself_and_bad_news_stays_until_closed(site: Site, page: Page) -> None:
    site.body = '<toast-list role="status" data-trouble="没有成功" data-close="关闭"><span class="toast">好了</span></toast-list>'
    page.clock.install()
    page.goto(site.address)
    page.wait_for_selector("toast-list button")

    page.evaluate("document.dispatchEvent(new CustomEvent('htmx:response:error'))")
    page.clock.run_for(7_000)

    assert page.text_content("toast-list") == "没有成功"
    assert page.get_attribute("toast-list button", "aria-label") == "关闭"
    page.click("toast-list button")
    assert page.text_content("toast-list") == ""


def test_every_script_is_short() -> None:
    for path in STATIC.glob("*.js"):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 150, path.name
