"""Camps and cohorts for tests."""

from datetime import date, time

import factory
from factory.django import DjangoModelFactory

from kaiying.camps.models import Camp, Cohort, Day, Lesson, Task, Teacher, Topic
from kaiying.camps.vocabulary import LessonKind, TaskKind, TeacherRole
from tests.factories.people import OrganizerFactory


class CampFactory(DjangoModelFactory[Camp]):
    """A camp without days; see ``four_day_camp`` for a full one."""

    class Meta:
        model = Camp

    organizer = factory.SubFactory(OrganizerFactory)
    slug = factory.Sequence(lambda n: f"camp-{n}")
    title = {"zh-hans": "测试营", "en": "Test camp"}
    zone = "Asia/Shanghai"
    unlock_at = time(8)
    deadline_at = time(23, 59)


class TeacherFactory(DjangoModelFactory[Teacher]):
    """A lecturer."""

    class Meta:
        model = Teacher

    camp = factory.SubFactory(CampFactory)
    ref = factory.Sequence(lambda n: f"teacher-{n}")
    role = TeacherRole.LECTURER
    name = {"zh-hans": "林老师", "en": "Ms Lin"}


class DayFactory(DjangoModelFactory[Day]):
    """Day 1."""

    class Meta:
        model = Day

    camp = factory.SubFactory(CampFactory)
    number = 1
    title = factory.LazyAttribute(lambda day: {"zh-hans": f"第 {day.number} 天的课", "en": f"Day {day.number}"})


class LessonFactory(DjangoModelFactory[Lesson]):
    """A video lesson of 120 seconds on day 1."""

    class Meta:
        model = Lesson

    camp = factory.SubFactory(CampFactory)
    ref = factory.Sequence(lambda n: f"l{n}")
    day = 1
    position = factory.Sequence(lambda n: n % 1000)
    kind = LessonKind.VIDEO
    title = factory.LazyAttribute(lambda lesson: {"zh-hans": f"课 {lesson.ref}", "en": f"Lesson {lesson.ref}"})
    body = {"zh-hans": "正文", "en": "Text"}
    video = factory.LazyAttribute(lambda lesson: f"camps/test/{lesson.ref}.mp4")
    length = 120


class TaskFactory(DjangoModelFactory[Task]):
    """A check-in on day 1."""

    class Meta:
        model = Task

    camp = factory.SubFactory(CampFactory)
    ref = factory.Sequence(lambda n: f"task-{n}")
    day = 1
    kind = TaskKind.CHECK_IN
    title = {"zh-hans": "打卡：今天的一个发现", "en": "Check in: one thing found today"}


class TopicFactory(DjangoModelFactory[Topic]):
    """The topic of day 1, at half past noon."""

    class Meta:
        model = Topic

    camp = factory.SubFactory(CampFactory)
    ref = factory.Sequence(lambda n: f"topic-{n}")
    day = 1
    at = time(12, 30)
    title = {"zh-hans": "今天的主题", "en": "Today's topic"}
    body = {"zh-hans": "说说你见过的分母。", "en": "Tell us about a denominator you saw."}


class CohortFactory(DjangoModelFactory[Cohort]):
    """A cohort that starts on 16 July 2026 in Shanghai."""

    class Meta:
        model = Cohort

    camp = factory.SubFactory(CampFactory)
    slug = factory.Sequence(lambda n: f"cohort-{n}")
    number = factory.Sequence(lambda n: n + 1)
    starts_on = date(2026, 7, 16)
    zone = "Asia/Shanghai"
    unlock_at = time(8)
    deadline_at = time(23, 59)


def four_day_camp(**facts: object) -> Camp:
    """Build a camp of four days: lessons l1 … l9 (2, 3, 2, 2 a day), a check-in and a submission a day."""
    camp = CampFactory(**facts)
    number = 0
    for day, lessons in enumerate((2, 3, 2, 2), start=1):
        DayFactory(camp=camp, number=day)
        for position in range(lessons):
            number += 1
            lesson = LessonFactory(camp=camp, ref=f"l{number}", day=day, position=position)
            TaskFactory(
                camp=camp,
                ref=f"watch-l{number}",
                day=day,
                position=position,
                kind=TaskKind.WATCH,
                lesson=lesson,
                title=lesson.title,
            )
        TaskFactory(camp=camp, ref=f"d{day}-check-in", day=day, position=8)
        TaskFactory(camp=camp, ref=f"d{day}-map", day=day, position=9, kind=TaskKind.SUBMISSION)
    return camp
