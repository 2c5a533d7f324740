"""Who may do what: every address of the product, asked by every role.

One row is an address, a method and what each role gets, a letter a role in the order of ``ROLES``:
``o`` the page · ``i`` sent to sign in · ``r`` sent on · ``n`` nothing there · ``f`` forbidden · ``u`` cannot be taken ·
``m`` not by this method · ``g`` over · ``b`` not readable · ``p`` must be paid · ``k`` not paid in the sandbox ·
``c`` moved meanwhile · ``d`` made. A pattern without a row fails.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from kaiying.camps.models import Staffing
from kaiying.camps.vocabulary import TaskKind, TeacherRole
from kaiying.groups.models import CheckIn
from kaiying.kit import periods
from kaiying.learning.models import Enrollment
from kaiying.notices.actions import notify
from kaiying.people.actions import give_role
from kaiying.people.models import User
from kaiying.people.vocabulary import RoleKind
from kaiying.wire import clock
from tests.factories.camps import CampFactory, CohortFactory, LessonFactory, TeacherFactory, four_day_camp
from tests.factories.groups import ClassGroupFactory, MembershipFactory, PostFactory, seated, teacher_of
from tests.factories.learning import NoteFactory, OverrideFactory
from tests.factories.offers import OPENS, a_claim, an_offer
from tests.factories.orders import an_order, hear
from tests.factories.people import OrganizerFactory, RoleFactory, UserFactory

pytestmark = pytest.mark.django_db

ROLES = (
    "visitor",
    "stranger",
    "outsider",  # a learner of another organizer's cohort
    "learner",
    "mentor",
    "head_teacher",
    "foreign_operator",
    "operator",
    "owner",
)
LETTERS = {
    "o": 200, "i": 302, "r": 302, "n": 404, "f": 403, "u": 422, "m": 405, "g": 410, "b": 400, "p": 402, "k": 402, "c": 412, "d": 201,
}  # fmt: skip
SIGN_IN = "/account/sign-in/"


@dataclass
class World:
    """Two organizers with a cohort each, and one person of every role; all objects are of the first cohort."""

    people: dict[str, User | None]
    clients: dict[str, Client]
    facts: dict[str, Any]


def build() -> World:
    now = clock.now()
    ours, theirs = OrganizerFactory(), OrganizerFactory()
    camp = four_day_camp(organizer=ours)
    yesterday = periods.day_in(now, "Asia/Shanghai") - timedelta(days=1)
    cohort = CohortFactory(camp=camp, starts_on=yesterday)
    group = ClassGroupFactory(cohort=cohort, number=1)
    LessonFactory(camp=camp, ref="intro", day=1, position=99, is_preview=True)
    other = CohortFactory(camp=CampFactory(organizer=theirs), starts_on=yesterday)
    offer = an_offer(5, 5, cohort=cohort)
    learner = UserFactory()
    order = an_order(offer, learner=learner)
    hear(order)
    enrollment = Enrollment.objects.get(cohort=cohort, learner=learner)
    MembershipFactory(group=group, user=learner)
    outsider = seated(ClassGroupFactory(cohort=other, number=1)).learner
    owner, operator = UserFactory(), UserFactory()
    give_role(organizer=ours, user=owner, kind=RoleKind.OWNER)
    RoleFactory(organizer=ours, user=operator)
    foreign = RoleFactory(organizer=theirs).user
    people: dict[str, User | None] = {
        "visitor": None,
        "stranger": UserFactory(),
        "outsider": outsider,
        "learner": learner,
        "mentor": teacher_of(group, "mentor"),
        "head_teacher": teacher_of(group),
        "foreign_operator": foreign,
        "operator": operator,
        "owner": owner,
    }
    for role, kind in (("mentor", TeacherRole.MENTOR), ("head_teacher", TeacherRole.HEAD_TEACHER)):
        Staffing.objects.create(cohort=cohort, teacher=TeacherFactory(camp=camp, role=kind), user=people[role])
    task = camp.tasks.get(ref="d1-check-in")
    post = PostFactory(group=group, author=learner)
    done = PostFactory(group=group, author=learner, kind="check_in")
    CheckIn.objects.create(
        group=group, learner=learner, task=camp.tasks.get(ref="d2-check-in"), day=2, post=done, due_at=now, at=now
    )
    notify(to=learner, kind="test", title="Hello", at=now)
    facts = {
        "cohort": cohort.slug,
        "slug": offer.slug,
        "group": group.pk,
        "post": post.pk,
        "task": task.pk,
        "submission": camp.tasks.filter(day=1, kind=TaskKind.SUBMISSION).get().ref,
        "enrollment": enrollment.pk,
        "override": OverrideFactory(enrollment=enrollment, by=operator).pk,
        "staff_post": PostFactory(group=group, author=people["head_teacher"]).pk,
        "note": NoteFactory(enrollment=enrollment, lesson=camp.lessons.get(ref="l1")).pk,
        "order": order.number,
        "open_order": an_order(offer).number,
        "ref": order.provider_ref,
        "claim": order.claim_id,
        "held": a_claim(offer, learner=UserFactory(), at=max(now, OPENS)).pk,
    }
    clients = {}
    for role, user in people.items():
        clients[role] = Client(headers={"accept-language": "en"}, raise_request_exception=False)
        if user is not None:
            clients[role].force_login(user)
    return World(people, clients, facts)


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    """Build the world once; each question is rolled back."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield build()
        transaction.set_rollback(True)


