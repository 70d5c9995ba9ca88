"""Facts of a page for search engines: JSON-LD (https://schema.org), which browsers neither run nor show.

A script of that type is a data block, so that the policy for scripts lets it be.
"""

import json
from collections.abc import Mapping
from typing import Any

from django.utils.safestring import SafeString, mark_safe

# So that nothing in it ends the script.
ESCAPES = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026"}


def to_script(facts: Mapping[str, Any]) -> SafeString:
    words = json.dumps({"@context": "https://schema.org", **facts}, ensure_ascii=False).translate(ESCAPES)
    return mark_safe(f'<script type="application/ld+json">{words}</script>')  # noqa: S308  # escaped above
