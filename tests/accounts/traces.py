"""Somebody who has left a trace in every table that could have one: as a student, and as a mentor too."""

from dataclasses import asdict
from datetime import time, timedelta
from io import BytesIO

from allauth.mfa.models import Authenticator
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType

from accounts.models import User
from bookings.models import Booking, Status
from bookings.services import cancel, record_review
from mentors import services as mentors
from mentors.models import SessionType
from mentors.photos import read_photo
from mentors.schedules import Hours
from notifications.models import Kind, Message
from notifications.models import Status as MessageStatus
from payments.gateways.base import PaymentMethod
from payments.models import Payment, PaymentStatus, ProviderCustomer
from tests.factories import NOW, BookingFactory, LanguageFactory, SessionTypeFactory
from tests.mentors import pictures

NAME, EMAIL, PHONE = "Ann Zebra-Quill", "zebraquill@example.com", "+4915112345678"
# In everything that she wrote; the zone in which she lives tells of her too.
WORDS = "platypus"
TRACES = (NAME, "zebra", EMAIL, PHONE, WORDS, "Lisbon")
LAST_WEEK = NOW - timedelta(days=9)


def leave_traces(ann: User, *, staff: User, student: User) -> None:
    ann.groups.add(Group.objects.create(name="Readers"))
    Authenticator.objects.create(user=ann, type=Authenticator.Type.TOTP, data={"secret": WORDS})
    LogEntry.objects.create(
        user=staff,
        content_type=ContentType.objects.get_for_model(User),
        object_id=str(ann.pk),
        object_repr=NAME,
        action_flag=CHANGE,
    )
    offer = _become_mentor(ann, staff)
    _pay(_past(offer, student))
    with_mentor = _past(SessionTypeFactory(), ann, topic=f"My {WORDS}", notes=PHONE)
    _pay(with_mentor)
    record_review(with_mentor, rating=4, words="Clear and kind.", now=NOW)
    ahead = BookingFactory(student=ann, starts_at=NOW + timedelta(days=3))
    cancel(ahead.pk, actor=ann, now=NOW, reason=f"My {WORDS} is ill.")
    ProviderCustomer.objects.create(
        user=ann,
        gateway="stripe",
        customer_ref="cus_1",
        cards=[asdict(PaymentMethod("pm_1", WORDS, "4242", 1, 2030))],
        created_at=NOW,
    )
    Message.objects.create(
        event="news",
        kind=Kind.PAID_TWICE,
        recipient=ann,
        booking=with_mentor,
        address=EMAIL,
        status=MessageStatus.SENT,
        error=f"{EMAIL} was slow",
        due_at=NOW,
        created_at=NOW,
    )


def _become_mentor(ann: User, staff: User) -> SessionType:
    mentor = mentors.apply(
        user=ann,
        headline=f"{WORDS} tamer",
        bio=f"All about the {WORDS}, by {NAME}.",
        skills=["Taming"],
        languages=[LanguageFactory()],
        time_zone="Europe/Lisbon",
        photo=read_photo(BytesIO(pictures.plain()), 1000),
        now=NOW,
    )
    mentors.approve(mentor, by=staff, now=NOW)
    mentors.set_weekly_hours(mentor=mentor, week=[Hours(0, "open", time(10), time(16))])
    mentors.block_dates(mentor=mentor, first_date=NOW.date(), last_date=NOW.date(), note=f"{WORDS} show")
    offer: SessionType = SessionTypeFactory(mentor=mentor, description=f"With a {WORDS}.")
    return offer


def _past(session_type: SessionType, student: User, **words: str) -> Booking:
    booking: Booking = BookingFactory(
        session_type=session_type,
        student=student,
        starts_at=LAST_WEEK,
        status=Status.COMPLETED,
        claims=False,
        **words,
    )
    return booking


def _pay(booking: Booking) -> None:
    """With what the provider was asked for, word for word."""
    Payment.objects.create(
        booking=booking,
        amount_minor=105_000,
        platform_fee_minor=5_000,
        currency="INR",
        status=PaymentStatus.SUCCEEDED,
        gateway="mock",
        payment_id=f"PAY-{booking.pk}",
        request={
            "ref": "ORDER-X",
            "email": booking.student.email,
            "name": booking.student.name,
            "description": f"Career Guidance with {booking.mentor.name}",
            "by_saved_card": True,
        },
        created_at=NOW,
        succeeded_at=LAST_WEEK,
    )
