"""A payment service under the tests' control, in memory: the outside world with its faults."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection

from kaiying.orders.providers import Charge, Declined, Told, Unreachable
from kaiying.orders.vocabulary import Forged


@dataclass
class Account:
    """What the service knows about one order of the shop."""

    charge: Charge
    ref: str
    state: str = "open"
    transaction: str = ""
    returned: dict[str, int] = field(default_factory=dict)


@dataclass
class Lab:
    """A service whose line can be cut (``down``).

    ``is_careless`` knows no limit of refunds, ``is_sloppy`` takes money for orders it said were closed.
    """

    name: str = "lab"
    merchant: str = "lab-shop"
    label: str = "Lab pay"
    hint: str = ""
    down: set[str] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)
    accounts: dict[str, Account] = field(default_factory=dict)
    refunds: dict[str, int] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    inside: list[str] = field(default_factory=list)
    is_careless: bool = False
    is_sloppy: bool = False
    guard: threading.RLock = field(default_factory=threading.RLock)

    def open(self, charge: Charge) -> tuple[str, str]:
        self._enter("open")
        with self.guard:
            account = self.accounts.setdefault(charge.number, Account(charge, f"lab-{charge.number}"))
        return account.ref, self.page(account.ref)

    def page(self, ref: str) -> str:
        return f"https://pay.example/{ref}"

    def ask(self, ref: str) -> Told:
        self._enter("ask")
        return self._told(self._account(ref))

    def close(self, ref: str) -> Told:
        self._enter("close")
        with self.guard:
            account = self._account(ref)
            if account.state == "open":
                account.state = "closed"
            return self._told(account)

    def refund(self, *, ref: str, transaction: str, amount: int, key: str) -> str:
        self._enter("refund")
        with self.guard:
            if key not in self.refunds:
                account = self._account(ref)
                before = account.returned.get(transaction, 0)
                if not self.is_careless and account.charge.amount < before + amount:
                    raise Declined("too much")
                account.returned[transaction] = before + amount
                self.refunds[key] = amount
        return f"R-{key}"

    def take_back(self, number: str, *, transaction: str, amount: int, key: str) -> None:
        """Somebody gives money back at the service itself, once per key; the shop did not ask for it."""
        with self.guard:
            if key not in self.refunds:
                account = self.accounts[number]
                account.returned[transaction] = account.returned.get(transaction, 0) + amount
                self.refunds[key] = amount

    def read(self, *, body: bytes, headers: Mapping[str, str], at: datetime) -> Told:
        raise Forged

    def pay(self, number: str) -> bool:
        """The buyer pays; False if the order was closed before."""
        with self.guard:
            account = self.accounts[number]
            if account.state == "closed" and not self.is_sloppy:
                return False
            account.state, account.transaction = "paid", f"T-{number}"
            return True

    def told(self, number: str) -> Told:
        return self._told(self.accounts[number])

    def _enter(self, what: str) -> None:
        self.calls.append(what)
        if connection.in_atomic_block:
            self.inside.append(what)
        if what in self.down:
            raise Unreachable("the line is cut")
        if what in self.broken:
            raise ValueError("<html>502 Bad Gateway")

    def _account(self, ref: str) -> Account:
        return self.accounts[ref.removeprefix("lab-")]

    def _told(self, account: Account) -> Told:
        return Told(
            number=account.charge.number,
            state=account.state,
            amount=account.charge.amount,
            currency=account.charge.currency,
            transaction=account.transaction,
            ref=account.ref,
            merchant=self.merchant,
        )


LAB = Lab()


def the_lab() -> Lab:
    """Return the one service; the shop's settings name this function."""
    return LAB
