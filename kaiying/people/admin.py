"""People in the back office."""

from django.contrib import admin

from kaiying.people.models import Organizer, Role, User


class RoleInline(admin.TabularInline[Role, User]):
    """The roles of a person."""

    model = Role
    extra = 0


@admin.register(User)
class UserAdmin(admin.ModelAdmin[User]):
    """People; nobody's password is set here, because there are none."""

    list_display = ("email", "name", "joined_at", "is_active")
    search_fields = ("email", "name")
    fields = ("email", "name", "language", "is_active", "is_superuser")
    inlines = (RoleInline,)


@admin.register(Organizer)
class OrganizerAdmin(admin.ModelAdmin[Organizer]):
    """Organizers."""

    list_display = ("name", "slug")
