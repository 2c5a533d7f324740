"""Addresses of the demo; they exist in demo mode only."""

from django.urls import path

from kaiying.rehearsal import views

app_name = "demo"
urlpatterns = [
    path("", views.stage, name="stage"),
    path("<slug:part>/", views.entrance, name="entrance"),
]
