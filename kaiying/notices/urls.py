"""Addresses of this room."""

from django.urls import path

from kaiying.notices import views

app_name = "notices"
urlpatterns = [path("", views.inbox, name="inbox")]