@dataclass(frozen=True)
class Row:
    """An address, how it is asked, and what each role gets."""

    name: str
    expected: str
    args: tuple[str, ...] = ()
    method: str = "get"
    data: tuple[tuple[str, str], ...] = ()
    fixed: tuple[Any, ...] = ()


def get(name: str, expected: str, *args: str, fixed: tuple[Any, ...] = ()) -> Row:
    return Row(name, expected, args, fixed=fixed)


def post(address: str, expected: str, /, *args: str, fixed: tuple[Any, ...] = (), **data: str) -> Row:
    return Row(address, expected, args, "post", tuple(data.items()), fixed)


NEW = {"max_price": "9900", "key": "matrix-key-1"}
SAY = {"body": "", "key": "matrix-key-2"}
ROWS = [
    #                                   in the order of ROLES: visitor stranger outsider learner mentor head op' op owner
    get("pages:home", "irrrrrrrr"),
    get("pages:today", "innonnnnn", "cohort"),
    get("pages:welcome", "innonnnnn", "cohort"),
    get("pages:me", "ioooooooo"),
    get("pages:overview", "innnnnnoo", "cohort"),
    get("pages:desk", "innnrrnrr", "cohort"),
    get("pages:sale", "innnnnnoo", "cohort"),
    get("pages:sale_screen", "innnnnnoo", "cohort"),
    get("pages:sale_act", "innnnnnoo", "cohort", fixed=("pause",)),
    post("pages:sale_act", "innnnnnuu", "cohort", fixed=("pause",), reason=""),
    post("pages:sale_act", "innnnnnrr", "cohort", fixed=("pause",), reason="payments lag"),
    get("pages:orders", "innnnnnoo", "cohort"),
    get("pages:refund", "innnnnnoo", "cohort", "order"),
    post("pages:refund", "innnnnnuu", "cohort", "order", reason=""),
    post("pages:refund", "innnnnnrr", "cohort", "order", reason="asked for"),
    get("pages:learners", "innnnnnoo", "cohort"),
    get("pages:learner", "innnnnnoo", "cohort", "enrollment"),
    get("pages:overrides", "immmmmmmm", "cohort", "enrollment"),
    post("pages:overrides", "innnnnnuu", "cohort", "enrollment", reason=""),
    get("pages:override_withdrawal", "immmmmmmm", "cohort", "enrollment", "override"),
    post("pages:override_withdrawal", "innnnnnrr", "cohort", "enrollment", "override"),
    get("pages:travel", "immmmmmmm", "cohort", "enrollment"),
    post("pages:travel", "innnnnnuu", "cohort", "enrollment", at=""),
    post("pages:travel", "innnnnnrr", "cohort", "enrollment", at="2026-07-17T12:00"),
    get("pages:travel_end", "mmmmmmmmm"),
    post("pages:travel_end", "rrrrrrrrr"),
    get("press:landing", "ooooooooo", "slug"),
    get("press:share_card", "ooooooooo", "slug"),
    get("press:robots", "ooooooooo"),
    get("press:favicon", "rrrrrrrrr"),
    get("offers:numbers", "ooooooooo", "slug"),
    get("offers:claim", "rrrrrrrrr", "slug"),
    post("offers:claim", "irrrrrrrr", "slug", **NEW),
    get("offers:queue", "ioorooooo", "slug"),
    post("offers:queue", "irrrrrrrr", "slug"),
    get("offers:bell", "immmmmmmm", "slug"),
    post("offers:bell", "irrrrrrrr", "slug"),
    get("offers:reservation", "irrrrrrrr", "slug"),
    post("offers:reservation", "irrrrrrrr", "slug"),
    get("offers:waitlist", "ioorooooo", "slug"),
    get("offers:leave", "immmmmmmm", "slug"),
    post("offers:leave", "irrrrrrrr", "slug"),
    get("offers:release", "immmmmmmm", "claim"),
    post("offers:release", "innrnnnnn", "claim"),
    post("offers:release", "innnnnnnn", "held"),
    get("orders:checkout", "innonnnnn", "claim"),
    get("orders:checkout", "innnnnnnn", "held"),
    post("orders:checkout", "innnnnnnn", "held", provider="sandbox"),
    get("orders:list", "ioooooooo"),
    get("orders:show", "innrnnnnn", "order"),
    get("orders:show", "innnnnnnn", "open_order"),
    get("orders:callbacks", "mmmmmmmmm", fixed=("sandbox",)),
    post("orders:callbacks", "bbbbbbbbb", fixed=("sandbox",)),
    post("orders:callbacks", "nnnnnnnnn", fixed=("nobody",)),
    # Whoever has the address of a charge may pay it, as at any payment service.
    get("sandbox:page", "ggggggggg", "ref"),
    post("sandbox:page", "ggggggggg", "ref"),
    get("learning:course", "innonnnnn", "cohort"),
    get("learning:lesson", "innooonoo", "cohort", fixed=("l1",)),
    get("learning:lesson", "innfoonoo", "cohort", fixed=("l7",)),
    get("learning:lesson", "innnnnnnn", "cohort", fixed=("no-such",)),
    get("learning:reading", "mmmmmmmmm", "cohort", fixed=("l1",)),
    post("learning:reading", "innnnnnnn", "cohort", fixed=("l1",)),
    get("learning:lesson_notes", "mmmmmmmmm", "cohort", fixed=("l1",)),
    post("learning:lesson_notes", "innunnnnn", "cohort", fixed=("l1",), text=""),
    post("learning:lesson_notes", "innfnnnnn", "cohort", fixed=("l7",), text="x", second="1"),
    get("learning:preview", "ooooooooo", "cohort", fixed=("intro",)),
    get("learning:preview", "nnnnnnnnn", "cohort", fixed=("l1",)),
    get("learning:submission", "innonnnnn", "cohort", "submission"),
    post("learning:submission", "innunnnnn", "cohort", "submission", text=""),
    get("learning:notes", "innonnnnn", "cohort"),
    get("learning:note", "mmmmmmmmm", "cohort", "note"),
    post("learning:note", "innrnnnnn", "cohort", "note", text="other words"),
    get("learning:note_removal", "mmmmmmmmm", "cohort", "note"),
    post("learning:note_removal", "innrnnnnn", "cohort", "note"),
    get("groups:show", "innooonoo", "group"),
    get("groups:posts", "innooonoo", "group"),
    post("groups:posts", "innbbbnbb", "group", **SAY),
    get("groups:post", "innooonoo", "group", "post"),
    get("groups:replies", "mmmmmmmmm", "group", "post"),
    post("groups:replies", "innbbbnbb", "group", "post", **SAY),
    get("groups:likes", "mmmmmmmmm", "group", "post"),
    post("groups:likes", "innrrrnrr", "group", "post"),
    get("groups:removal", "mmmmmmmmm", "group", "post"),
    post("groups:removal", "innrrrnrr", "group", "post"),
    post("groups:removal", "innfrrnrr", "group", "staff_post"),
    get("groups:wall", "innooonoo", "group"),
    get("groups:members", "innooonoo", "group"),
    get("groups:supervision", "innnoonoo", "group"),
    get("groups:export", "innnoonoo", "group"),
    get("groups:nudges", "mmmmmmmmm", "group"),
    post("groups:nudges", "innnuunuu", "group", text="", key="k", to=""),
    get("groups:check_in", "innonnnnn", "task"),
    post("groups:check_in", "innunnnnn", "task", text=""),
    get("notices:inbox", "ioooooooo"),
    get("people:settings", "ioooooooo"),
    post("people:settings", "iuuuuuuuu", name=""),
    get("people:owner_link", "ggggggggg", fixed=("no-such-secret",)),
    post("people:owner_link", "ggggggggg", fixed=("no-such-secret",)),
    get("account_login", "orrrrrrrr"),
    post("account_login", "orrrrrrrr", email=""),
    get("account_request_login_code", "orrrrrrrr"),
    get("account_confirm_login_code", "irrrrrrrr"),
    get("account_signup", "orrrrrrrr"),
    get("account_inactive", "orrrrrrrr"),
    get("account_logout", "roooooooo"),
    post("account_logout", "rrrrrrrrr"),
    get("web:theme", "mmmmmmmmm"),
    post("web:theme", "rrrrrrrrr", theme="dark"),
    post("set_language", "rrrrrrrrr", language="en"),
]
FULL, EDIT, VIEW = "full", "edit", "view"
ADMIN = {
    "camps_camp": FULL, "camps_lesson": FULL, "camps_task": FULL, "camps_topic": FULL, "camps_message": FULL,
    "camps_cohort": FULL, "people_user": FULL, "people_organizer": FULL, "press_article": FULL,
    "groups_classgroup": FULL, "groups_membership": FULL, "groups_post": FULL, "groups_checkin": FULL,
    "groups_nudge": FULL, "offers_offer": EDIT, "offers_claim": VIEW, "offers_waitlistentry": VIEW,
    "orders_order": VIEW, "orders_payment": VIEW, "orders_refund": VIEW, "orders_callback": VIEW,
    "learning_enrollment": FULL,
    "learning_override": FULL,
    "learning_progress": FULL,
    "learning_submission": FULL,
    "outbox_event": VIEW, "outbox_job": VIEW, "outbox_schedule": VIEW,
}  # fmt: skip
OWNER_ONLY = "rrrrrrrr"
"""What every role but the owner gets in the back office: its door, which sends visitors to sign in and others away."""
ADMIN_PAGES = {
    "admin:index": "o", "admin:login": "r", "admin:logout": "r", "admin:jsi18n": "o", "admin:autocomplete": "f",
    "admin:app_list": "o", "admin:view_on_site": "n",
}  # fmt: skip
ADMIN_ARGS: dict[str, tuple[Any, ...]] = {"admin:app_list": ("camps",), "admin:view_on_site": ("1", "1")}


