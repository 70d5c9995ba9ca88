from django.urls import path

from lib import converters  # noqa: F401
from mentors.views import application, availability, browsing, dashboard

urlpatterns = [
    path("mentors/", browsing.mentor_list, name="mentor_list"),
    path("mentors/<slug:slug>/", browsing.mentor_detail, name="mentor_detail"),
    path("become-a-mentor/", application.mentor_apply, name="mentor_apply"),
    path("dashboard/", dashboard.dashboard, name="dashboard"),
    path("dashboard/availability/", availability.dashboard_availability, name="dashboard_availability"),
    path("dashboard/availability/rules/", availability.dashboard_rules, name="dashboard_rules"),
    path("dashboard/availability/dates/", availability.dashboard_dates, name="dashboard_dates"),
    path("dashboard/availability/dates/<isodate:day>/", availability.dashboard_date, name="dashboard_date"),
    path(
        "dashboard/availability/dates/<int:pk>/removal/",
        availability.dashboard_override_removal,
        name="dashboard_override_removal",
    ),
    path("dashboard/session-types/", dashboard.dashboard_session_types, name="dashboard_session_types"),
    path(
        "dashboard/session-types/new/",
        dashboard.dashboard_session_type_create,
        name="dashboard_session_type_create",
    ),
    path(
        "dashboard/session-types/<slug:slug>/",
        dashboard.dashboard_session_type_edit,
        name="dashboard_session_type_edit",
    ),
    path(
        "dashboard/session-types/<slug:slug>/switch/",
        dashboard.dashboard_session_type_switch,
        name="dashboard_session_type_switch",
    ),
    path(
        "dashboard/session-types/<slug:slug>/move/",
        dashboard.dashboard_session_type_move,
        name="dashboard_session_type_move",
    ),
    path("dashboard/profile/", dashboard.dashboard_profile, name="dashboard_profile"),
]
