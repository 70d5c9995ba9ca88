"""What a page links to, and how it comes over the wire."""

import gzip
import os
import re
import shutil
import time
from pathlib import Path

import pytest
from django.conf import settings as site_settings
from django.contrib.staticfiles import finders
from django.test import Client
from pytest_django.fixtures import Settings

from config.finders import JOINED, JoinedFilesFinder, light
from config.static_files import collect_changed
from mentors.models import Mentor

STATIC = Path(site_settings.BASE_DIR) / "static"
# Linked by the pages that need them.
APART = {"css/admin.css", "js/razorpay.js"}
ENCODED = {"Accept-Encoding": "gzip, deflate, br"}


def found(path: str) -> str:
    place = finders.find(path)
    assert place is not None
    return Path(place).read_text()


def test_every_source_is_part_of_one_file() -> None:
    sources = {
        str(each.relative_to(STATIC)): light(each)
        for each in STATIC.rglob("*")
        if each.suffix in (".css", ".js")
    }
    parts = [re.findall(r"^/\* (\S+\.\w+) \*/$", found(path), re.MULTILINE) for path in JOINED]
    assert sorted(part for each in parts for part in each) == sorted(sources.keys() - APART)
    whole = "".join(found(path) for path in JOINED)
    assert all(text in whole for path, text in sources.items() if path not in APART)


def test_style_sheets_are_sent_without_what_is_for_their_readers(tmp_path: Path) -> None:
    sheet = tmp_path / "a.css"
    sheet.write_text(
        "/* A\n   word */\n@layer a {\n  .b > .c, .b :hover { margin: 0 1px; } /* why */\n\n"
        '  .d::before {\n    content: ", { ";\n    width: calc(1px + 2%);\n  }\n}\n'
    )
    assert light(sheet) == (
        '@layer a{.b > .c,.b :hover{margin:0 1px;}.d::before{content:", { ";width:calc(1px + 2%);}}'
    )


def test_layers_are_named_before_any_is_filled() -> None:
    assert found("css/site.css").splitlines()[1].startswith("@layer vendor,reset,")


def test_joined_file_follows_its_sources(settings: Settings, tmp_path: Path) -> None:
    settings.JOINED_ROOT = tmp_path / "joined"
    finder = JoinedFilesFinder()
    finder.source = tmp_path
    (tmp_path / "js/site").mkdir(parents=True)
    (tmp_path / "js/site/a.js").write_text("a();\n")
    assert Path(finder.find("js/site.js")).read_text() == "/* js/site/a.js */\na();\n"
    (tmp_path / "js/site/b.js").write_text("b();\n")
    assert Path(finder.find("js/site.js")).read_text().endswith("/* js/site/b.js */\nb();\n")
    assert not finder.find("js/other.js")


@pytest.mark.parametrize("path", ["js/nowhere.js", "css/nowhere.css", "1"])
def test_file_that_is_nowhere_is_not_found(path: str) -> None:
    assert finders.find(path) is None
    assert finders.find(path, find_all=True) == []


@pytest.mark.django_db
def test_page_links_one_style_sheet_and_one_script(client: Client, mentor: Mentor) -> None:
    page = client.get("/").text
    assert re.findall(r'<link rel="stylesheet" href="([^"]+)"', page) == ["/static/css/site.css"]
    assert re.findall(r'<script src="([^"]+)"', page) == ["/static/js/site.js"]


@pytest.mark.django_db
def test_page_is_compressed_for_whoever_can_read_it(client: Client, mentor: Mentor) -> None:
    answer = client.get("/mentors/", headers=ENCODED)
    assert answer["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in answer["Vary"]
    assert len(answer.content) < len(gzip.decompress(answer.content)) / 2
    plain = client.get("/mentors/")
    assert not plain.has_header("Content-Encoding")
    assert "Accept-Encoding" in plain["Vary"]


@pytest.mark.django_db
def test_compressed_page_has_no_length_to_learn_from(client: Client, mentor: Mentor) -> None:
    lengths = {len(client.get("/accounts/inactive/", headers=ENCODED).content) for _ in range(20)}
    assert len(lengths) > 1


def test_static_files_are_collected_when_one_has_changed_or_they_are_gone(
    tmp_path: Path, settings: Settings
) -> None:
    source, settings.STATIC_ROOT = tmp_path / "sources" / "words.css", tmp_path / "static"
    settings.STATICFILES_DIRS = [source.parent]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    manifest = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
    settings.STORAGES = site_settings.STORAGES | {"staticfiles": {"BACKEND": manifest}}
    source.parent.mkdir()
    source.write_text("p { color: red }")
    assert [collect_changed() for _ in range(2)] == [True, False]
    source.write_text("p { color: blue }")
    later = time.time() + 60  # collectstatic leaves alone what is not newer than what it made
    os.utime(source, (later, later))
    assert [collect_changed() for _ in range(2)] == [True, False]
    assert (settings.STATIC_ROOT / "words.css").read_text() == "p { color: blue }"
    shutil.rmtree(settings.STATIC_ROOT)
    assert [collect_changed() for _ in range(2)] == [True, False]