def admin_rows(world: World) -> Iterator[tuple[Row, str]]:
    """Give the back office's addresses: pages of its own, then list, form, history and deletion of each model."""
    for name, owner in ADMIN_PAGES.items():
        others = "ifffffff" if name == "admin:login" else OWNER_ONLY
        yield get(name, others + owner, fixed=ADMIN_ARGS.get(name, ())), name
    for model in admin.site._registry:
        label = f"{model._meta.app_label}_{model._meta.model_name}"
        may = ADMIN[label]
        row = model._default_manager.order_by("pk").first()
        there = "r" if row is None else "o"
        key = (row.pk if row else 0,)
        yield get(f"admin:{label}_changelist", OWNER_ONLY + "o"), label
        yield get(f"admin:{label}_add", OWNER_ONLY + ("o" if may == FULL else "f")), label
        yield get(f"admin:{label}_change", OWNER_ONLY + there, fixed=key), label
        yield get(f"admin:{label}_history", OWNER_ONLY + there, fixed=key), label
        yield get(f"admin:{label}_delete", OWNER_ONLY + (there if may == FULL else "f"), fixed=key), label


def patterns() -> dict[str, URLPattern]:
    """Return every address of the product by its name; those without a name by their pattern."""
    found: dict[str, URLPattern] = {}

    def walk(entries: list[URLPattern | URLResolver], space: str, before: str) -> None:
        for entry in entries:
            if isinstance(entry, URLResolver):
                inner = f"{space}{entry.namespace}:" if entry.namespace else space
                walk(entry.url_patterns, inner, before + str(entry.pattern))
            else:
                found[f"{space}{entry.name}" if entry.name else before + str(entry.pattern)] = entry

    walk(get_resolver().url_patterns, "", "")
    return found


