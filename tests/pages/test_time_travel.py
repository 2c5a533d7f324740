"""Looking as a learner at a moment: everything can be seen, nothing can be touched."""

from datetime import timedelta

import pytest
import time_machine
from django.urls import reverse

from kaiying.groups.models import Membership, Post
from kaiying.learning.models import Note, Progress
from kaiying.notices.actions import notify
from kaiying.notices.models import Notice
from kaiying.pages.middleware import COOKIE
from kaiying.pages.queries import travel_token
from kaiying.people.models import Role, User
from kaiying.people.queries import viewer_id
from kaiying.wire import clock
from kaiying.wire.entry import COOKIE as PASS
from kaiying.wire.entry import read_entry
from tests.factories.camps import CohortFactory
from tests.factories.groups import PostFactory, seated
from tests.factories.learning import ProgressFactory, SubmissionFactory
from tests.factories.people import UserFactory


@pytest.fixture
def travel(stage, as_):
    """Give a browser in which the operator looks as the learner at a moment."""

    def begin(at):
        browser = as_(stage.operator)
        token = travel_token(traveller=stage.operator, learner=stage.learner, cohort=stage.cohort, at=at)
        browser.cookies[COOKIE] = token
        return browser

    return begin


def everything():
    """Count and fingerprint what a look could have changed."""
    return (
        list(Progress.objects.values_list("pk", "opened_count", "position")),
        list(Notice.objects.values_list("pk", "read_at")),
        list(Membership.objects.values_list("pk", "read_up_to")),
        list(User.objects.values_list("pk", "last_login", "name")),
        Post.objects.count(),
        Note.objects.count(),
    )


def today(stage):
    return f"/learn/{stage.cohort.slug}/"


def test_the_page_is_that_of_the_learner_at_the_moment(stage, travel):
    html = travel(stage.on_day(4)).get(today(stage)).content.decode()

    assert "Day 4:" in html
    assert "You look as Learner A at" in html


def test_a_lesson_that_opens_later_can_be_looked_at_from_later(stage, travel):
    url = f"{today(stage)}lessons/l9/"

    assert travel(stage.on_day(2)).get(url).status_code == 403
    assert travel(stage.on_day(4)).get(url).status_code == 200


def test_the_form_leads_to_today_as_it_was_then(stage, as_):
    browser = as_(stage.operator)

    answer = browser.post(
        f"/desk/{stage.cohort.slug}/learners/{stage.enrollment.pk}/travel/",
        {"at": f"{stage.cohort.day_on(3):%Y-%m-%d}T12:00"},
    )

    assert answer.url == today(stage)
    assert "Day 3:" in browser.get(answer.url).content.decode()


def test_looking_leaves_no_trace(stage, travel):
    PostFactory(group=stage.group, posted_at=stage.on_day(1))
    notify(to=stage.learner, kind="test", title="New", at=stage.on_day(1))
    browser = travel(stage.on_day(4))
    before = everything()

    for url in (
        today(stage),
        f"{today(stage)}welcome/",
        f"{today(stage)}course/",
        f"{today(stage)}lessons/l1/",
        f"{today(stage)}notes/",
        f"/class/{stage.group.pk}/",
        f"/class/{stage.group.pk}/posts/?after=0",
        f"/class/{stage.group.pk}/wall/",
        "/notices/",
        "/orders/",
        "/me/",
        "/me/settings/",
    ):
        answer = browser.get(url)
        assert answer.status_code == 200, url
        assert "live-stream" not in answer.content.decode(), url

    assert everything() == before


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
@pytest.mark.parametrize("url", ["/me/settings/", "/account/sign-out/", "/no/such/page/", "/"])
def test_nothing_can_be_written(stage, travel, method, url):
    browser = travel(stage.on_day(2))
    before = everything()

    answer = getattr(browser, method)(url, {"name": "Mallory"})

    assert answer.status_code == 403
    assert "You are only looking" in answer.content.decode()
    assert everything() == before


def test_a_class_post_cannot_be_made_on_the_way(stage, travel):
    answer = travel(stage.on_day(2)).post(f"/class/{stage.group.pk}/posts/", {"body": "hello", "key": "k"})

    assert (answer.status_code, Post.objects.count()) == (403, 0)


def test_language_and_colours_are_the_travellers_own(stage, travel):
    browser = travel(stage.on_day(2))

    assert browser.post("/i18n/setlang/", {"language": "en"}).status_code == 302
    assert browser.post("/theme/", {"theme": "dark"}).status_code == 302


