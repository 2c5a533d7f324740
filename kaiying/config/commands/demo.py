"""``kaiying demo``: hands over to the rehearsal room."""

import argparse

from kaiying.config.commands import django_commands


def arguments(parser: argparse.ArgumentParser) -> None:
    """Nothing of our own; the rehearsal reads its options."""
    parser.add_help = False


def run(options: argparse.Namespace) -> int:
    """Play the demo cohort in."""
    return django_commands.run("demo", options.rest, shown_as="kaiying demo")
