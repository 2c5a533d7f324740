"""Run a management command of a room as if it were one of ours."""

import sys
from collections.abc import Sequence

import django
from django.core.exceptions import ImproperlyConfigured
from django.core.management import get_commands, load_command_class
from pydantic import ValidationError

from kaiying.config.commands import CannotGoOn
from kaiying.config.commands.environment import nonsense


def set_up() -> None:
    """Load Django and the rooms; settings that make no sense are explained."""
    try:
        django.setup()
    except ValidationError as error:
        raise nonsense(error) from error
    except (ImproperlyConfigured, ValueError, OSError) as error:
        raise CannotGoOn(f"The settings make no sense: {error}", "Run kaiying doctor for more.") from error


def run(name: str, words: Sequence[str], *, shown_as: str) -> int:
    """Run a management command with the words that follow it."""
    set_up()
    room = get_commands().get(name)
    if room is None:
        raise CannotGoOn(f"The command {name} is not part of this install.", "Install Kaiying again.")
    command = load_command_class(room, name) if isinstance(room, str) else room
    program, _, last = shown_as.rpartition(" ")
    sys.argv = [program, last, *words]
    try:
        command.run_from_argv([program, last, *words])
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return 0
