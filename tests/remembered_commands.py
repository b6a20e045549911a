"""What the command line takes is read off the functions of the commands once, in processes of tests: they run hundreds of commands, and reading it
anew for each costs more than many a command.

Commands that tests start as processes of their own are not touched by this.
"""

from __future__ import annotations

from functools import cache
from unittest.mock import patch

import typer.main
import typer.testing


def remember_commands() -> None:
    """From now on, in this process."""
    remembered = cache(typer.main.get_command)
    patch.object(typer.main, "get_command", remembered).start()
    patch.object(typer.testing, "_get_command", remembered).start()
