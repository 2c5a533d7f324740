"""``kaiying up``: the whole service as one tree of processes."""

import argparse
import http.client
import os
import signal
import socket
import sys
import time
from contextlib import suppress
from urllib.parse import urlsplit

from kaiying.config.commands import CannotGoOn, lock, preparing
from kaiying.config.commands.environment import read_env
from kaiying.config.commands.findings import Level, before_start
from kaiying.config.commands.front import granian
from kaiying.config.commands.supervisor import Child, Supervisor
from kaiying.config.commands.writer import address_of
from kaiying.config.env import Env
from kaiying.wire import clock

ANY_HOST = {"0.0.0.0", "::", ""}  # noqa: S104 — compared with, not bound to
LONGEST_ADDRESS = 60


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``up``."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at (default 127.0.0.1)")
    parser.add_argument("--port", type=int, default=int(os.environ.get("PORT") or 8000), help="port (default 8000)")
    parser.add_argument(
        "--workers", type=int, default=1, help="web processes; one serves a class of hundreds (default 1)"
    )
    parser.add_argument(
        "--fronts",
        type=int,
        default=0,
        help="processes for a launch, at the next port, and one that writes for all",
    )
    parser.add_argument("--no-migrate", action="store_true", help="leave the tables as they are")
    parser.add_argument("--demo", action="store_true", help="demo camp, demo people, one-click sign-in; never for real")


def run(options: argparse.Namespace) -> int:
    """Check, prepare, start, and stay until stopped."""
    begun = time.monotonic()
    _settle_address(options)
    env = read_env()
    _refuse_on_errors(env)
    try:
        # The children of a supervisor that was killed end by themselves, but not at once.
        held = lock.take(env.data, patience=10)
    except lock.Busy as busy:
        todo = f"Stop the other one first, or set KAIYING_DATA to another folder ({busy})."
        raise CannotGoOn("Kaiying already runs on this data folder.", todo) from None
    for port in (options.port, options.port + 1) if options.fronts else (options.port,):
        _port_is_free(options.host, port)
    clock.configure(env.clock)
    environment = os.environ | {"KAIYING_DATA": str(env.data), "KAIYING_CLOCK": clock.as_offset()}
    environment["DJANGO_SETTINGS_MODULE"] = "kaiying.config.settings"
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # it would compile 1700 modules anew at every start
    if not preparing.is_prepared(env):
        preparing.prepare_apart(env, migrate=not options.no_migrate, demo=env.demo)
    children = [
        Child("Web", _web(options), signal.SIGHUP),
        Child("Tasks", [sys.executable, "-m", "django", "work"], signal.SIGTERM),
    ]
    if options.fronts:
        environment["KAIYING_WRITER"] = str(address_of("", env))
        children += _fronts(options)
    tree = Supervisor(children, environment=environment, keep=[held], say=_say)
    patient_until = time.monotonic() + LONGEST_ADDRESS  # from here on: what came before may have taken minutes
    return tree.run(when_started=lambda: _announce(env, options, begun=begun, patient_until=patient_until))


def _settle_address(options: argparse.Namespace) -> None:
    """Let links in mail name the port we listen at, unless the operator said otherwise."""
    if options.demo:
        os.environ["KAIYING_DEMO"] = "1"
    if not os.environ.get("KAIYING_URL"):
        host = "127.0.0.1" if options.host in ANY_HOST else options.host
        os.environ["KAIYING_URL"] = f"http://{host}:{options.port}"


def _refuse_on_errors(env: Env) -> None:
    errors = [finding for finding in before_start(env) if finding.level == Level.ERROR]
    if errors:
        lines = "\n  ".join(f"{finding.name}: {finding.found}\n    → {finding.todo}" for finding in errors)
        raise CannotGoOn("This install is not fit to start.", lines)


def _port_is_free(host: str, port: int) -> None:
    """Say that the port is taken now, rather than in the log of a child."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            todo = "Choose another with --port, or stop what listens there."
            raise CannotGoOn(f"Port {port} at {host} cannot be used: {error.strerror}.", todo) from error


def _web(options: argparse.Namespace) -> list[str]:
    return [
        *(sys.executable, "-m", "granian", "--interface", "asginl"),
        *("--host", options.host, "--port", str(options.port), "--workers", str(options.workers)),
        *("--respawn-failed-workers", "--workers-kill-timeout", "10", "--no-ws"),
        # It counts connections, not requests: 1,024 open pages would be all there is room for, and the rest would hang.
        *("--backlog", "4096", "--backpressure", "16384"),
        *("--log-level", "warning", "kaiying.config.asgi:application"),
    ]


def _fronts(options: argparse.Namespace) -> list[Child]:
    return [
        Child("Writer", [sys.executable, "-m", "kaiying.config.cli", "writer"], signal.SIGTERM),
        Child("Fronts", granian(host=options.host, port=options.port + 1, workers=options.fronts), signal.SIGHUP),
    ]


def _announce(env: Env, options: argparse.Namespace, *, begun: float, patient_until: float) -> bool:
    """Tell the address as soon as it answers."""
    host = "127.0.0.1" if options.host in ANY_HOST else options.host
    try:
        asked = http.client.HTTPConnection(host, options.port, timeout=2)
        asked.request("GET", "/healthz")
        well = asked.getresponse().status == http.HTTPStatus.OK
    except OSError:
        well = False
    if not well:
        return time.monotonic() > patient_until
    address, seconds = env.url.rstrip("/"), time.monotonic() - begun
    _say(f"\n  [bold]Kaiying is up[/bold] after {seconds:.1f} s: [bold cyan]{address}/[/bold cyan]")
    site = urlsplit(env.url)
    if site.scheme == "https":
        _say(f"  [dim]behind your proxy; listening at http://{host}:{options.port}[/dim]")
    if env.demo:
        from rich.cells import set_cell_size  # noqa: PLC0415 — as below

        for person in preparing.last(env).get("people", []):
            _say(f"    {set_cell_size(person['who'], 24)} [cyan]{address}{person['path']}[/cyan]")
    _say("  [dim]Stop with Ctrl-C.[/dim]\n")
    return True


def _say(text: str) -> None:
    from rich.console import Console  # noqa: PLC0415 — not before the children are on their way

    with suppress(BrokenPipeError):
        Console(highlight=False, soft_wrap=True).print(text)
