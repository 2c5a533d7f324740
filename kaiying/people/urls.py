"""Addresses of this room."""

from django.urls import path

from kaiying.people import views

app_name = "people"
urlpatterns = [
    path("me/settings/", views.settings, name="settings"),
    path("owner/<str:secret>/", views.owner_link, name="owner_link"),
]
