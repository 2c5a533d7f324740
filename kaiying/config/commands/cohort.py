"""``kaiying cohort``: hands over to the room that opens cohorts."""

import argparse

from kaiying.config.commands import django_commands

ACTIONS = {"open": "open a cohort of a loaded camp, and put its seats on sale"}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Only the action; the rest is read by the action itself."""
    parser.usage = "kaiying cohort ACTION [OPTIONS]"
    parser.add_argument("action", choices=ACTIONS, metavar="ACTION", help="one of: " + ", ".join(ACTIONS))


def run(options: argparse.Namespace) -> int:
    """Run the action."""
    return django_commands.run(f"cohort_{options.action}", options.rest, shown_as=f"kaiying cohort {options.action}")
