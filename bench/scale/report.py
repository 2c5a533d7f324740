"""What a case found, and how it is printed."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Result:
    """One row: its figures by name, and whether it is as it must be (``None``: nothing was promised)."""

    case: str
    holds: bool | None = None
    figures: dict[str, object] = field(default_factory=dict)
    left_out: str = ""

    def __str__(self) -> str:
        """Show it."""
        if self.left_out:
            return f"! {self.case}: LEFT OUT, {self.left_out}"
        mark = {True: "✓", False: "✗", None: "·"}[self.holds]
        return "\n".join([f"{mark} {self.case}", *(f"    {name}: {value}" for name, value in self.figures.items())])
