"""Addresses of the press room."""

from django.urls import URLPattern

app_name = "press"
urlpatterns: list[URLPattern] = []