def ask(world: World, row: Row, role: str) -> str:
    """Ask once and return the letter of the answer; nothing stays of what the question did."""
    args = [*(world.facts[one] for one in row.args), *row.fixed]
    client, cookies = world.clients[role], dict(world.clients[role].cookies)
    with transaction.atomic():
        response = getattr(client, row.method)(reverse(row.name, args=args), dict(row.data))
        if response.streaming:
            response.getvalue()  # reads it to its end, which closes the file
        transaction.set_rollback(True)
    client.cookies.clear()
    client.cookies.update(cookies)
    if response.status_code == 302:
        return "i" if response.url.startswith(SIGN_IN) else "r"
    return next(
        (letter for letter, status in LETTERS.items() if status == response.status_code), str(response.status_code)
    )


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.method} {row.name} {row.expected}")
def test_each_role_gets_what_is_its_own(world: World, row: Row) -> None:
    assert "".join(ask(world, row, role) for role in ROLES) == row.expected


def test_the_back_office_is_the_owners_alone(world: World) -> None:
    rows = list(admin_rows(world))
    found = {f"{row.name}{row.fixed}": "".join(ask(world, row, role) for role in ROLES) for row, _label in rows}

    assert found == {f"{row.name}{row.fixed}": row.expected for row, _label in rows}


