"""The table: one row a case, beside what it must reach."""

from dataclasses import dataclass, field

RECORD = 100_000 / 90
"""1 xR: the first launch this is held against sold 100,000 seats in 90 seconds."""
HEAD = ("case", "must reach", "reached", "xF", "xR", "µs", "p50", "p95", "p99", "verdict")
WIDTHS = (44, 34, 44, 5, 5, 5, 6, 6, 6, 8)


@dataclass(slots=True)
class Row:
    """One case."""

    case: str
    must: str = ""
    reached: str = ""
    of_empty: float | None = None
    of_record: float | None = None
    micros: float | None = None
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    holds: bool | None = None
    """None: there is nothing to hold, the figure stands for comparison."""
    notes: list[str] = field(default_factory=list)

    def settle(self, well: bool) -> None:  # noqa: FBT001 — the verdict itself
        """Say whether it reached what it must; what does not hold already goes on not holding."""
        self.holds = well and self.holds is not False

    def cells(self) -> list[str]:
        """Return the row as text."""
        verdict = {None: "–", True: "holds", False: "MISSES"}[self.holds]
        numbers = [
            *(_shown(self.of_empty, 2), _shown(self.of_record, 1), _shown(self.micros, 0)),
            *(_shown(one, 0 if one and one >= 100 else 1) for one in (self.p50, self.p95, self.p99)),
        ]
        return [self.case, self.must, self.reached, *numbers, verdict]


def _shown(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:,.{digits}f}"


def line(cells: list[str]) -> str:
    """Lay the cells of one row out."""
    return " ".join(
        cell.ljust(width) if place < 3 or place == 9 else cell.rjust(width)
        for place, (cell, width) in enumerate(zip(cells, WIDTHS, strict=True))
    ).rstrip()


def show(rows: list[Row]) -> str:
    """Lay the whole table out."""
    body = [line(list(HEAD)), "-" * (sum(WIDTHS) + len(WIDTHS) - 1)]
    for row in rows:
        body += [line(row.cells()), *(f"    {note}" for note in row.notes)]
    return "\n".join(body)
