"""Brakes on claims: how often one account and one network may ask, before anything is looked up.

A network is one IPv4 address or the first 64 bits of an IPv6 address. Its burst is meant for a class behind one
router: everybody in it gets in, a script does not. The buckets belong to the process, so the bare edge and the pages
share them.

``captcha(token, learner_id, address) -> bool`` is a hook for a service of the operator's choice. It is asked only when
a bucket is empty, so an honest crowd never meets it.
"""

import logging
from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from ipaddress import IPv6Address, ip_address

from kaiying.wire.buckets import Buckets, Rate

logger = logging.getLogger(__name__)

type Captcha = Callable[[str, int, str], bool]

ACCOUNT = Rate(10, 1)
NETWORK = Rate(300, 20)


class Brakes:
    """The buckets of accounts and networks."""

    def __init__(
        self, *, account: Rate | None = ACCOUNT, network: Rate | None = NETWORK, captcha: str = "", proxies: int = 0
    ) -> None:
        """Limit as the operator says; ``None`` is no limit. ``captcha`` is the dotted name of the hook."""
        self._accounts = Buckets[int](burst=account.burst, per_second=account.per_second) if account else None
        self._networks = Buckets[str](burst=network.burst, per_second=network.per_second) if network else None
        self._captcha, self.proxies = captcha, proxies

    def wait(self, learner_id: int, address: str) -> float:
        """Take one for this account at this network and return 0, or the seconds until there is one."""
        if self._accounts is not None:
            seconds = self._accounts.wait(learner_id)
            if seconds:
                return seconds
        if self._networks is None or not address:
            return 0.0
        seconds = self._networks.wait(network_of(address) if ":" in address else address)
        if seconds and self._accounts is not None:
            self._accounts.give_back(learner_id)
        return seconds

    @property
    def has_captcha(self) -> bool:
        """Whether a person can prove to be one."""
        return bool(self._captcha)

    def is_person(self, token: str, *, learner_id: int, address: str) -> bool:
        """Ask the operator's captcha service; blocks, so never in a loop. A service that fails lets nobody through."""
        if not self._captcha or not token:
            return False
        try:
            return _hook(self._captcha)(token, learner_id, address) is True
        except Exception:
            logger.exception("The captcha %s failed.", self._captcha)
            return False


@lru_cache(maxsize=4096)
def network_of(address: str) -> str:
    """Return what stands for the network of an address: itself, or the first 64 bits of an IPv6 address."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or IPv6Address(int(parsed) >> 64 << 64))


def client_address(peer: str, forwarded: str, *, proxies: int) -> str:
    """Return the address a request comes from: the peer's, or what the outermost of our ``proxies`` saw.

    Each proxy adds the address it was asked from at the end of ``X-Forwarded-For``; what stands before those is the
    client's own word and worth nothing.
    """
    if not proxies or not forwarded:
        return peer
    told = [part.strip() for part in forwarded.split(",")]
    return told[-min(proxies, len(told))] or peer


@lru_cache(maxsize=8)
def _hook(name: str) -> Captcha:
    module, _, function = name.rpartition(".")
    found: Captcha = getattr(import_module(module), function)
    return found


_brakes = Brakes()


def configure(brakes: Brakes) -> None:
    """Set the brakes of this process."""
    global _brakes  # noqa: PLW0603 — one process has one set of brakes
    _brakes = brakes


def current() -> Brakes:
    """Return the brakes of this process."""
    return _brakes
