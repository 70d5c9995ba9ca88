"""Every part of the look, for those who develop the site."""

from django.test import Client
from pytest_django.fixtures import Settings


def test_styleguide_shows_every_part_while_the_site_is_developed(client: Client, settings: Settings) -> None:
    settings.DEBUG = True
    page = client.get("/styleguide/").content.decode()
    parts = (
        "mark",
        "dial",
        "portrait",
        "opentime",
        "state",
        "ticket",
        "row",
        "segments",
        "chip",
        "price",
        "stars",
        "button",
    )
    assert [part for part in parts if f'class="{part}' not in page] == []
    assert client.post("/styleguide/").status_code == 405


def test_styleguide_is_not_there_for_others(client: Client, settings: Settings) -> None:
    settings.DEBUG = False
    assert client.get("/styleguide/").status_code == 404
