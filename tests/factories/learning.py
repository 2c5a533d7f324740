"""Learners' places in cohorts for tests."""

from datetime import UTC, datetime

import factory
from factory.django import DjangoModelFactory

from kaiying.learning.models import Enrollment, Note, Override, Progress, Submission
from tests.factories.camps import CohortFactory, LessonFactory, TaskFactory
from tests.factories.people import UserFactory

SIGNED_UP = datetime(2026, 7, 15, 12, 20, tzinfo=UTC)
"""The evening before the factories' cohort starts, in Shanghai."""


class EnrollmentFactory(DjangoModelFactory[Enrollment]):
    """Someone who signed up the evening before the first day."""

    class Meta:
        model = Enrollment

    cohort = factory.SubFactory(CohortFactory)
    learner = factory.SubFactory(UserFactory)
    enrolled_at = SIGNED_UP
    credit = 30
    credit_at = factory.SelfAttribute("enrolled_at")


class OverrideFactory(DjangoModelFactory[Override]):
    """Day 4 opens on the evening before the first day, because an operator said so."""

    class Meta:
        model = Override

    enrollment = factory.SubFactory(EnrollmentFactory)
    day = factory.Maybe("lesson", None, 4)
    lesson = None
    opens_at = SIGNED_UP
    reason = "Travels on day 4"
    by = factory.SubFactory(UserFactory)
    at = SIGNED_UP


class ProgressFactory(DjangoModelFactory[Progress]):
    """A lesson that was opened and not watched."""

    class Meta:
        model = Progress

    enrollment = factory.SubFactory(EnrollmentFactory)
    lesson = factory.LazyAttribute(lambda one: LessonFactory(camp=one.enrollment.cohort.camp))
    opened_at = SIGNED_UP
    opened_count = 1


class SubmissionFactory(DjangoModelFactory[Submission]):
    """A text that was handed in."""

    class Meta:
        model = Submission

    enrollment = factory.SubFactory(EnrollmentFactory)
    task = factory.LazyAttribute(lambda one: TaskFactory(camp=one.enrollment.cohort.camp, kind="submission"))
    text = "看到 1,200，点开 96。"
    handed_in_at = SIGNED_UP
    changed_at = SIGNED_UP


class NoteFactory(DjangoModelFactory[Note]):
    """A note at one minute of a lesson."""

    class Meta:
        model = Note

    enrollment = factory.SubFactory(EnrollmentFactory)
    lesson = factory.LazyAttribute(lambda one: LessonFactory(camp=one.enrollment.cohort.camp))
    second = 60
    text = "分母是看到的人。"
    written_at = SIGNED_UP
