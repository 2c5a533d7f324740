"""Shells and error pages hold what every page needs, and nothing the policy forbids."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.messages import constants
from django.contrib.messages.storage.base import Message
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.template import Context, engines
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.urls import include, path
from django.utils import translation

from kaiying.web import views
from kaiying.web.context import shell

TEMPLATES = Path(views.__file__).parent / "templates"
FORBIDDEN = re.compile(r"\sstyle=|<style|\son[a-z]+=|javascript:|<script(?![^>]*\bsrc=)", re.IGNORECASE)
NAV = {
    "today_url": "/t",
    "course_url": "/c",
    "class_url": "/g",
    "me_url": "/m",
    "current": "class",
    "class_unread": 120,
}


class Someone(SimpleNamespace):
    """A signed-in person."""

    initial = "苏"
    color = 2
    is_authenticated = True

    def __str__(self) -> str:
        return "苏老师"


def draw(name: str, rf: RequestFactory, **context: Any) -> str:
    request = rf.get("/somewhere/?a=1")
    template = engines["django"].from_string(f'{{% extends "{name}" %}}{{% block main %}}<p>here</p>{{% endblock %}}')
    merged = {"user": Someone(), "request": request, **shell(request), **context}
    # The formatter breaks tags over lines; for a browser that is the same page.
    return " ".join(template.template.render(Context(merged)).split()).replace(" >", ">")


urlpatterns = [path("i18n/", include("django.conf.urls.i18n")), path("", include("kaiying.web.urls"))]


@pytest.fixture(autouse=True)
def _only_our_addresses(settings: LazySettings) -> None:
    settings.ROOT_URLCONF = __name__


@pytest.fixture(autouse=True)
def _chinese() -> Any:
    with translation.override("zh-hans"):
        yield


@pytest.mark.parametrize("file", sorted(TEMPLATES.rglob("*.html")), ids=lambda file: file.name)
def test_no_template_needs_what_the_policy_forbids(file: Path) -> None:
    text = file.read_text(encoding="utf-8")

    assert not FORBIDDEN.search(text)
    assert len(text.splitlines()) <= 150


def test_a_learners_page_has_its_four_places_twice(rf: RequestFactory) -> None:
    html = draw("web/phone.html", rf, nav=NAV)

    assert html.count('href="/g" aria-current="page"') == 2
    assert html.count('aria-current="page"') == 2
    assert '<nav class="tabbar" aria-label="主导航">' in html
    assert "99+" in html
    assert html.count("<main") == 1
    assert 'id="main"' in html
    assert 'href="#main"' in html


def test_without_places_there_is_no_bar(rf: RequestFactory) -> None:
    html = draw("web/phone.html", rf)

    assert "tabbar" not in html
    assert "placebar" not in html


def test_the_desk_lists_only_what_it_is_given(rf: RequestFactory) -> None:
    rail = [
        {"heading": "督学", "links": [{"url": "/a", "label": "今日督学", "icon": "grid", "count": 7, "current": True}]}
    ]
    switch = {"title": "C 位出道计划", "meta": "第 12 期", "camps": [{"url": "/x", "title": "第 11 期", "meta": ""}]}

    html = draw("web/desk.html", rf, rail=rail, camp_switch=switch, my_role="班主任")

    assert '<a href="/a" title="今日督学" aria-current="page">' in html
    assert '<span class="count">7</span>' in html
    assert "<details" in html
    assert "苏老师" in html
    assert "班主任" in html
    assert "<details" not in draw("web/desk.html", rf, camp_switch={"title": "只有一期"})


def test_every_page_names_its_language_and_theme(rf: RequestFactory) -> None:
    html = draw("web/plain.html", rf, theme="dark", csp_nonce="n0nce")

    assert '<html lang="zh-hans" dir="ltr" data-theme="dark">' in html
    assert html.count('nonce="n0nce"') == html.count("<script")
    assert "viewport-fit=cover" in html
    assert "sourceMappingURL" not in html
    assert 'data-theme="' not in draw("web/plain.html", rf)


def test_messages_are_announced_as_toasts(rf: RequestFactory) -> None:
    html = draw(
        "web/plain.html", rf, messages=[Message(constants.SUCCESS, "已提醒 5 位"), Message(constants.ERROR, "<i>")]
    )

    assert re.search(r'<toast-list class="toasts" role="status"[^>]*><span class="toast" data-level="success">', html)
    assert "已提醒 5 位" in html
    assert "&lt;i&gt;" in html


def test_a_page_listens_when_it_has_a_ticket(rf: RequestFactory) -> None:
    assert '<live-stream src="/events" ticket="t1"></live-stream>' in draw("web/phone.html", rf, live_ticket="t1")
    assert "<live-stream" not in draw("web/phone.html", rf)


@pytest.mark.parametrize("state", ["empty", "error", "locked", "expired", "offline", "loading"])
def test_each_state_says_what_it_is_given(state: str) -> None:
    html = render_to_string(
        f"web/states.html#{state}", {"title": "标题", "text": "说明", "url": "/x", "label": "去做", "code": "P-7Q31"}
    )

    if state == "loading":
        assert "正在加载" in html
        return
    assert "标题" in html
    assert "说明" in html
    assert ('href="/x"' in html) == (state != "offline")
    assert ("P-7Q31" in html) == (state == "error")


def test_the_error_pages_say_what_happened(rf: RequestFactory) -> None:
    request = rf.get("/x")
    answers: list[tuple[int, HttpResponse, str]] = [
        (400, views.bad_request(request, ValueError()), "没能读懂这个请求"),
        (403, views.forbidden(request, PermissionDenied()), "它属于别的人或别的角色"),
        (403, views.forbidden(request, PermissionDenied("这个班由苏老师带")), "这个班由苏老师带"),
        (403, views.csrf_failure(request), "页面开得太久了"),
        (404, views.not_found(request, Http404("secret path")), "这里没有内容"),
        (500, views.server_error(request), "我们这边出错了"),
    ]
    for status, answer, words in answers:
        html = answer.content.decode()
        assert answer.status_code == status
        assert words in html
        assert "data-failed" in html
        assert "secret path" not in html


def test_the_page_for_our_own_faults_asks_nothing_of_anybody() -> None:
    # Without the django_db mark a query raises, and without a request there is no context.
    html = render_to_string("500.html")

    assert 'href="/static/web/kit.css"' in html


def test_a_chosen_theme_is_kept_and_the_reader_returns(rf: RequestFactory) -> None:
    answer = views.theme(rf.post("/theme/", {"theme": "dark", "next": "/me/"}))

    assert answer.status_code == 302
    assert answer["Location"] == "/me/"
    assert answer.cookies["theme"].value == "dark"
    assert answer.cookies["theme"]["samesite"] == "Lax"


@pytest.mark.parametrize("theme", ["", "purple", "<script>"])
def test_any_other_theme_follows_the_system(theme: str, rf: RequestFactory) -> None:
    assert views.theme(rf.post("/theme/", {"theme": theme})).cookies["theme"].value == ""
    request = rf.get("/")
    request.COOKIES["theme"] = theme
    assert shell(request)["theme"] == ""


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "javascript:alert(1)", ""])
def test_it_never_sends_anyone_elsewhere(back: str, rf: RequestFactory) -> None:
    assert views.theme(rf.post("/theme/", {"theme": "dark", "next": back}))["Location"] == "/"


def test_the_theme_is_changed_by_post_only(rf: RequestFactory) -> None:
    assert views.theme(rf.get("/theme/")).status_code == 405
