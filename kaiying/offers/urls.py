"""Addresses of the offers room."""

from django.urls import URLPattern

app_name = "offers"
urlpatterns: list[URLPattern] = []
