"""``python -m benchmark task=digits noise=symmetric method=gce seeds=[0,1]``, and the commands behind the Makefile."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from pathlib import Path
from typing import Any

from benchmark.core.errors import ConfigError
from benchmark.core.paths import PLUGINS

PACKAGE = Path(__file__).resolve().parent


def main() -> int:
    """Run; wrong input is one line and exit code 2."""
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [PLUGINS, os.environ.get("PYTHONPATH", "")]))  # workers of a launcher import the sweeper too
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # a launcher reports to nobody
    sys.path.append(PLUGINS)
    full = os.environ.get("HYDRA_FULL_ERROR", "0") == "1"
    os.environ["HYDRA_FULL_ERROR"] = "1"  # let errors come up to here instead of being printed by Hydra
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError  # type: ignore[import-untyped]

    from benchmark.core.errors import Abort, UserError
    from benchmark.core.terminal import printable
    from benchmark.running.limits import interrupted_once

    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal that cannot show a sign shows its number instead
            stream.reconfigure(errors="backslashreplace")
    try:
        with interrupted_once():
            if "TORCHELASTIC_RUN_ID" in os.environ and int(os.environ["WORLD_SIZE"]) > 1:
                from benchmark.running.processes import led

                return led(lambda: run(sys.argv[1:]), _take_part)
            return run(sys.argv[1:])
    except (Abort, UserError, HydraException, OmegaConfBaseException, YAMLError) as error:
        if full:
            raise
        print(f"error: {printable(one_line(error))}", file=sys.stderr)
        return getattr(error.__cause__ if isinstance(error, Abort) else error, "exit_code", 2)
    except BrokenPipeError:  # the reader of our output has left, such as head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except KeyboardInterrupt:
        print("interrupted: finished rows are kept, the same command goes on", file=sys.stderr)
        return 130


def _take_part(cell: Any, seed: Any, paths: Any) -> None:
    """Train a run beside the process that leads it, without a logger of its own."""
    from benchmark.running.loggers import RunLogger
    from benchmark.running.runner import take_part

    take_part(cell, seed, paths, RunLogger())


def run(arguments: list[str]) -> int:
    """A command of the suite, or else a cell or sweep through Hydra."""
    from benchmark.config.commandline import COMMANDS, prepared

    if arguments and arguments[0] in COMMANDS:
        module, _, name = COMMANDS[arguments[0]].partition(":")
        return int(getattr(importlib.import_module(module), name)(arguments[1:]))
    from benchmark.commands.run import main as hydra_main

    sys.argv[1:] = prepared(arguments)
    try:
        hydra_main()
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        if _reached_ours(error):
            raise
        raise ConfigError(f"{' '.join(arguments)} cannot be read ({one_line(error)}): correct the command") from error
    return 0


def _reached_ours(error: BaseException) -> bool:
    """Whether an error came from code of the suite, not from Hydra's own reading of the command line."""
    frames = traceback.extract_tb(error.__traceback__)
    return any(Path(frame.filename).is_relative_to(PACKAGE) and frame.filename != __file__ for frame in frames)


def one_line(error: BaseException | None) -> str:
    """The first line of an error's message, or of what caused it when it has none."""
    while error is not None and not str(error).strip():
        error = error.__cause__
    mark = getattr(error, "problem_mark", None)  # of a yaml
    if mark is not None:
        return f"{mark.name} line {mark.line + 1} is no yaml ({getattr(error, 'problem', 'it cannot be read')}): correct it"
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


if __name__ == "__main__":
    sys.exit(main())
