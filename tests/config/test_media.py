import pytest
from django.urls import reverse


@pytest.fixture
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.MEDIA_ROOT.mkdir()
    (settings.MEDIA_ROOT / "face.jpg").write_bytes(b"jpeg")
    (settings.MEDIA_ROOT / "page.html").write_text("<script>")
    (tmp_path / "outside.jpg").write_bytes(b"secret")


def test_media_serves_a_photo_that_browsers_do_not_guess_about(client, media):
    response = client.get(reverse("media", args=["face.jpg"]))
    assert b"".join(response.streaming_content) == b"jpeg"
    assert response["Content-Type"] == "image/jpeg"
    assert response["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    [
        "page.html",
        "nobody.jpg",
        "../outside.jpg",
        "%2e%2e/outside.jpg",
        "x" * 300 + ".jpg",
        "x" * 5000 + ".jpg",
        "",
    ],
)
def test_media_serves_nothing_else(client, media, path):
    assert client.get(f"/media/{path}").status_code == 404
