"""The settings: names, defaults and variables from the program; what each means from the table here, else from the program's own words.

A name in the table that is no setting, and a setting that neither explains, stop the generator: so neither can be forgotten.
"""

from __future__ import annotations

import ast
import inspect
from dataclasses import MISSING, fields, is_dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, get_type_hints

from docs.generators.settings_texts import AFTERWORD, MEANINGS
from service_kit import settings as module
from service_kit.settings import PREFIX, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEAD: Final = """# Settings 设置

One deployment is one folder. Its settings stand in `settings.toml` there; the environment goes before the file. A name in the file becomes
`YINXIN_` and the name in upper case, a name in a table gets a double underscore: `[limits] body_bytes` is `YINXIN_LIMITS__BODY_BYTES`. Lists
are separated by commas in the environment. An unknown name in the file is refused; unknown variables are listed by `yinxin doctor`. Paths are
taken from the folder. A change counts from the next start. Written by `make docs` from `service_kit/settings.py`.

| setting | default | variable | meaning |
|---|---|---|---|
"""


def render() -> str:
    """CommonMark, one row per setting."""
    rows, unused = [], set(MEANINGS)
    for name, default, own_words in _settings(Settings, ""):
        unused.discard(name)
        shown, meaning = MEANINGS.get(name, ("", ""))
        meaning = meaning or own_words.replace("``", "`")
        if not meaning:
            raise SystemExit(f"the setting {name} is explained nowhere: service_kit/settings.py or docs/generators/settings_texts.py")
        rows.append(f"| `{name}` | {shown or _shown(default)} | `{PREFIX}{name.upper().replace('.', '__')}` | {meaning} |\n")
    if unused:
        raise SystemExit(f"no settings any more: {', '.join(sorted(unused))} (docs/generators/settings_texts.py)")
    return _HEAD + "".join(rows) + AFTERWORD


def _settings(record: type[Any], prefix: str) -> Iterator[tuple[str, object, str]]:
    hints, words = get_type_hints(record), _words(record)
    for item in fields(record):
        if item.name == "dir" and not prefix:
            continue  # where the settings are, and no setting
        wanted = hints[item.name]
        if is_dataclass(wanted):
            yield from _settings(wanted if isinstance(wanted, type) else type(wanted), f"{item.name}.")
            continue
        default = item.default_factory() if item.default_factory is not MISSING else item.default
        yield prefix + item.name, default, words.get(item.name, "")


def _words(record: type[Any]) -> dict[str, str]:
    """The string that stands below a field, or, where the record has one field alone or names the field in its first words, the record's."""
    tree = ast.parse(inspect.getsource(module))
    body = next(node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == record.__name__)
    found: dict[str, str] = {}
    for field, text in pairwise(body):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            own = text.value.value if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) else None
            found[field.target.id] = " ".join(str(own).split()) if own else ""
    whole = " ".join((record.__doc__ or "").split())
    return {name: text or (whole if len(fields(record)) == 1 or f"``{name}``" in whole else "") for name, text in found.items()} | {
        item.name: whole for item in fields(record) if item.name not in found and (len(fields(record)) == 1 or f"``{item.name}``" in whole)
    }


def _shown(default: object) -> str:
    if default in (None, "", ()):
        return "none"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, tuple):
        return ", ".join(f"`{each}`" for each in default)
    return f"`{default}`"
