"""Addresses of the web room."""

from django.urls import path

from kaiying.web import views

app_name = "web"
urlpatterns = [
    path("theme/", views.theme, name="theme"),
]
