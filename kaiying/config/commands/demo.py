"""``kaiying demo``: hands over to the rehearsal room."""

import argparse

from kaiying.config.commands import django_commands


def arguments(_parser: argparse.ArgumentParser) -> None:
    """Nothing of our own; the rehearsal reads its options."""


def run(options: argparse.Namespace) -> int:
    """Play the demo cohort in."""
    return django_commands.run("demo", options.rest, shown_as="kaiying demo")
