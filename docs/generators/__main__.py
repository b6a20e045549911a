"""``python -m docs.generators [--check]``: write the generated files, or say which of them are out of date."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from docs.generators import clause_matrix, command_line, error_catalogue, events, openapi, permission_matrix, settings

if TYPE_CHECKING:
    from collections.abc import Callable

GENERATED: Final[dict[str, Callable[[], str]]] = {
    "docs/reference/clause-matrix.md": clause_matrix.render,
    "docs/reference/command-line.md": command_line.render,
    "docs/reference/error-catalogue.md": error_catalogue.render,
    "docs/reference/events.md": events.render,
    "docs/reference/openapi.json": openapi.render,
    "docs/reference/permission-matrix.md": permission_matrix.render,
    "docs/reference/settings.md": settings.render,
}


def main(arguments: list[str]) -> int:
    """Exit status 1 when ``--check`` finds a file that is out of date."""
    stale = []
    for name, render in GENERATED.items():
        path, text = clause_matrix.PROJECT / name, render()
        if "--check" in arguments:
            if not path.is_file() or path.read_text(encoding="utf-8") != text:
                stale.append(name)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    for name in stale:
        print(f"{name} is out of date: run `make docs` and commit the result", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
