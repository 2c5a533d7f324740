"""Addresses of the learning room, below ``/learn/<cohort>/``."""

from django.urls import path

from kaiying.learning import views

app_name = "learning"
urlpatterns = [
    path("course/", views.course, name="course"),
    path("lessons/<slug:ref>/", views.lesson, name="lesson"),
    path("lessons/<slug:ref>/reading/", views.reading, name="reading"),
    path("lessons/<slug:ref>/notes/", views.lesson_notes, name="lesson_notes"),
    path("preview/<slug:ref>/", views.preview, name="preview"),
    path("tasks/<slug:ref>/", views.submission, name="submission"),
    path("notes/", views.notes, name="notes"),
    path("notes/<int:pk>/", views.note, name="note"),
    path("notes/<int:pk>/removal/", views.note_removal, name="note_removal"),
]
