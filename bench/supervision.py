"""How long the head teacher's page takes to gather for 200 learners, against one query per learner.

    .venv/bin/python bench/supervision.py [learners]

Uses a database of its own in a temporary folder. Prints the best of several rounds in milliseconds.
"""

import os
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ["KAIYING_DATA"] = tempfile.mkdtemp(prefix="kaiying-bench-")
os.environ["DJANGO_SETTINGS_MODULE"] = "kaiying.config.settings"

import django

django.setup()

from django.core.management import call_command
from django.db import connection, reset_queries
from django.test.utils import CaptureQueriesContext

from kaiying.camps.models import Camp, Cohort, Day, Lesson, Task
from kaiying.groups.models import CheckIn, ClassGroup, Membership, Post
from kaiying.groups.queries import supervision
from kaiying.groups.queries.supervision import _Gathered
from kaiying.kit.spans import Seconds
from kaiying.learning.models import Enrollment, Progress
from kaiying.people.models import Organizer, User

AT = datetime(2026, 7, 17, 11, 42, tzinfo=UTC)
ROUNDS = 7


def build(learners: int) -> ClassGroup:
    call_command("migrate", verbosity=0)
    camp = Camp.objects.create(
        organizer=Organizer.objects.create(slug="bench", name="Bench"), slug="bench", title="Bench"
    )
    for day in range(1, 5):
        Day.objects.create(camp=camp, number=day, title=f"{day}")
    lessons = [
        Lesson.objects.create(camp=camp, ref=f"l{n}", day=(n + 1) // 2, position=n, title=f"L{n}", length=1200)
        for n in range(1, 10)
    ]
    tasks = [Task.objects.create(camp=camp, ref=f"c{day}", day=day, kind="check_in", title="x") for day in range(1, 5)]
    cohort = Cohort.objects.create(camp=camp, slug="bench", number=1, starts_on=date(2026, 7, 16), zone="Asia/Shanghai")
    group = ClassGroup.objects.create(cohort=cohort, number=1, capacity=learners, opened_at=AT)
    people = User.objects.bulk_create(
        [
            User(email=f"{n}@example.org", name=f"L {n}", password="!")  # noqa: S106 — no password at all
            for n in range(learners)
        ]
    )
    Membership.objects.bulk_create([Membership(group=group, user=user, joined_at=AT) for user in people])
    places = Enrollment.objects.bulk_create(
        [
            Enrollment(
                cohort=cohort,
                learner=user,
                enrolled_at=AT - timedelta(days=3),
                last_seen_at=AT - timedelta(hours=n % 40),
            )
            for n, user in enumerate(people)
        ]
    )
    watched = Seconds.of([(0, 700)], length=1200).pack()
    Progress.objects.bulk_create(
        [
            Progress(
                enrollment=place,
                lesson=lesson,
                watched=watched,
                seconds=700,
                position=700,
                position_at=AT - timedelta(hours=3),
                opened_at=AT - timedelta(days=1),
                opened_count=1 + place.pk % 4,
            )
            for place in places
            for lesson in lessons[:5]
        ]
    )
    posts = Post.objects.bulk_create(
        [Post(group=group, author=user, body="x", kind="check_in", key="c", posted_at=AT) for user in people]
    )
    CheckIn.objects.bulk_create(
        [
            CheckIn(group=group, learner=user, task=tasks[0], day=1, post=post, at=AT, due_at=AT)
            for user, post in zip(people, posts, strict=True)
        ]
    )
    return group


def one_query_per_learner(group: ClassGroup) -> int:
    """What the page would do without gathering: ask for each learner's own things."""
    seen = 0
    lessons = list(Lesson.objects.filter(camp=group.cohort.camp))
    for enrollment in Enrollment.objects.filter(cohort=group.cohort).select_related("learner"):
        _Gathered.of(group, [enrollment], lessons, AT)
        seen += 1
    return seen


def best(act) -> float:
    times = []
    for _ in range(ROUNDS):
        reset_queries()
        begun = time.perf_counter()
        act()
        times.append(time.perf_counter() - begun)
    return min(times) * 1000


def main() -> None:
    learners = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    group = ClassGroup.objects.select_related("cohort__camp").get(pk=build(learners).pk)
    with CaptureQueriesContext(connection) as queries:
        found = supervision(group, at=AT)
    count = len(queries)
    ours = best(lambda: supervision(group, at=AT))
    theirs = best(lambda: one_query_per_learner(group))
    print(f"{len(found.rows)} learners x {len(found.lessons)} lessons, {len(found.to_contact)} to contact")
    print(f"gathered at once:        {ours:8.1f} ms, {count} queries")
    print(f"asked for each learner:  {theirs:8.1f} ms (the questions alone)")
    print(f"ratio:                   {theirs / ours:8.1f}x")


if __name__ == "__main__":
    main()
