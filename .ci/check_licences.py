"""Refuse a dependency whose licence a public body could not ship. Reads only the installed packages' own metadata."""

from __future__ import annotations

import re
import sys
from importlib.metadata import distributions
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from email.message import Message

ALLOWED = re.compile(
    r"MIT|BSD|Apache|ISC|MPL|Mozilla|PSF|Python Software Foundation|Python-2\.0|OFL|Open Font|HPND|Unlicense|Zlib|0BSD|CC0|Public Domain|LGPL|Lesser General",
    re.IGNORECASE,
)
REFUSED = re.compile(r"\bAGPL|Affero|SSPL|Commons Clause|Proprietary", re.IGNORECASE)
# Reviewed by hand: metadata without a usable licence field.
REVIEWED = {
    "axe-playwright-python": "package MIT, the axe-core in it MPL-2.0; development only, never shipped",
    "justmytype-intl-cjk": "package MIT, fonts OFL-1.1",
    "gmssl": "BSD; test oracle and verify-only provider of last resort",
    "sd-jwt": "Apache-2.0 by its repository; test oracle",
    "yinxin": "ourselves, Apache-2.0",
}


def main() -> int:
    """Exit status 1 when a package has no acceptable licence."""
    refused = []
    for found in distributions():
        meta = cast("Message", found.metadata)
        name = meta["Name"]
        stated = " ".join(
            [
                meta.get("License-Expression") or "",
                (meta.get("License") or "")[:200],
                *[c for c in meta.get_all("Classifier") or [] if c.startswith("License")],
            ]
        )
        if name in REVIEWED:
            continue
        if REFUSED.search(stated) or not ALLOWED.search(stated):
            refused.append(f"{name}: {stated.strip() or 'no licence stated'}")
    for line in sorted(set(refused)):
        print(f"licence not accepted: {line}", file=sys.stderr)
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
