from django.urls import path

from accounts import views

urlpatterns = [
    path("settings/", views.settings_page, name="settings"),
    path("settings/time-zone/", views.time_zone_update, name="time_zone_update"),
]
