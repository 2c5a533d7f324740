"""Open a cohort of a camp and put its staff in place."""

from datetime import date, datetime

from django.db import transaction

from kaiying.camps.models import Camp, Cohort, Staffing
from kaiying.camps.vocabulary import CohortExists, TeacherRole
from kaiying.people.models import Role, User
from kaiying.people.vocabulary import RoleKind

ROLES = {TeacherRole.HEAD_TEACHER: RoleKind.HEAD_TEACHER, TeacherRole.MENTOR: RoleKind.MENTOR}


@transaction.atomic
def open_cohort(*, camp: Camp, number: int, starts_on: date, at: datetime) -> Cohort:
    """Open cohort ``number`` with its first day on ``starts_on``; opening the same again changes nothing.

    Teachers with an email become its staff; whoever has no account yet gets one, and a role of the organizer.
    """
    camp = Camp.objects.select_for_update().get(pk=camp.pk)
    cohort = camp.cohorts.filter(number=number).first()
    if cohort is not None and cohort.starts_on != starts_on:
        raise CohortExists(number=number, starts_on=cohort.starts_on)
    if cohort is None:
        cohort = Cohort.objects.create(
            camp=camp,
            slug=_free_slug(camp, number),
            number=number,
            starts_on=starts_on,
            zone=camp.zone,
            clock=camp.clock,
            unlock_at=camp.unlock_at,
            deadline_at=camp.deadline_at,
            created_at=at,
        )
    _staff(cohort)
    return cohort


def _free_slug(camp: Camp, number: int) -> str:
    """Name the cohort after its camp; another organizer may have taken the plain name."""
    slug = f"{camp.slug[:48]}-{number}"
    taken = Cohort.objects.filter(slug=slug).exists()
    return f"{slug}-{camp.organizer.slug}"[:60] if taken else slug


def _staff(cohort: Cohort) -> None:
    for teacher in cohort.camp.teachers.exclude(email=""):
        user = User.objects.filter(email__iexact=teacher.email).first()
        if user is None:
            name = teacher.name.in_language(cohort.camp.language)[:40]
            user = User.objects.create_user(teacher.email, name=name, language=cohort.camp.language)
        Staffing.objects.get_or_create(cohort=cohort, teacher=teacher, user=user)
        if kind := ROLES.get(TeacherRole(teacher.role)):
            Role.objects.get_or_create(organizer=cohort.camp.organizer, user=user, kind=kind)
