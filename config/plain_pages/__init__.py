"""Terms, privacy, refunds and contact: text that staff keep, or the one that comes with the site.

The text is plain. An empty line parts paragraphs, `# ` begins a heading, `- ` a line of a list; addresses become links,
and everything else stands as it was typed.
"""

from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.utils.html import format_html, format_html_join, urlize
from django.utils.safestring import SafeString, mark_safe

from bookings.policy import describe
from config.models import PlainPage
from mentors.models import Mentor

FOLDER = Path(__file__).parent


@lru_cache
def default_text(slug: str) -> str:
    return (FOLDER / f"{slug}.txt").read_text()


def text_of(slug: str) -> str:
    """What stands on that page: one query."""
    kept = PlainPage.objects.filter(slug=slug).values_list("text", flat=True).first()
    return kept or default_text(slug)


def facts() -> dict[str, str]:
    """What a text may name in braces; whatever else is in braces stays as it is."""
    policies = (f"- {each.label}: {describe(each)}" for each in Mentor.Policy)
    return {
        "site": settings.SITE_NAME,
        "site_url": settings.SITE_URL,
        "support_email": settings.SUPPORT_EMAIL,
        "policies": "\n".join(policies),
    }


def to_html(text: str) -> SafeString:
    for name, words in facts().items():
        text = text.replace(f"{{{name}}}", words)
    return _to_html(text)


@lru_cache(maxsize=32)
def _to_html(text: str) -> SafeString:
    """Nothing that was typed is markup."""
    blocks: list[tuple[str, list[str]]] = []
    ended = True
    for line in text.splitlines():
        line = line.strip()
        kind = "h2" if line.startswith("# ") else "ul" if line.startswith("- ") else "p"
        if not line:
            ended = True
            continue
        if ended or kind == "h2" or blocks[-1][0] != kind:
            blocks.append((kind, []))
        blocks[-1][1].append(line if kind == "p" else line[2:].strip())
        ended = False
    return mark_safe("".join(_block(kind, lines) for kind, lines in blocks))  # noqa: S308  # escaped in each block


def _block(kind: str, lines: list[str]) -> str:
    words = [(mark_safe(urlize(line, nofollow=True, autoescape=True)),) for line in lines]  # noqa: S308
    if kind == "ul":
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{}</li>", words))
    if kind == "h2":
        return format_html("<h2>{}</h2>", words[0][0])
    return format_html("<p>{}</p>", format_html_join(mark_safe("<br>"), "{}", words))
