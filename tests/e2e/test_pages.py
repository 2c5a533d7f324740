"""Every page, as the people who open it: no axe violation in either theme, nothing wider than the screen, no script error."""

import pytest
from axe_playwright_python.sync_playwright import Axe

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

PEOPLE = """
from datetime import timedelta
from kaiying.camps.models import Lesson
from kaiying.groups.actions import check_in, publish_post, seat_learner
from kaiying.groups.models import ClassGroup, Membership
from kaiying.camps.models import Task
from kaiying.learning.actions import Beat, hand_in, record_beats, record_opening, write_note
from kaiying.learning.models import Enrollment
from kaiying.learning.actions import enroll
from kaiying.offers.models import Offer
from kaiying.orders.models import Order
from kaiying.people.models import User
from kaiying.rehearsal.actions.selling import buy, hold
from kaiying.wire import clock
at = clock.now()
offer = Offer.objects.select_related("cohort__camp__organizer").get(slug="sprint")
cohort = offer.cohort
learner = User.objects.filter(email="axe@sprint.example").first() or User.objects.create_user("axe@sprint.example", name="小禾")
enrollment = enroll(cohort=cohort, learner=learner, at=at, source="test")
enrollment = Enrollment.objects.select_related("cohort__camp").get(pk=enrollment.pk)
group = seat_learner(enrollment=enrollment, at=at).group
lesson = Lesson.objects.get(camp=cohort.camp, ref="l1")
record_opening(enrollment=enrollment, lesson=lesson, at=at)
record_beats([Beat(learner_id=learner.pk, lesson_id=lesson.pk, spans=[(0, 8)], position=8, cohort_id=cohort.pk)], at=at)
write_note(enrollment=enrollment, lesson=lesson, second=3, text="先写分母", at=at)
tasks = {task.ref: task for task in Task.objects.filter(camp=cohort.camp)}
check_in(task=tasks["d1-check-in"], learner=learner, group=group, text="今天的数：48,200", at=at)
publish_post(group=group, author=learner, body="大家好，我是小禾。", key="axe-hello", at=at)
buyer = User.objects.filter(email="holder@sprint.example").first() or User.objects.create_user("holder@sprint.example", name="阿宁")
claim = hold(offer=offer, user=buyer, at=at)
payer = User.objects.filter(email="payer@sprint.example").first() or User.objects.create_user("payer@sprint.example", name="阿舟")
buy(offer=offer, user=payer, at=at - timedelta(minutes=5))
order = Order.objects.get(learner=payer)
print(json.dumps({
    "cohort": cohort.slug, "group": group.pk, "enrollment": enrollment.pk, "check_in": tasks["d2-check-in"].pk,
    "done": tasks["d1-check-in"].pk, "claim": claim.pk, "order": order.number,
}))
"""

SESSION = """
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from kaiying.people.models import User
user = User.objects.get(email=facts["email"])
session = SessionStore()
session[SESSION_KEY] = str(user.pk)
session[BACKEND_SESSION_KEY] = "allauth.account.auth_backends.AuthenticationBackend"
session[HASH_SESSION_KEY] = user.get_session_auth_hash()
session.save()
print(json.dumps(session.session_key))
"""

PAGES = {
    "": ["/c/sprint/", "/account/sign-in/", "/nowhere/"],
    "axe@sprint.example": [
        "/learn/{cohort}/", "/learn/{cohort}/welcome/", "/learn/{cohort}/course/", "/learn/{cohort}/lessons/l1/",
        "/learn/{cohort}/lessons/l2/", "/learn/{cohort}/notes/", "/learn/{cohort}/tasks/d1-work/",
        "/class/{group}/", "/class/{group}/wall/", "/class/check-ins/{done}/", "/me/", "/me/settings/", "/notices/",
        "/orders/", "/account/sign-out/",
    ],
    "holder@sprint.example": ["/seats/{claim}/"],
    "payer@sprint.example": ["/orders/{order}/", "/orders/"],
    "su@sprint.example": ["/class/{group}/supervision/", "/class/{group}/", "/class/{group}/wall/", "/class/{group}/members/"],
    "owner@sprint.example": [
        "/desk/{cohort}/", "/desk/{cohort}/sale/", "/desk/{cohort}/sale/screen/", "/desk/{cohort}/sale/acts/lower/",
        "/desk/{cohort}/orders/", "/desk/{cohort}/orders/{order}/refund/", "/desk/{cohort}/learners/",
        "/desk/{cohort}/learners/{enrollment}/", "/admin/", "/admin/people/user/",
    ],
}  # fmt: skip
STAFF = {"su@sprint.example", "owner@sprint.example"}
CASES = [(who, path) for who, paths in PAGES.items() for path in paths]


@pytest.fixture(scope="module")
def world(house):
    return house.script(PEOPLE)


@pytest.fixture(scope="module")
def key_of(house, world):
    known = {}

    def find(email):
        if email not in known:
            known[email] = house.script(SESSION, email=email)
        return known[email]

    return find


def enter(page, house, key):
    page.context.add_cookies([{"name": "sessionid", "value": key, "url": house.url}])


def faults(page):
    found = Axe().run(page, options={"runOnly": RULES}).response["violations"]
    return [
        f"{one['id']} x{len(one['nodes'])}: {one['nodes'][0]['target']} {one['nodes'][0]['html'][:120]}"
        for one in found
    ]


@pytest.mark.parametrize("size", ["phone", "desktop"])
@pytest.mark.parametrize(("who", "path"), CASES, ids=lambda value: value.partition("@")[0] or "visitor")
def test_a_page_is_sound(visit, house, world, key_of, who, path, size):
    # At the size a page is made for it is examined in both themes, at the other one in the dark.
    is_home = (size == "desktop") == (who in STAFF)
    page = visit(size)
    if who:
        enter(page, house, key_of(who))

    answer = page.goto(path.format(**world))

    assert answer.status in {200, 403, 404}, answer.status
    assert (path, answer.status) in {("/nowhere/", 404), ("/learn/{cohort}/lessons/l2/", 403)} or answer.status == 200
    found = faults(page) if is_home else []
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    page.wait_for_timeout(200)  # colours that fade must have arrived
    found += [f"dark {fault}" for fault in faults(page)]
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert (found, wide, page.problems) == ([], 0, [])
