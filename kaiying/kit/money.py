"""Money in integer minor units, with its currency."""

from dataclasses import dataclass
from decimal import Decimal

DIGITS = {"JPY": 0, "KRW": 0, "VND": 0}
SIGNS = {"CNY": "¥", "JPY": "JP¥", "USD": "$", "EUR": "€", "GBP": "£", "HKD": "HK$"}


def digits(currency: str) -> int:
    """Return how many decimal places ``currency`` has."""
    return DIGITS.get(currency, 2)


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount in minor units (fen, cents) of ``currency`` (ISO 4217)."""

    minor: int
    currency: str = "CNY"

    @classmethod
    def parse(cls, text: str, currency: str = "CNY") -> "Money":
        """Read a decimal such as ``"2.80"``; raises ``ValueError`` if it has more places than the currency."""
        scaled = Decimal(text).scaleb(digits(currency))
        if not scaled.is_finite() or scaled != scaled.to_integral_value():
            msg = f"{text!r} is not an amount of {currency}"
            raise ValueError(msg)
        return cls(int(scaled), currency)

    def text(self, *, short: bool = False) -> str:
        """Write it as ``¥2.80``; ``short`` drops zeros at the end: ``¥2.8``, ``¥99``."""
        places = digits(self.currency)
        amount = f"{Decimal(abs(self.minor)).scaleb(-places):,.{places}f}"
        if short and "." in amount:
            amount = amount.rstrip("0").rstrip(".")
        sign = SIGNS.get(self.currency, f"{self.currency} ")
        return f"{'−' if self.minor < 0 else ''}{sign}{amount}"

    def __str__(self) -> str:
        """Write it in full."""
        return self.text()
