"""What every command shares at the terminal: both languages side by side, JSON output, errors with a remedy, exit statuses."""

from __future__ import annotations

import getpass
import json
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import typer

from service_kit.durable_files import NO_ROOM
from standards.errors import Kind, TrustError
from yinxin.commands.reader_language import CHINESE, language_of_reader

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from service_kit.composition import ServiceContext

EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 64  # EX_USAGE of sysexits.h
EXIT_UNAVAILABLE: Final = 69  # EX_UNAVAILABLE: something needed is not there now, try again
EXIT_LASTING: Final = 78  # EX_CONFIG: of a start; no later one mends it
_USAGE_KINDS: Final = frozenset({Kind.UNACCEPTABLE, Kind.MALFORMED})

DIR_HELP: Final = "Folder of the deployment. 部署目录。"
JSON_HELP: Final = "Print one JSON object. 输出一个 JSON 对象。"


def say(english: str, chinese: str) -> str:
    """The text in the reader's language. Both stand side by side where they are used, so that neither is forgotten."""
    return chinese if language_of_reader() == CHINESE else english


def operator() -> str:
    """How the audit trail names whoever runs a command on this machine."""
    try:
        return f"operator:{getpass.getuser()[:64]}"
    except (OSError, KeyError):  # a user id without a name, as in containers
        return "operator:unknown"


def print_json(answer: object) -> None:
    """One JSON object on standard output."""
    sys.stdout.write(json.dumps(answer, ensure_ascii=False, indent=2) + "\n")


def print_line(text: str) -> None:
    """A line on standard output, as it is."""
    sys.stdout.write(text + "\n")


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table on the terminal; nothing in it is read as markup."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(show_edge=False, pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")  # a cut identifier is of no use to anyone
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)


def explain(error: TrustError) -> str:
    """An error for a person: what happened, why, what to do, and its code with what was found; a rule that is broken in the reader's language."""
    from service_kit.problem_catalogue import text_of
    from service_kit.rule_texts import violations_in
    from yinxin.links import load_catalogue

    load_catalogue()
    language = language_of_reader()
    text = text_of(error.code)
    facts = ", ".join(f"{name}={value}" for name, value in error.facts.items())
    code = f"[{error.code}{': ' + facts if facts else ''}]"
    if text is None:
        return code
    told = "".join(f"\n  {each['at']}: {each['told']}" for each in violations_in(language, error) if each["told"] != each["rule"])
    return f"{text.title(language)}. {text.cause(language)}{told}\n  {text.remedy(language)}\n  {code}"


def fail(error: TrustError, *, as_json: bool = False) -> typer.Exit:
    """Print an error and return the exit to raise: 64 for what the reader got wrong, 69 for what is not there now, otherwise 1."""
    from service_kit.database_errors import with_words_of_driver

    error = with_words_of_driver(error)
    if as_json:
        body: dict[str, Any] = {"error": {"code": error.code, "kind": error.kind.value, "facts": error.facts}}
        print_json(body)
    else:
        typer.echo(f"yinxin: {explain(error)}", err=True)
    if error.kind in _USAGE_KINDS:
        return typer.Exit(EXIT_USAGE)
    return typer.Exit(EXIT_UNAVAILABLE if error.kind is Kind.UNAVAILABLE else EXIT_FAILED)


def fail_start(error: TrustError) -> typer.Exit:
    """The same of a server that does not start: a supervisor tries again whatever may mend itself, and 78 says of the rest that somebody has to first."""
    from service_kit.problem_catalogue import text_of

    ended = fail(error)
    text = text_of(error.code)  # told by `fail`, so that the catalogue is there
    return typer.Exit(EXIT_LASTING) if text is not None and text.is_lasting else ended


def unwritten(error: OSError, path: Path | str | None) -> TrustError:
    """What keeps a file from being written, by a code: DISK_FULL (try again when there is room) or FILE_UNWRITABLE. ``path`` where the error has none."""
    where = error.filename or path
    facts = {**({"path": str(where)} if where else {}), "reason": error.strerror}
    if error.errno in NO_ROOM:
        return TrustError(Kind.UNAVAILABLE, "DISK_FULL", **facts)
    return TrustError(Kind.UNACCEPTABLE, "FILE_UNWRITABLE", **facts)


def check_folder(folder: Path) -> None:
    """TrustError DEPLOYMENT_MISSING (usage) unless the folder is a deployment that ``init`` has finished."""
    from yinxin.deployment import is_complete

    if not is_complete(folder):
        raise TrustError(Kind.UNACCEPTABLE, "DEPLOYMENT_MISSING", dir=str(folder))


@contextmanager
def opened_context(folder: Path, *, as_json: bool) -> Iterator[ServiceContext]:
    """The deployment for one command; what goes wrong is said and ends it."""
    from yinxin.assembly import code_older_rows, migrate_all, open_house
    from yinxin.deployment import open_deployment

    try:
        check_folder(folder)
        house = open_house(open_deployment(folder))
        try:
            migrate_all(house.context.database)  # behind an update nothing else may have run yet
            code_older_rows(house.context)
            yield house.context
        finally:
            house.close()
    except TrustError as error:
        raise fail(error, as_json=as_json) from None