def test_the_way_back_ends_it(stage, travel):
    browser = travel(stage.on_day(2))
    back = f"/desk/{stage.cohort.slug}/learners/{stage.enrollment.pk}/"

    answer = browser.post(reverse("pages:travel_end"), {"back": back})

    assert (answer.url, answer.cookies[COOKIE].value) == (back, "")
    assert browser.get(back).status_code == 200


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "/desk/\\evil", "javascript:alert(1)", ""])
def test_the_way_back_never_leads_off_site(stage, travel, back):
    assert travel(stage.on_day(2)).post(reverse("pages:travel_end"), {"back": back}).url == "/"


def test_passes_stay_the_travellers_own(stage, travel):
    browser = travel(stage.on_day(2))

    answer = browser.get(today(stage))

    assert read_entry(answer.cookies[PASS].value, at=clock.now()).user_id == stage.operator.pk


def test_the_viewer_is_the_traveller(stage, rf):
    request = rf.get("/")
    request.user = stage.learner
    assert viewer_id(request) == stage.learner.pk
    request.traveller = stage.operator
    assert viewer_id(request) == stage.operator.pk


def test_nothing_of_it_is_kept_by_browsers(stage, travel):
    assert travel(stage.on_day(2)).get(today(stage)).headers["Cache-Control"] == "no-store"


def test_a_journey_is_bound_to_its_traveller(stage, as_):
    token = travel_token(traveller=stage.operator, learner=stage.learner, cohort=stage.cohort, at=clock.now())
    thief = as_(seated(stage.group).learner)
    thief.cookies[COOKIE] = token

    answer = thief.get("/me/")

    assert "Learner A" not in answer.content.decode()
    assert answer.cookies[COOKIE].value == ""


def test_a_forged_or_damaged_journey_is_none(stage, as_):
    browser = as_(stage.operator)
    token = travel_token(traveller=stage.operator, learner=stage.learner, cohort=stage.cohort, at=clock.now())
    for bad in ("", "x", token[:-2], token + "A", "1.2.3.4"):
        browser.cookies[COOKIE] = bad

        assert browser.get(f"/desk/{stage.cohort.slug}/").status_code == 200


def test_losing_the_role_ends_the_journey(stage, travel):
    browser = travel(stage.on_day(2))
    Role.objects.filter(user=stage.operator).delete()

    assert browser.get(today(stage)).status_code == 404


def test_another_organizers_cohort_cannot_be_travelled_to(stage, as_):
    foreign = CohortFactory()
    browser = as_(stage.operator)
    learner = UserFactory()
    browser.cookies[COOKIE] = travel_token(traveller=stage.operator, learner=learner, cohort=foreign, at=clock.now())

    assert "You look as" not in browser.get("/me/").content.decode()


def test_the_hour_is_an_hour_of_the_travellers_own(stage, travel):
    browser = travel(stage.on_day(2) - timedelta(days=300))

    with time_machine.travel(clock.now() + timedelta(minutes=61)):
        answer = browser.get("/me/")

    assert "You look as" not in answer.content.decode()
    assert answer.cookies[COOKIE].value == ""


def test_a_form_opened_on_the_way_is_not_sent_as_oneself_afterwards(stage, travel):
    browser = travel(stage.on_day(2))

    with time_machine.travel(clock.now() + timedelta(minutes=61)):
        answer = browser.post("/me/settings/", {"name": "Mallory"})

    assert answer.status_code == 403
    assert "The hour of looking" in answer.content.decode()
    assert not User.objects.filter(name="Mallory").exists()


def test_before_enrolling_there_is_a_clear_page_and_the_way_back(stage, travel):
    answer = travel(stage.enrollment.enrolled_at - timedelta(days=1)).get(today(stage))

    html = answer.content.decode()
    assert answer.status_code == 404
    assert "Not in the camp at that moment" in html
    assert "Learner A enrolled at" in html
    assert "Choose another moment" in html


def test_after_leaving_there_is_a_clear_page_too(stage, travel):
    stage.enrollment.ended_at = stage.on_day(2, 1)
    stage.enrollment.save()

    assert "Learner A left at" in travel(stage.on_day(3)).get(today(stage)).content.decode()


def test_the_banner_is_on_pages_that_are_not_there_as_well(stage, travel):
    assert "Back to now" in travel(stage.on_day(2)).get("/no/such/page/").content.decode()


def test_what_was_done_later_was_not_done_yet(stage, travel):
    lesson = stage.camp.lessons.get(ref="l1")
    ProgressFactory(
        enrollment=stage.enrollment, lesson=lesson, opened_at=stage.on_day(1, 9), completed_at=stage.on_day(2, 9)
    )
    SubmissionFactory(
        enrollment=stage.enrollment, task=stage.camp.tasks.get(ref="d1-map"), handed_in_at=stage.on_day(2, 9)
    )

    then, later = (travel(stage.on_day(*when)).get(today(stage)).content.decode() for when in ((1, 12), (2, 12)))

    assert "0 of 8 tasks" in then
    assert "1 of 8 tasks" in later
