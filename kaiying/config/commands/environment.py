"""Read the operator's settings, and explain those that make no sense."""

from pydantic import ValidationError

from kaiying.config.commands import CannotGoOn
from kaiying.config.env import Env


def read_env() -> Env:
    """Return the settings from the environment."""
    try:
        return Env()
    except ValidationError as error:
        raise nonsense(error) from error


def nonsense(error: ValidationError) -> CannotGoOn:
    """Name the variables that were refused, and why; never their values, which may be secrets."""
    wrong = "; ".join(f"KAIYING_{'_'.join(map(str, one['loc'])).upper()}: {one['msg']}" for one in error.errors())
    return CannotGoOn(f"The settings make no sense: {wrong}", "Correct these environment variables.")
