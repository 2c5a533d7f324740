"""The words on the picture, in a real browser: in one's own language, and never under the controls."""

import io
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route

from kaiying import learning, web

pytestmark = pytest.mark.browser
STATIC = Path(learning.__file__).parent / "static" / "learning"
STYLES = [*sorted((Path(web.__file__).parent / "css").glob("*.css")), STATIC / "lesson.css"]
TRACK = "WEBVTT\n\n00:00:00.000 --> 00:00:02.000\n{first}\n\n00:00:02.000 --> 00:00:09.000\n{second}\n"
PAGE = """<!doctype html><html lang="en"><title>x</title><style>{styles}</style>
<lesson-player class="screen video" data-length="9">
<video src="/sound.wav" controls><track kind="captions" srclang="zh-hans" src="/zh.vtt">
<track kind="captions" srclang="en" src="/en.vtt" default></video>
<caption-box class="cues"></caption-box><a class="icon-btn back">&lt;</a>
<div data-part="start" hidden></div><div data-part="end" hidden></div><div data-part="trouble" hidden></div>
<div class="ctl" data-part="bar" hidden><button class="icon-btn" data-act="play"><i></i></button>
<button class="icon-btn" data-act="mute"></button><span data-part="time"></span>
<select data-act="rate"><option>1</option></select><button class="icon-btn" data-act="captions"></button></div>
</lesson-player>
<script type="module" src="/lesson-player.js"></script><script type="module" src="/caption-box.js"></script>"""


def sound() -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setparams((1, 1, 8000, 0, "NONE", ""))
        written.writeframes(b"\x80" * 8000 * 9)
    return file.getvalue()


def answer(route: Route) -> None:
    name = route.request.url.rpartition("/")[2]
    if name.endswith(".js"):
        route.fulfill(path=STATIC / name, content_type="text/javascript")
    elif name.endswith(".vtt"):
        first, second = ("第一句", "第二句") if name == "zh.vtt" else ("First", "<b>Second</b> of two")
        route.fulfill(body=TRACK.format(first=first, second=second), content_type="text/vtt")
    elif name.endswith(".wav"):
        start, whole = int(route.request.headers.get("range", "bytes=0-")[6:].split("-")[0]), sound()
        place = {"Content-Range": f"bytes {start}-{len(whole) - 1}/{len(whole)}", "Accept-Ranges": "bytes"}
        route.fulfill(status=206, body=whole[start:], content_type="audio/wav", headers=place)
    else:
        styles = "".join(path.read_text(encoding="utf-8") for path in STYLES)
        route.fulfill(body=PAGE.replace("{styles}", styles), content_type="text/html; charset=utf-8")


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 390, "height": 844}, locale="en-US")
    page = context.new_page()
    page.route("**/*", answer)
    page.goto("http://lesson.test/")
    page.wait_for_function("document.querySelector('video').readyState >= 2")
    page.evaluate("document.querySelector('lesson-player').seek(1)")
    page.wait_for_function("document.querySelector('caption-box').textContent === 'First'", timeout=5000)
    yield page
    context.close()


def modes(page: Page) -> list[str]:
    return page.evaluate("[...document.querySelector('video').textTracks].map((track) => track.mode)")


def test_while_paused_the_words_stand_above_the_controls_and_at_the_bottom_once_those_sleep(page: Page) -> None:
    def box(selector: str, edge: str) -> float:
        return page.evaluate(f"document.querySelector('{selector}').getBoundingClientRect().{edge}")

    assert modes(page) == ["disabled", "hidden"]  # the browser itself draws nothing
    assert box("caption-box span", "bottom") <= box("[data-act=play]", "top")

    page.evaluate("document.querySelector('lesson-player').classList.add('is-asleep')")
    page.wait_for_timeout(400)
    assert box("caption-box span", "bottom") > box("[data-act=play]", "top")
    assert box("caption-box span", "bottom") <= box("lesson-player", "bottom")


def test_the_words_follow_the_video_and_can_be_put_away(page: Page) -> None:
    page.evaluate("document.querySelector('lesson-player').seek(4)")
    page.wait_for_function("document.querySelector('caption-box').innerHTML.includes('<b>Second</b> of two')")
    assert page.get_attribute("[data-act=captions]", "aria-pressed") == "true"

    page.click("[data-act=captions]")

    assert page.text_content("caption-box") == ""
    assert modes(page) == ["disabled", "disabled"]
    assert page.get_attribute("[data-act=captions]", "aria-pressed") == "false"
    page.click("[data-act=captions]")
    page.wait_for_function("document.querySelector('caption-box').textContent === 'Second of two'")
