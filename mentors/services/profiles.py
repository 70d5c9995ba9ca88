"""What a mentor says about themselves."""

from collections.abc import Iterable
from functools import partial

from django.core.files.base import ContentFile
from django.db import transaction

from mentors.models import Language, Mentor, Skill
from mentors.photos import Photo
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


@transaction.atomic
def set_photo(*, mentor: Mentor, photo: Photo) -> None:
    _drop_file(mentor)
    mentor.photo.save("photo.jpg", ContentFile(photo.jpeg), save=False)
    mentor.save(update_fields=["photo"])


@transaction.atomic
def remove_photo(*, mentor: Mentor) -> None:
    _drop_file(mentor)
    mentor.photo = ""
    mentor.save(update_fields=["photo"])


def set_skills(mentor: Mentor, names: Iterable[str]) -> None:
    """By name, whatever the case; those that nobody has yet are created."""
    mentor.skills.set([once_more(partial(_skill, name)) for name in dict.fromkeys(names)])


def _skill(name: str) -> Skill:
    if found := Skill.objects.filter(name__iexact=name).first():
        return found
    slug = free_slug(name, otherwise="skill", among=Skill.objects.all(), length=60)
    return Skill.objects.create(name=name, slug=slug)


def _drop_file(mentor: Mentor) -> None:
    """The file goes when the row no longer names it."""
    storage, old = mentor.photo.storage, mentor.photo.name
    if old:
        transaction.on_commit(lambda: storage.delete(old))
