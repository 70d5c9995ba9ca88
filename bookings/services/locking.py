from collections.abc import Iterable

from accounts.models import User
from bookings.models import Booking


def lock_people(ids: Iterable[int]) -> dict[int, User]:
    """Lock these people's rows, lowest id first, so that two bookings never wait for each other in a ring."""
    people = User.objects.select_for_update(no_key=True).filter(pk__in=set(ids)).order_by("pk")
    return {person.pk: person for person in people}


def lock_booking(booking_pk: int) -> Booking:
    """Lock a booking after its two people; the order everywhere is people, booking, payment.

    Who the two are never changes, so their ids are read unlocked. Raises `Booking.DoesNotExist`.
    """
    student, mentor = Booking.objects.values_list("student_id", "mentor__user_id").get(pk=booking_pk)
    lock_people([student, mentor])
    return Booking.objects.select_for_update(of=("self",)).with_people().get(pk=booking_pk)
