"""The sandbox's address."""

from django.urls import path

from kaiying.orders.providers.sandbox import views

app_name = "sandbox"
urlpatterns = [path("<slug:ref>/", views.page, name="page")]
