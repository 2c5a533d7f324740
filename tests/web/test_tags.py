"""What templates write: money, times, people, icons, codes."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import zxingcpp
from django.template import Context, Template
from django.utils import translation
from PIL import Image, ImageDraw

from kaiying.kit.money import Money

NOON = datetime(2026, 7, 17, 4, 0, tzinfo=UTC)  # 12:00 in Shanghai, Friday


@dataclass
class Person:
    """Someone with an initial."""

    initial: str = "K"
    color: int = 5


def show(source: str, **context: Any) -> str:
    return Template("{% load web %}" + source).render(Context({"now": NOON, "zone": "Asia/Shanghai", **context}))


@pytest.fixture(autouse=True, params=["zh-hans"])
def _language(request: pytest.FixtureRequest) -> Any:
    with translation.override(request.param):
        yield


@pytest.mark.parametrize(
    ("source", "written"),
    [
        ('{% money 280 "CNY" %}', "¥2.80"),
        ('{% money 280 "CNY" short=True %}', "¥2.8"),
        ("{{ 9900|money }}", "¥99.00"),
        ('{{ 9900|money:"CNY short" }}', "¥99"),
        ('{{ amount|money:"short" }}', "JP¥1,200"),
        ('{% price 280 "CNY" %}', '<span class="price"><small>¥</small>2.8</span>'),
        ('{% price amount extra="t-24" %}', '<span class="price t-24"><small>JP¥</small>1,200</span>'),
    ],
)
def test_money(source: str, written: str) -> None:
    assert show(source, amount=Money(1200, "JPY")) == written


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0, "00:00"),
        (192, "03:12"),
        (192.9, "03:12"),
        (1265, "21:05"),
        (3723, "1:02:03"),
        (None, "00:00"),
        (-4, "00:00"),
    ],
)
def test_a_place_in_a_video(seconds: float | None, written: str) -> None:
    assert show("{{ at|media_time }}", at=seconds) == written


@pytest.mark.parametrize(
    ("form", "chinese", "english"),
    [
        ("time", "12:00", "12:00"),
        ("day", "7 月 17 日 周五", "Fri 17 July"),
        ("date", "7 月 17 日", "17 July"),
        ("short", "7 月 17 日", "17 Jul"),
        ("weekday", "周五", "Fri"),
        ("stamp", "7 月 17 日 周五 12:00", "Fri 17 July, 12:00"),
        ("full", "2026 年 7 月 17 日 12:00", "17 July 2026, 12:00"),
        ("iso", "2026-07-17T12:00:00+08:00", "2026-07-17T12:00:00+08:00"),
    ],
)
def test_a_moment_in_the_camps_zone(form: str, chinese: str, english: str) -> None:
    assert show("{% moment at form zone %}", at=NOON, form=form) == chinese
    with translation.override("en"):
        assert show("{% moment at form zone %}", at=NOON, form=form) == english


def test_a_moment_is_told_by_the_clocks_of_the_given_zone() -> None:
    assert show('{% moment at "stamp" "America/New_York" %}', at=NOON) == "7 月 17 日 周五 00:00"
    assert show('{% moment at "time" %}', at=None) == ""


@pytest.mark.parametrize(
    ("hours", "chinese", "english"),
    [
        (2, "14:00", "14:00"),
        (20, "明天 08:00", "tomorrow 08:00"),
        (-14, "昨天 22:00", "yesterday 22:00"),
        (44, "周日 08:00", "Sun 08:00"),
        (24 * 8, "7 月 25 日 12:00", "25 Jul 12:00"),
        (-24 * 3, "7 月 14 日 12:00", "14 Jul 12:00"),
    ],
)
def test_a_near_moment(hours: int, chinese: str, english: str) -> None:
    at = NOON + timedelta(hours=hours)
    assert show('{% moment at "near" zone %}', at=at) == chinese
    with translation.override("en"):
        assert show('{% moment at "near" zone %}', at=at) == english


@pytest.mark.parametrize(
    ("seconds", "chinese", "english"),
    [
        (-5, "刚刚", "just now"),
        (59, "刚刚", "just now"),
        (60, "1 分钟前", "1 minute ago"),
        (360, "6 分钟前", "6 minutes ago"),
        (7200, "2 小时前", "2 hours ago"),
        (86_400 * 3, "3 天前", "3 days ago"),
        (86_400 * 9, "7 月 8 日", "8 Jul"),
    ],
)
def test_how_long_ago(seconds: int, chinese: str, english: str) -> None:
    at = NOON - timedelta(seconds=seconds)
    assert show("{% since at %}", at=at) == show("{{ at|since:now }}", at=at) == chinese
    with translation.override("en"):
        assert show("{% since at %}", at=at) == english


@pytest.mark.parametrize(
    ("length", "chinese", "english"),
    [
        (timedelta(0), "", ""),
        (timedelta(seconds=40), "不到 1 分钟", "less than a minute"),
        (timedelta(minutes=52), "52 分钟", "52 minutes"),
        (timedelta(hours=4), "4 小时", "4 hours"),
        (timedelta(hours=4, minutes=17), "4 小时 17 分", "4 h 17 min"),
        (timedelta(days=2), "2 天", "2 days"),
        (timedelta(days=2, hours=3, minutes=59), "2 天 3 小时", "2 d 3 h"),
    ],
)
def test_how_long_until(length: timedelta, chinese: str, english: str) -> None:
    assert show("{% left at %}", at=NOON + length) == chinese
    with translation.override("en"):
        assert show("{{ length|span }}", length=length) == english


def test_times_that_are_not_there_say_nothing() -> None:
    assert show("{% since none %}{% left none %}{{ none|since }}", none=None) == ""


def test_an_avatar_is_an_initial_on_a_colour() -> None:
    assert show("{% avatar who %}", who=Person()) == '<span class="av" data-c="5" aria-hidden="true">K</span>'
    assert (
        show('{% avatar who "sm" staff=True online=True %}', who=Person("<", 5))
        == '<span class="av av--sm av--staff av-on" data-c="2" aria-hidden="true">&lt;</span>'
    )


def test_an_icon_is_silent_unless_it_stands_alone() -> None:
    assert show('{% icon "play" "lg" extra="c-3" %}') == '<i class="i i-play i-lg c-3" aria-hidden="true"></i>'
    assert show('{% icon "x" label="关闭" %}') == '<i class="i i-x" role="img" aria-label="关闭"></i>'
    assert show("{% sep %}") == '<i class="sep"></i>'


@pytest.mark.parametrize(
    ("part", "whole", "written"),
    [
        (3, 8, "v-38"),
        (0, 8, "v-0"),
        (8, 8, "v-100"),
        (9, 8, "v-100"),
        (1, 1000, "v-1"),
        (999, 1000, "v-99"),
        (1, 0, "v-0"),
    ],
)
def test_a_share_is_a_class(part: int, whole: int, written: str) -> None:
    assert show("{{ part|percent_class:whole }}", part=part, whole=whole) == written


def test_a_share_of_a_drawing_has_one_decimal() -> None:
    assert show("{{ 192|share:1265 }} {{ 3|share:0 }}") == "15.2% 0%"


def test_a_qr_code_can_be_read_and_says_what_it_is() -> None:
    html = show("{% qr text label size=200 %}", text="https://kaiying.example/c/c12/?from=朋友圈", label='进 "一班"')

    assert html.startswith(
        '<svg class="qr" role="img" aria-label="进 &quot;一班&quot;" width="200" height="200" viewBox='
    )
    assert "style=" not in html
    assert _read(html) == "https://kaiying.example/c/c12/?from=朋友圈"


def _read(svg: str) -> str:
    """Draw segno's path, which is made of horizontal strokes, and scan the picture."""
    import re

    side = int(re.findall(r'viewBox="0 0 (\d+)', svg)[0])
    picture = Image.new("L", (side * 8, side * 8), 255)
    pen = ImageDraw.Draw(picture)
    x, y = 0.0, 0.0
    for command, numbers in re.findall(r"([Mmh])([-\d. ]+)", svg.split('stroke="#000" d="')[1]):
        values = [float(number) for number in re.findall(r"-?[\d.]+", numbers)]
        if command == "M":
            x, y = values
        elif command == "m":
            x, y = x + values[0], y + values[1]
        else:
            pen.rectangle([x * 8, (y - 0.5) * 8, (x + values[0]) * 8 - 1, (y + 0.5) * 8 - 1], fill=0)
            x += values[0]
    return zxingcpp.read_barcodes(picture)[0].text


