"""``kaiying camp``: hands over to the camps room's own commands."""

import argparse

from kaiying.config.commands import django_commands

ACTIONS = {
    "check": "report every mistake in a camp folder, with file, line and what to do",
    "load": "show what would change, then load the folder",
    "diff": "show what loading the folder would change",
    "export": "write a loaded camp back into a folder",
    "render": "make the lesson videos of a camp from its slides",
}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Only the action; the rest is read by the action itself."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.usage = "kaiying camp ACTION [OPTIONS]"
    parser.add_argument("action", choices=ACTIONS, metavar="ACTION", help="one of: " + ", ".join(ACTIONS))
    parser.add_argument_group("actions", "\n".join(f"{name:8} {text}" for name, text in ACTIONS.items()))


def run(options: argparse.Namespace) -> int:
    """Run the action."""
    return django_commands.run(f"camp_{options.action}", options.rest, shown_as=f"kaiying camp {options.action}")
