"""Loading a camp: the same twice does nothing, ids keep what learners did, all or nothing."""

import threading
from datetime import UTC, datetime, time
from pathlib import Path

import pytest
from django.db import IntegrityError, connections, transaction
from django.test import override_settings

from kaiying.camps.actions import load_camp, loading, open_cohort, preview_camp
from kaiying.camps.actions.snapshots import Film
from kaiying.camps.models import Camp, Lesson, Task
from kaiying.camps.vocabulary import CampRefused, ChangeKind, TeacherInUse
from kaiying.learning.models import Enrollment, Progress, Submission
from tests.factories.camp_folders import edit, write, write_camp
from tests.factories.people import OrganizerFactory, UserFactory

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 7, 1, 4, tzinfo=UTC)
L1, L2 = "lessons/d1-l1.md", "lessons/d2-l2.md"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_camp(tmp_path / "small")


@pytest.fixture
def organizer():
    return OrganizerFactory()


def load(folder, organizer, **facts):
    return load_camp(folder=folder, organizer=organizer, at=NOON, **facts)


def told(loaded):
    return [(change.what, change.ref, str(change.kind)) for change in loaded.changes]


def test_a_new_camp_is_all_there(folder, organizer, settings):
    loaded = load(folder, organizer)

    camp = Camp.objects.get(organizer=organizer, slug="small")
    assert loaded.camp == camp
    assert loaded.is_new
    assert dict(camp.title) == {"zh-hans": "小营", "en": "Small camp"}
    assert (camp.zone, camp.unlock_at, camp.deadline_at) == ("Asia/Shanghai", time(8), time(23, 59))
    assert [str(day.title) for day in camp.days.all()] == ["第一天", "第二天"]
    assert list(camp.tasks.values_list("ref", "day", "kind")) == [
        ("watch-l1", 1, "watch"),
        ("d1-check-in", 1, "check_in"),
        ("d2-map", 2, "submission"),
    ]
    assert Task.objects.get(ref="watch-l1").lesson == Lesson.objects.get(ref="l1")
    assert camp.offer["tiers"][0]["price"] == "2.80"
    assert camp.reward["requires"] == ["d1-check-in"]
    portrait = camp.teachers.get(ref="su").portrait
    assert portrait.startswith("camps/small/")
    assert (settings.MEDIA_ROOT / portrait).read_bytes() == (folder / "media/su.png").read_bytes()


def test_a_slides_lesson_without_its_film_waits_for_it(folder, organizer):
    load(folder, organizer)

    lesson = Lesson.objects.get(ref="l1")
    assert (lesson.footage, lesson.video, lesson.length, lesson.is_preview) == ("slides", "", 7, True)
    assert [(chapter["at"], chapter["title"]["en"]) for chapter in lesson.chapters] == [
        (0, "Start"),
        (4, "Second half"),
    ]
    assert lesson.slides[0]["points"][1] == {"main": "zh-hans", "zh-hans": "乙", "en": "B"}
    assert dict(lesson.body) == {"zh-hans": "正文第一行\n\n## 小标题", "en": "First line"}


def test_slides_give_the_chapters_that_the_author_does_not(folder, organizer):
    edit(folder, L1, 'chapters:\n  - {at: 0, title: 开头}\n  - {at: "00:04", title: 后半}\n', "")
    edit(folder, "lessons/d1-l1.en.md", "chapters:\n  - title: Start\n  - title: Second half\n", "")

    load(folder, organizer)

    assert [(c["at"], c["title"]["zh-hans"]) for c in Lesson.objects.get(ref="l1").chapters] == [
        (0, "片一"),
        (4, "片二"),
    ]


def test_the_same_folder_again_is_nothing_to_do(folder, organizer):
    load(folder, organizer)
    loaded_at = Camp.objects.get().loaded_at

    again = load_camp(folder=folder, organizer=organizer, at=datetime(2027, 1, 1, tzinfo=UTC))

    assert told(again) == []
    assert not again.is_new
    assert Camp.objects.get().loaded_at == loaded_at


def test_changes_are_told_by_field_and_language(folder, organizer):
    load(folder, organizer)
    edit(folder, "lessons/d1-l1.en.md", "Lesson one", "Lesson 1")
    edit(folder, "camp.yaml", 'price: "2.80"', 'price: "3.80"')
    edit(folder, L2, "day: 2", "day: 1")
    edit(folder, L2, "order: 1", "order: 2")

    changes = {change.ref: change for change in preview_camp(folder=folder, organizer=organizer).changes}

    assert [(f.path, f.before, f.after) for f in changes["l1"].fields] == [("title.en", "Lesson one", "Lesson 1")]
    assert [(f.path, f.before, f.after) for f in changes["small"].fields] == [
        ("offer.tiers.first.price", "2.80", "3.80")
    ]
    assert changes["l2"].kind == ChangeKind.MOVED
    assert changes["watch-l1"].fields[0].path == "title.en"


