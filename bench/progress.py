"""How fast progress is merged, and what the set of seconds costs.

    python bench/progress.py [learners]

Prints beats per second for batches of 1, 32 and 512 beside the cheapest thing one could do instead (one UPDATE of one
number per beat, in the same transactions), and the size of the set of a two-hour video. Uses a database of its own in a
temporary folder; set KAIYING_DATABASE_URL for PostgreSQL (its test database is made and dropped).
"""

import os
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
FOLDER = tempfile.TemporaryDirectory(prefix="kaiying-bench-")
os.environ["KAIYING_DATA"] = FOLDER.name
os.environ["DJANGO_SETTINGS_MODULE"] = "kaiying.config.test_settings"

import django

django.setup()

from django.db import connection, transaction

from kaiying.camps.models import Camp, Cohort, Day, Lesson
from kaiying.kit.spans import Seconds
from kaiying.learning.actions import Beat, record_beats
from kaiying.learning.models import Enrollment, Progress
from kaiying.people.models import Organizer, User

LENGTH = 7200
START = datetime(2026, 7, 17, 4, 0, tzinfo=UTC)
SIZES = (1, 32, 512)


def place(learners: int) -> tuple[Lesson, list[int]]:
    """Put ``learners`` before one two-hour lesson."""
    camp = Camp.objects.create(
        organizer=Organizer.objects.create(slug="bench", name="Bench"), slug="bench", title="Bench"
    )
    Day.objects.create(camp=camp, number=1, title="1")
    lesson = Lesson.objects.create(camp=camp, ref="l1", day=1, length=LENGTH, video="x.mp4", title="1")
    cohort = Cohort.objects.create(
        camp=camp, slug="bench", number=1, starts_on=date(2026, 7, 1), zone="Asia/Shanghai", replay_days=300
    )
    people = User.objects.bulk_create(User(email=f"{n}@example.org", name=str(n)) for n in range(learners))
    Enrollment.objects.bulk_create(
        Enrollment(cohort=cohort, learner=one, enrolled_at=START, credit=30, credit_at=START) for one in people
    )
    return lesson, [one.pk for one in people]


def beats_per_second(lesson: Lesson, learners: list[int], size: int, seconds: float) -> tuple[float, int]:
    """Merge batches of ``size`` beats of five watched seconds each, as players send them."""
    done, tick, at = 0, 0, START
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        batch = []
        for _ in range(size):
            learner, turn = learners[done % len(learners)], done // len(learners)
            batch.append(
                Beat(learner, lesson.pk, [(turn * 5 % LENGTH, turn * 5 % LENGTH + 5)], turn * 5 % LENGTH, "phone-1")
            )
            done += 1
        at += timedelta(seconds=5)
        tick += 1
        record_beats(batch, at=at)
    return done / (time.perf_counter() - began), tick


def updates_per_second(size: int, seconds: float) -> float:
    """Do the least: one UPDATE of one number per beat, ``size`` of them in one transaction."""
    rows = list(Progress.objects.values_list("pk", flat=True)[:2000])
    done = 0
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        with transaction.atomic(), connection.cursor() as cursor:
            for _ in range(size):
                cursor.execute(
                    "UPDATE learning_progress SET position = %s WHERE id = %s", [done, rows[done % len(rows)]]
                )
                done += 1
    return done / (time.perf_counter() - began)


def main() -> None:
    learners = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    name = connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        lesson, people = place(learners)
        record_beats([Beat(one, lesson.pk, [(0, 1)], 1, "phone-1") for one in people], at=START)
        print(f"{connection.vendor}, {learners} learners, a video of {LENGTH} s")
        print(f"{'batch':>6} {'beats/s':>10} {'ms/batch':>10} {'bare UPDATE/s':>14} {'ratio':>7}")
        for size in SIZES:
            rate, batches = beats_per_second(lesson, people, size, 3)
            bare = updates_per_second(size, 2)
            print(f"{size:>6} {rate:>10,.0f} {1000 * size / rate:>10.2f} {bare:>14,.0f} {bare / rate:>7.1f}")
            assert batches
        whole, holes = (
            Seconds.of([(0, LENGTH)], length=LENGTH),
            Seconds.of([(n, n + 1) for n in range(0, LENGTH, 2)], length=LENGTH),
        )
        print(
            f"set of a watched 2 h video: {len(whole.pack())} bytes; every other second: {len(holes.pack())} bytes, {len(holes.runs())} runs"
        )
        began = time.perf_counter()
        for _ in range(1000):
            Seconds.unpack((Seconds.unpack(holes.pack()) | whole).pack())
        print(f"unpack, merge, pack, unpack: {(time.perf_counter() - began) * 1000:.1f} µs")
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)
        FOLDER.cleanup()


if __name__ == "__main__":
    main()
