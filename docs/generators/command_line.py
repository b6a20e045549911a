"""The commands with their options, as the program itself declares them."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Any, Final, get_args

import typer.main

from yinxin.command_line import app

_WORDS: Final[dict[object, str]] = {Path: "PATH", int: "NUMBER", float: "NUMBER"}
_HEAD: Final = """# Command line 命令行

Written by `make docs` from the program. The language of what commands print follows `LC_ALL` or `LANG`; `--json` prints one JSON object for programs.

| exit status | meaning |
|---|---|
| 0 | done; of `verify`: valid |
| 1 | failed, or something was found to be wrong; of `verify`: invalid |
| 2 | of `verify`: cannot be told |
| 3 | of `serve`: a process did not come up, though nothing was wrong right before; the next start says more |
| 64 | wrong usage, or a path that cannot be read |
| 69 | something needed is not there now: try again |
| 78 | of `serve` and `witness serve`: a part of the deployment is lost, damaged or older than the rest, and no later start mends it; the [error catalogue](error-catalogue.md) says so of each such code |
| 130 | interrupted |
"""


def render() -> str:
    """CommonMark, one section per command."""
    root: Any = typer.main.get_command(app)
    return _HEAD + "".join(_section(f"yinxin {name}", command) for name, command in _commands(root))


def _commands(group: Any, prefix: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, command in sorted(group.commands.items()):
        if getattr(command, "commands", None):
            found += _commands(command, f"{prefix}{name} ")
        else:
            found.append((prefix + name, command))
    return found


def _section(name: str, command: Any) -> str:
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    options = [each for each in command.params if each.param_type_name == "option" and each.name != "help"]
    usage = " ".join([name, *(_argument(each) for each in arguments), *(_needed(each) for each in options if each.required)])
    lines = [f"\n## {name}\n", _one_line(command.help), "", f"```text\n{usage}{' [options]' if len(options) > 0 else ''}\n```"]
    rows = [(f"`{_argument(each)}`", _help(each)) for each in arguments] + [(_option(each), _help(each)) for each in options]
    if rows:
        lines += ["", "| | |", "|---|---|", *(f"| {left} | {right} |" for left, right in rows)]
    return "\n".join(lines) + "\n"


def _argument(argument: Any) -> str:
    shown = str(argument.metavar or argument.name.upper())
    return (shown if argument.required else f"[{shown}]") + ("..." if argument.nargs < 0 else "")


def _needed(option: Any) -> str:
    return f"{max(option.opts, key=len)} {_value(option)}".rstrip()


def _option(option: Any) -> str:
    names = ", ".join(f"`{name}`" for name in option.opts)
    value = _value(option)
    return f"{names} `{value}`" if value else names


def _value(option: Any) -> str:
    if option.is_flag:
        return ""
    if option.metavar:
        return str(option.metavar)
    wanted = [each for each in _kinds(option.type_descriptor.annotation) if each is not type(None)]
    choices = [str(member.value) for kind in wanted if isinstance(kind, type) and issubclass(kind, Enum) for member in kind]
    return "/".join(choices) if choices else _WORDS.get(wanted[0], "TEXT")


def _kinds(annotation: Any) -> tuple[Any, ...]:
    inner = get_args(annotation)
    return tuple(kind for each in inner for kind in _kinds(each)) if inner else (annotation,)


def _help(parameter: Any) -> str:
    text = _one_line(getattr(parameter, "help", "") or "")
    default = parameter.default
    if callable(default) or default in (None, False, (), [], "") or type(default).__name__ == "Sentinel":
        told = ""
    else:
        told = f" Default: `{getattr(default, 'value', default)}`."
    return text + told + (" Needed. 必填。" if parameter.required and parameter.param_type_name == "option" else "")


def _one_line(text: str) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")