def test_only_a_changed_offer_changes_ladders(folder, organizer):
    load(folder, organizer)
    edit(folder, "camp.yaml", "seats: 30", "seats: 20")

    assert load(folder, organizer).changes_ladder
    assert not load(folder, organizer).changes_ladder


def progress_in(camp, lesson):
    cohort = open_cohort(camp=camp, number=1, starts_on=NOON.date(), at=NOON)
    enrollment = Enrollment.objects.create(cohort=cohort, learner=UserFactory(), enrolled_at=NOON)
    return Progress.objects.create(enrollment=enrollment, lesson=lesson, seconds=5, opened_at=NOON)


def test_progress_stays_with_a_lesson_that_is_renamed_and_moved(folder, organizer):
    camp = load(folder, organizer).camp
    progress = progress_in(camp, Lesson.objects.get(ref="l1"))
    edit(folder, L1, "title: 第一课", "title: 换个名字")
    edit(folder, L1, "day: 1\norder: 1", "day: 2\norder: 5")
    (folder / L1).rename(folder / "lessons/other-name.md")
    (folder / "lessons/d1-l1.en.md").rename(folder / "lessons/other-name.en.md")

    loaded = load(folder, organizer)

    progress.refresh_from_db()
    assert (str(progress.lesson.title), progress.lesson.day, progress.seconds) == ("换个名字", 2, 5)
    assert ("lessons", "l1", "changed") in told(loaded)


def test_a_lesson_somebody_watched_is_retired_and_comes_back(folder, organizer):
    camp = load(folder, organizer).camp
    progress = progress_in(camp, Lesson.objects.get(ref="l1"))
    texts = {path: path.read_bytes() for path in folder.glob("lessons/d1-l1*")}
    for path in texts:
        path.unlink()

    loaded = load(folder, organizer)

    assert loaded.retired == ("l1",)
    lesson = Lesson.objects.get(ref="l1")
    assert lesson.retired_at == NOON
    assert list(camp.lessons.current()) == [Lesson.objects.get(ref="l2")]
    assert not Task.objects.filter(ref="watch-l1", retired_at=None).exists()
    assert told(load(folder, organizer)) == []

    for path, text in texts.items():
        path.write_bytes(text)
    load(folder, organizer)

    assert Lesson.objects.get(ref="l1") == progress.lesson
    assert Lesson.objects.get(ref="l1").retired_at is None
    assert Task.objects.filter(ref="watch-l1", retired_at=None).exists()


def test_a_lesson_nobody_touched_is_deleted(folder, organizer):
    load(folder, organizer)
    for path in folder.glob("lessons/d2-l2*"):
        path.unlink()

    loaded = load(folder, organizer)

    assert told(loaded) == [("lessons", "l2", "removed")]
    assert not Lesson.objects.filter(ref="l2").exists()


def test_a_task_with_a_submission_is_retired(folder, organizer):
    camp = load(folder, organizer).camp
    enrollment = progress_in(camp, Lesson.objects.get(ref="l1")).enrollment
    task = Task.objects.get(ref="d2-map")
    Submission.objects.create(enrollment=enrollment, task=task, text="x", handed_in_at=NOON, changed_at=NOON)
    edit(folder, "camp.yaml", "id: d2-map", "id: d2-other")

    loaded = load(folder, organizer)

    assert loaded.retired == ("d2-map",)
    task.refresh_from_db()
    assert task.retired_at == NOON


def test_a_teacher_on_the_staff_cannot_be_taken_out(folder, organizer):
    camp = load(folder, organizer).camp
    open_cohort(camp=camp, number=1, starts_on=NOON.date(), at=NOON)
    edit(folder, "camp.yaml", "id: su", "id: zhou")
    edit(folder, "topics/day-1.md", "teacher: su", "teacher: zhou")

    with pytest.raises(TeacherInUse) as refused:
        load(folder, organizer)

    assert refused.value.facts == {"teacher": "su", "cohort": "small-1"}
    assert not camp.teachers.filter(ref="zhou").exists()


def test_mistakes_stop_a_load_before_anything_is_written(folder, organizer):
    edit(folder, L1, "day: 1", "day: 7")
    edit(folder, "camp.yaml", '"2.80"', "2.80")

    with pytest.raises(CampRefused) as refused:
        load(folder, organizer)

    assert [problem.code for problem in refused.value.facts["problems"]] == ["price", "unlock"]
    assert not Camp.objects.exists()


