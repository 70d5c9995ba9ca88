"""A photo comes in the sizes in which it stands, made when first asked for, and gone with it."""

from io import BytesIO

import pytest
from django.core.files.storage import default_storage
from django.test import Client
from PIL import Image

from mentors import services
from mentors.models import Mentor
from mentors.photo_sizes import make_size, other_sizes
from mentors.photos import Photo, read_photo
from tests.mentors import pictures

pytestmark = [pytest.mark.once, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def photo() -> Photo:
    content = pictures.plain()
    return read_photo(BytesIO(content), len(content))


@pytest.fixture
def name(mentor: Mentor, photo: Photo) -> str:
    services.set_photo(mentor=mentor, photo=photo)
    return str(mentor.photo.name)


def test_every_size_on_a_page_is_made_once_at_its_name(client: Client, name: str) -> None:
    for other in other_sizes(name):
        assert not default_storage.exists(other)
        response = client.get(f"/media/{other}")
        picture = Image.open(BytesIO(b"".join(response.streaming_content)))  # type: ignore[attr-defined]
        kind = "WEBP" if other.endswith("webp") else "JPEG"
        side = next((side for side in (112, 240) if f"-{side}." in other), 384)
        assert (picture.format, picture.size) == (kind, (side, side))
        made = default_storage.get_modified_time(other)
        again = client.get(f"/media/{other}")
        again.close()
        assert again.status_code == 200
        assert default_storage.get_modified_time(other) == made
    assert default_storage.size(name.replace(".jpg", "-112.webp")) < default_storage.size(name)


def test_nobody_chooses_a_size_or_a_name(client: Client, name: str) -> None:
    base = name.removesuffix(".jpg")
    for other in (
        f"{base}-113.webp",
        f"{base}-112.png",
        f"{base}-112-112.jpg",
        f"mentors/{'0' * 32}-112.webp",
        "x-112.webp",
    ):
        assert client.get(f"/media/{other}").status_code == 404
        assert not make_size(other)


def test_sizes_go_with_their_photo(mentor: Mentor, photo: Photo, name: str) -> None:
    assert all(make_size(other) for other in other_sizes(name))
    services.set_photo(mentor=mentor, photo=photo)
    assert not any(default_storage.exists(each) for each in (name, *other_sizes(name)))
    new = str(mentor.photo.name)
    make_size(other_sizes(new)[0])
    services.remove_photo(mentor=mentor)
    assert not any(default_storage.exists(each) for each in (new, *other_sizes(new)))
    assert not make_size(other_sizes(new)[0])