def test_a_count_down_carries_the_servers_clock_and_its_words() -> None:
    until = NOON + timedelta(hours=1, minutes=42, seconds=9)

    clock = show('{% count_down until label="还剩" refresh="offer" %}', until=until)
    hold = show('{% count_down until "hold" %}', until=NOON + timedelta(minutes=14, seconds=32))

    assert '<count-down class="cd" role="timer" aria-label="还剩" ends-at="2026-07-17T05:42:09+00:00"' in clock
    assert 'now="2026-07-17T04:00:00+00:00" format="clock" refresh="offer"' in clock
    assert "<b>01</b>:<b>42</b>:<b>09</b>" in clock
    assert 'data-days="{d} 天 {h} 小时"' in clock
    assert "aria-live" not in clock
    assert ">14:32</count-down>" in hold
    assert ">2 天</count-down>" in show('{% count_down until "days" %}', until=NOON + timedelta(days=2))
    assert "00:00" in show('{% count_down until "hold" %}', until=NOON - timedelta(1))


def test_rich_text_is_safe_html() -> None:
    assert show("{{ words|rich }}", words="**你好，**世界") == "<p><strong>你好，</strong>世界</p>\n"
    assert show('{{ words|rich:"organizer" }}', words="<b onclick=x>好</b>") == "<p>好</p>\n"


@pytest.mark.parametrize(
    ("zone", "chinese", "english"),
    [
        ("Asia/Shanghai", "北京时间", "China Standard Time"),
        ("America/New_York", "北美东部时间", "Eastern Time"),  # clocks change there: neither standard nor summer time
        ("Asia/Tokyo", "日本标准时间", "Japan Standard Time"),
        ("Nowhere/Land", "Nowhere/Land", "Nowhere/Land"),
    ],
)
def test_a_zone_is_called_what_people_call_it(zone, chinese, english):
    said = []
    for language in ("zh-hans", "en"):
        with translation.override(language):
            said.append(show("{{ of|zone_name }}", of=zone))

    assert said == [chinese, english]
