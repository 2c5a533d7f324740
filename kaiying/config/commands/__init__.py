"""The commands of the ``kaiying`` command line, a module each: ``arguments(parser)``, ``run(options) -> status``."""

from dataclasses import dataclass

HERE = "kaiying.config.commands"


@dataclass(frozen=True)
class Command:
    """A command: the sentence an operator reads, and the module that is loaded when it is called."""

    help: str
    module: str
    more: str = ""
    reads: int | None = None
    """How many words it reads itself, when a room's command reads the rest."""


class CannotGoOn(Exception):
    """A command stops: what is wrong, and what to do about it; both are shown as they are."""

    def __init__(self, what: str, todo: str = "") -> None:
        """Keep both sentences."""
        super().__init__(what)
        self.what, self.todo = what, todo


COMMANDS = {
    "up": Command("Start everything: web, tasks and the clock, in one tree that heals itself.", f"{HERE}.up"),
    "writer": Command("Write what the fronts are asked; one for each database.", f"{HERE}.writer"),
    "front": Command("Answer the crowd of a launch in several processes, and ask the writer.", f"{HERE}.front"),
    "doctor": Command("Examine this install and say what to do about each finding.", f"{HERE}.doctor"),
    "check": Command("Check the settings, the migrations and the catalogues before an upgrade.", f"{HERE}.check"),
    "camp": Command(
        "Check, load, compare, export or render a camp that is a folder.",
        f"{HERE}.camp",
        more="kaiying camp ACTION --help tells what the action needs.",
        reads=1,
    ),
    "cohort": Command(
        "Open a cohort of a loaded camp, and put its seats on sale.",
        f"{HERE}.cohort",
        more="kaiying cohort open --help tells what it needs.",
        reads=1,
    ),
    "demo": Command("Load the demo camp and play a cohort in.", f"{HERE}.demo", reads=0),
    "verify": Command("Recompute every sale's seats, claims and money, while it runs.", f"{HERE}.verify"),
    "backup": Command("Write everything into one file, while the service runs.", f"{HERE}.backup"),
    "restore": Command("Bring a backup back, after checking it; the service must be stopped.", f"{HERE}.restore"),
}