@pytest.mark.figures
def test_no_address_is_left_out(world: World) -> None:
    rows = [*ROWS, *(row for row, _label in admin_rows(world))]
    # Django's admin has two kinds of addresses without a name: the old form of a change page, and its catch-all.
    unnamed = {
        name
        for name in patterns()
        if name.startswith("admin/") and name.endswith(("<path:object_id>/", "(?P<url>.*)$"))
    }

    assert set(patterns()) - {row.name for row in rows} - unnamed == set()
    print(f"\n  role × object: {len(patterns())} addresses, {len(rows)} questions, {len(rows) * len(ROLES)} cells")


def test_the_unnamed_addresses_of_the_back_office_are_the_owners_too(world: World) -> None:
    for role in ROLES:
        for address in ("/admin/people/user/1/", "/admin/no/such/"):
            answer = world.clients[role].get(address)
            lost = role == "owner" and "no/such" in address
            to_the_door = answer.status_code == 302 and answer.url.startswith("/admin/login/")
            assert (answer.status_code, to_the_door) == (404 if lost else 302, role != "owner"), (role, address)


def test_the_demos_door_is_there_in_demo_mode_only(client: Client) -> None:
    assert client.get("/demo/").status_code == 404
    assert client.get("/demo/owner/").status_code == 404
