"""Errors that a user can act on: one line that says what, where, which value and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """Wrong input. Shown as one line; the program ends with ``exit_code``."""

    exit_code = 2


class ConfigError(UserError):
    """A configuration that cannot be run."""


class DataError(UserError):
    """A data file that is missing, altered or of another format."""


class RowError(DataError):
    """A row's file that is truncated or altered: it counts as missing, and its run is made again."""


class LaunchError(UserError):
    """A launcher that could not start, or whose worker died. Shown as one line; exit code 1, as for failed runs: the same command goes on."""

    exit_code = 1


class Abort(BaseException):
    """Carries a ``UserError`` through Hydra, which announces exceptions of a job with the whole list of overrides."""


def choices(value: object, valid: Iterable[str]) -> str:
    """``did you mean 'x'? choices: a, b, x`` for an unknown name."""
    names = sorted(valid)
    close = difflib.get_close_matches(str(value), names, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"{hint}choices: {', '.join(names) or 'none'}"