def test_a_load_that_fails_half_way_leaves_nothing(folder, organizer, monkeypatch):
    load(folder, organizer)
    edit(folder, "camp.yaml", "小营", "新名")
    edit(folder, L1, "title: 第一课", "title: 新课")
    real = loading._write

    def fail_late(camp, what, *rest):
        real(camp, what, *rest)
        if what == "messages":
            raise OSError("disk full")

    monkeypatch.setattr(loading, "_write", fail_late)
    with pytest.raises(OSError, match="disk full"):
        load(folder, organizer)

    assert str(Camp.objects.get().title) == "小营"
    assert str(Lesson.objects.get(ref="l1").title) == "第一课"


def test_media_are_kept_by_their_content(folder, organizer, settings):
    camp = load(folder, organizer).camp
    before = camp.teachers.get(ref="su").portrait
    picture = (folder / "media/su.png").read_bytes()
    write(folder, "media/su.png", picture + b"\0")

    camp = load(folder, organizer).camp

    after = camp.teachers.get(ref="su").portrait
    assert after != before
    assert (settings.MEDIA_ROOT / before).read_bytes() == picture
    assert (settings.MEDIA_ROOT / after).read_bytes() == picture + b"\0"
    assert sorted(path.name[:6] for path in (settings.MEDIA_ROOT / "camps/small").iterdir()) == sorted(
        [
            Path(before).name[:6],
            Path(after).name[:6],
        ]
    )


def film(tmp_path, key):
    for suffix in (".mp4", ".webp", ".vtt"):
        (tmp_path / f"film{suffix}").write_bytes(key.encode())
    return Film(key, tmp_path / "film.mp4", tmp_path / "film.webp", {"zh-hans": tmp_path / "film.vtt"})


def test_a_film_is_taken_over_kept_and_dropped_when_its_slides_change(folder, organizer, tmp_path, settings):
    from kaiying.camps.actions import read_camp, scripts_of

    key = scripts_of(read_camp(folder))[0].key
    load(folder, organizer, media={"l1": film(tmp_path, key)})
    lesson = Lesson.objects.get(ref="l1")
    assert lesson.video == f"camps/small/{key[:16]}-l1.mp4"
    assert lesson.poster == f"camps/small/{key[:16]}-l1.webp"
    assert lesson.captions == {"zh-hans": f"camps/small/{key[:16]}-l1.zh-hans.vtt"}
    assert (settings.MEDIA_ROOT / lesson.video).read_bytes() == key.encode()

    assert told(load(folder, organizer)) == []

    edit(folder, L1, "title: 片二", "title: 改了")
    load(folder, organizer)
    lesson.refresh_from_db()
    assert lesson.video == ""


@pytest.mark.django_db(transaction=True)
def test_two_loads_at_once_happen_one_after_the_other(tmp_path):
    folder, organizer = write_camp(tmp_path / "small"), OrganizerFactory()
    results, barrier = [], threading.Barrier(2)

    def run():
        barrier.wait()
        try:
            results.append(len(load(folder, organizer).changes))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert min(results) == 0
    assert max(results) > 10
    assert Lesson.objects.count() == 2


def test_twin_two_loads_compared_before_the_lock_would_clash(folder, organizer):
    """Without comparing under the lock, the second load creates what the first has created."""
    written = loading.read_camp(folder)
    camp, _new = loading._lock(written, organizer)
    stale = [loading._plan(written, None, {}) for _ in range(2)]
    changes = loading.compare({}, stale[0].snapshot)
    loading.apply(camp, stale[0].snapshot, changes, at=NOON)
    for path in folder.glob("lessons/d2-l2*"):
        path.unlink()
    smaller = load(folder, organizer)
    assert told(smaller) == [("lessons", "l2", "removed")]

    loading.apply(camp, stale[1].snapshot, changes, at=NOON)

    assert Lesson.objects.filter(ref="l2").exists(), "the stale load brings back what the later folder had taken out"


def test_two_organizers_have_camps_of_the_same_id(folder, organizer):
    load(folder, organizer)
    other = load(folder, OrganizerFactory())

    assert other.is_new
    assert Camp.objects.filter(slug="small").count() == 2
    with pytest.raises(IntegrityError), transaction.atomic():
        Camp.objects.create(organizer=organizer, slug="small", title="x")


@override_settings(LANGUAGES=[("zh-hans", "中文"), ("en", "English")])
def test_loading_takes_a_bounded_number_of_queries(folder, organizer, django_assert_max_num_queries):
    load(folder, organizer)
    with django_assert_max_num_queries(20):
        load(folder, organizer)
