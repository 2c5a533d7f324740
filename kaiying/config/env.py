"""What an operator may set, read once from the environment (``KAIYING_…``)."""

import secrets
from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from kaiying.config import events
from kaiying.wire.buckets import Rate


class Env(BaseSettings):
    """Typed settings; every one has a default that works on one machine."""

    model_config = SettingsConfigDict(env_prefix="KAIYING_", extra="ignore", env_ignore_empty=True)

    data: Path = Path(".data")
    """Folder of the database file, media, static files and the secret key."""

    database_url: str = ""
    """``postgresql://user:pass@host:5432/name`` (also several ``host:port,…``); empty: the file in the data folder."""

    secret_key: str = ""
    """Signs sessions and passes; made and kept in the data folder when empty."""

    url: str = "http://127.0.0.1:8000"
    """The address people use, for links in mail and share cards."""

    hosts: Annotated[list[str], NoDecode] = Field(default_factory=list)
    """Host names that are answered besides the one in ``url``, separated by commas."""

    demo: bool = False
    """Demo mode: one-click sign-in and a demo camp. Never on a real install."""

    debug: bool = False
    """Show tracebacks in the browser; for developers."""

    clock: str = ""
    """A moment or an offset (``+2d3h``) that shifts the product's clock; for rehearsal and tests."""

    mail_url: str = ""
    """``smtp://user:pass@host:587`` or ``smtps://…``; empty writes mail into the data folder."""

    mail_from: str = "Kaiying <no-reply@localhost>"
    """The sender of our mail."""

    trusted_proxies: int = 0
    """How many reverse proxies stand in front and set ``X-Forwarded-For`` and ``-Proto``."""

    brake_account: str = "10+1/s"
    """How often one account may claim: so many at once + so many a second; ``off`` is no limit."""

    brake_network: str = "300+20/s"
    """The same for one network: an IPv4 address, or the first 64 bits of an IPv6 address."""

    captcha: str = ""
    """Dotted name of ``captcha(token, learner_id, address) -> bool``, asked when a brake holds somebody."""

    metrics_token: str = ""
    """Opens ``/metrics`` to ``Authorization: Bearer …`` from elsewhere than this machine."""

    writer: str = ""
    """Where ``kaiying writer`` listens (``unix:/path`` or ``host:port``); empty: the web process writes by itself."""

    events: str = "auto"
    """What wakes open pages of other processes: ``auto`` (``notify`` on PostgreSQL), ``notify``, ``poll``, ``redis://…``."""

    @field_validator("events")
    @classmethod
    def _is_a_way_to_wake(cls, text: str) -> str:
        """Refuse what nobody can be woken by."""
        if not events.makes_sense(text):
            raise ValueError("must be auto, poll, notify, or the address of a Redis")
        return text

    @field_validator("brake_account", "brake_network")
    @classmethod
    def _is_a_rate(cls, text: str) -> str:
        """Refuse what is not a rate."""
        Rate.read(text)
        return text

    @field_validator("hosts", mode="before")
    @classmethod
    def _split(cls, hosts: object) -> object:
        """Read names that are separated by commas."""
        return [name.strip() for name in hosts.split(",") if name.strip()] if isinstance(hosts, str) else hosts

    def model_post_init(self, _context: object, /) -> None:
        """Make paths absolute, so that a later change of directory cannot move the data."""
        self.data = self.data.expanduser().resolve()

    @cached_property
    def signing_key(self) -> str:
        """The secret key: given, or made once and kept readable to its owner only."""
        if self.secret_key:
            return self.secret_key
        path = self.data / "secret.key"
        if not path.exists():
            self.data.mkdir(parents=True, exist_ok=True)
            draft = path.with_name(f"secret.key.{secrets.token_hex(4)}")
            draft.touch(mode=0o600)
            draft.write_text(secrets.token_urlsafe(48), encoding="ascii")
            try:
                path.hardlink_to(draft)  # first one wins when several processes start at once
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        return path.read_text(encoding="ascii").strip()
