"""The command ``yinxin``. Each command is a module of ``yinxin/commands``; this one only says what there is.

Exit statuses: 0 done; 1 failed, or something found to be wrong; 64 usage or an unreadable path; 69 something needed is not there now.
``verify`` has its own (0, 1, 2, 64), see there.
"""

from __future__ import annotations

import sys
from typing import Annotated, Final, cast

import typer

from yinxin.commands import (
    audit_command,
    ca_command,
    client_command,
    keys_command,
)
from yinxin.commands.console import EXIT_USAGE, print_line
from yinxin.commands.demo_command import demo
from yinxin.commands.doctor_command import doctor
from yinxin.commands.init_command import init
from yinxin.commands.seal_command import seal
from yinxin.commands.serve_command import serve
from yinxin.commands.verify_command import verify

EXIT_INTERRUPTED: Final = 130  # as shells report it

app: Final = typer.Typer(
    name="yinxin",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # its traces show values of variables, which may be secrets
    context_settings={"help_option_names": ["-h", "--help"]},
    help="A trust layer for government services: electronic seals that strangers can verify. 政务可信服务：电子印章、签发与验证。",
)
app.command("demo")(demo)
app.command("seal")(seal)
app.command("verify")(verify)
app.command("init")(init)
app.command("serve")(serve)
app.command("doctor")(doctor)
app.add_typer(client_command.app, name="client")
app.add_typer(keys_command.app, name="keys")
app.add_typer(ca_command.app, name="ca")
app.add_typer(audit_command.app, name="audit")


def _show_version(wanted: bool) -> None:
    if wanted:
        from yinxin.version import program_version

        print_line(program_version())
        raise typer.Exit


@app.callback()
def options(
    *,
    version: Annotated[bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version. 显示版本。")] = False,
) -> None:
    """What holds for every command."""


# Typer carries its own copy of click in some versions and imports it in others: the class both raise is found by its name
_UNUSABLE: Final = cast("type[Exception]", next(each for each in typer.BadParameter.__mro__ if each.__name__ == "ClickException"))


def main() -> None:
    """Run the command line and exit."""
    try:
        status = app(standalone_mode=False)
    except _UNUSABLE as error:
        cast("typer.BadParameter", error).show()
        sys.exit(EXIT_USAGE)
    except (typer.Abort, KeyboardInterrupt):
        sys.exit(EXIT_INTERRUPTED)
    sys.exit(status if isinstance(status, int) else 0)
