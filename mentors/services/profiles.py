"""What a mentor says about themselves."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial

from django.core.files.base import ContentFile
from django.db import transaction

from mentors.models import Language, Mentor, Skill
from mentors.photo_sizes import other_sizes
from mentors.photos import Photo
from mentors.services.keeping import keep, keep_words
from mentors.slugs import free_slug, once_more


@transaction.atomic
def update_profile(
    *,
    mentor: Mentor,
    headline: str,
    bio: str,
    skills: Iterable[str],
    languages: Iterable[Language],
    time_zone: str,
    cancellation_policy: str,
    is_paused: bool,
) -> None:
    """Sessions that are booked keep the policy they were booked under, and their instants when the zone changes."""
    mentor.headline = headline
    mentor.bio = bio
    mentor.time_zone = time_zone
    mentor.cancellation_policy = cancellation_policy
    mentor.is_paused = is_paused
    mentor.save(update_fields=["headline", "bio", "time_zone", "cancellation_policy", "is_paused"])
    set_skills(mentor, skills)
    mentor.languages.set(languages)
    keep(mentor)
    keep_words(Mentor.objects.filter(pk=mentor.pk))


def set_photo(*, mentor: Mentor, photo: Photo) -> None:
    """Not inside a transaction, which holds locks that no file should be waited for with."""
    with photo_file(photo) as name, transaction.atomic(durable=True):
        _name_file(mentor, name)


@transaction.atomic
def remove_photo(*, mentor: Mentor) -> None:
    """The file goes once that is committed."""
    _name_file(mentor, "")


@contextmanager
def photo_file(photo: Photo | None) -> Iterator[str]:
    """The name of the photo's file, empty without a photo. Begin the transaction that keeps the name inside.

    The file is written at once, and deleted again when whatever stands inside fails.
    """
    field = Mentor._meta.get_field("photo")
    name = ""
    if photo:
        name = field.storage.save(field.generate_filename(Mentor(), "photo.jpg"), ContentFile(photo.jpeg))
    try:
        yield name
    except BaseException:
        if name:
            field.storage.delete(name)
        raise


def set_skills(mentor: Mentor, names: Iterable[str]) -> None:
    """By name, whatever the case; those that nobody has yet are created."""
    mentor.skills.set([once_more(partial(_skill, name)) for name in dict.fromkeys(names)])


def _skill(name: str) -> Skill:
    if found := Skill.objects.filter(name__iexact=name).first():
        return found
    slug = free_slug(name, otherwise="skill", among=Skill.objects.all(), length=60)
    return Skill.objects.create(name=name, slug=slug)


def _name_file(mentor: Mentor, name: str) -> None:
    """Locks the mentor. The file that was there goes with its sizes once the row no longer names it."""
    old = Mentor.objects.select_for_update(no_key=True).values_list("photo", flat=True).get(pk=mentor.pk)
    mentor.photo = name
    mentor.save(update_fields=["photo"])
    for each in (old, *other_sizes(old)) if old else ():
        transaction.on_commit(partial(mentor.photo.storage.delete, each), robust=True)
