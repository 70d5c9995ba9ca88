from django.urls import path

from accounts import views

urlpatterns = [
    path("settings/", views.settings_page, name="settings"),
    path("settings/data/", views.data_page, name="data"),
    path("settings/data/download/", views.data_download, name="data_download"),
    path("settings/data/closing/", views.account_closing, name="account_closing"),
    path("settings/time-zone/", views.time_zone_update, name="time_zone_update"),
    path("settings/time-zone/cities/", views.city_list, name="city_list"),
]
