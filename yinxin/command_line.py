"""The command ``yinxin``. Each command is a module of ``yinxin/commands``; this one only says what there is.

Exit statuses: 0 done; 1 failed, or something found to be wrong; 64 usage or an unreadable path; 69 something needed is not there now;
78 a server whose deployment somebody has to put right before it can start; 3 one whose processes did not come up, though nothing was wrong before.
``verify`` has its own (0, 1, 2, 64), see there.
"""

from __future__ import annotations

import errno
import sys
from typing import Annotated, Final, cast

import typer

from service_kit.durable_files import NO_ROOM
from yinxin.commands import (
    account_command,
    audit_command,
    backup_command,
    ca_command,
    client_command,
    follow_command,
    keycloak_command,
    keys_command,
    licence_command,
    roles_command,
    witness_command,
)
from yinxin.commands.changes_command import changes
from yinxin.commands.console import EXIT_UNAVAILABLE, EXIT_USAGE, fail, print_line, say, unwritten
from yinxin.commands.demo_command import demo
from yinxin.commands.doctor_command import doctor
from yinxin.commands.extend_command import extend
from yinxin.commands.init_command import init
from yinxin.commands.monitor_command import monitor
from yinxin.commands.seal_command import seal
from yinxin.commands.seal_import_command import seal_import
from yinxin.commands.serve_command import serve
from yinxin.commands.sign_challenge_command import sign_challenge
from yinxin.commands.trust_bundle_command import trust_bundle
from yinxin.commands.trust_list_command import trust_list
from yinxin.commands.verify_command import verify

EXIT_INTERRUPTED: Final = 130  # as shells report it
_UNUSABLE_PATH: Final = frozenset(
    {errno.ENOENT, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EISDIR, errno.EROFS, errno.EEXIST, errno.ELOOP, errno.ENAMETOOLONG}
)

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
app.command("seal-import")(seal_import)
app.command("changes")(changes)
app.command("extend")(extend)
app.command("verify")(verify)
app.command("trust-list")(trust_list)
app.command("trust-bundle")(trust_bundle)
app.command("init")(init)
app.command("serve")(serve)
app.command("doctor")(doctor)
app.command("sign-challenge")(sign_challenge)
app.add_typer(client_command.app, name="client")
account_command.app.add_typer(follow_command.app, name="follow")
app.add_typer(account_command.app, name="account")
app.add_typer(roles_command.app, name="roles")
app.add_typer(keys_command.app, name="keys")
app.add_typer(ca_command.app, name="ca")
app.add_typer(keycloak_command.app, name="keycloak")
app.add_typer(licence_command.app, name="licence")
app.add_typer(audit_command.app, name="audit")
app.add_typer(backup_command.app, name="backup")
app.command("monitor")(monitor)
app.add_typer(witness_command.app, name="witness")


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


def _tell(text: str) -> None:
    typer.echo(f"yinxin: {text}", err=True)


def main() -> None:
    """Run the command line and exit."""
    try:
        status = app(standalone_mode=False)
    except _UNUSABLE as error:
        cast("typer.BadParameter", error).show()
        sys.exit(EXIT_USAGE)
    except (typer.Abort, KeyboardInterrupt):
        sys.exit(EXIT_INTERRUPTED)
    except OSError as error:  # edge: what no command answers for itself; never 1, which `verify` keeps for invalid
        if error.errno in NO_ROOM and error.filename:  # a file, and not what is printed
            sys.exit(fail(unwritten(error, None), as_json="--json" in sys.argv).exit_code)
        _tell(f"{error.strerror or error}" + (f": {error.filename}" if error.filename else ""))
        sys.exit(EXIT_USAGE if error.errno in _UNUSABLE_PATH else EXIT_UNAVAILABLE)
    except UnicodeEncodeError:
        if all(each.encode("utf-8", "ignore").decode() == each for each in sys.argv):
            raise
        _tell(say("an argument holds bytes that are no text", "参数含有不是文本的字节"))
        sys.exit(EXIT_USAGE)
    sys.exit(status if isinstance(status, int) else 0)
