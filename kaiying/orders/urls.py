"""Addresses of this room."""

from django.urls import path

from kaiying.orders import views

app_name = "orders"
urlpatterns = [
    path("seats/<int:claim>/", views.checkout, name="checkout"),
    path("orders/", views.listing, name="list"),
    path("orders/<str:number>/", views.show, name="show"),
    path("pay/callbacks/<str:provider>/", views.callbacks, name="callbacks"),
]
