from django.urls import path

from bookings import home, sharing, views
from bookings.booker import guests, rescheduling
from bookings.booker import views as booker
from lib import converters  # noqa: F401

urlpatterns = [
    path("", home.landing, name="landing"),
    path("mentors/<slug:slug>/book/", booker.booking_wizard, name="book"),
    path("mentors/<slug:slug>/book/code/", guests.booking_code, name="book_code"),
    path("mentors/<slug:slug>/picture.png", sharing.mentor_picture, name="mentor_picture"),
    path("picture.png", sharing.site_picture, name="site_picture"),
    path("my-sessions/", views.my_sessions, name="my_sessions"),
    path("sessions/<reference:reference>/", views.session_detail, name="session_detail"),
    path(
        "sessions/<reference:reference>/confirmation/",
        views.session_confirmation,
        name="session_confirmation",
    ),
    path(
        "sessions/<reference:reference>/cancellation/",
        views.session_cancellation,
        name="session_cancellation",
    ),
    path(
        "sessions/<reference:reference>/reschedule/",
        rescheduling.session_reschedule,
        name="session_reschedule",
    ),
    path("sessions/<reference:reference>/invite.ics", views.session_invite, name="session_invite"),
    path("sessions/<reference:reference>/join/", views.session_join, name="session_join"),
    path("sessions/<reference:reference>/accept/", views.session_accept, name="session_accept"),
    path("sessions/<reference:reference>/decline/", views.session_decline, name="session_decline"),
    path("dashboard/sessions/", views.dashboard_sessions, name="dashboard_sessions"),
]
