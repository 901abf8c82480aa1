"""The suite from Python: build a plugin from its yaml, run one cell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmark.config.build import build, load, load_task_arguments
from benchmark.config.grid import expand
from benchmark.core.errors import ConfigError
from benchmark.core.paths import Paths
from benchmark.core.types import Task
from benchmark.methods.base import Method
from benchmark.noise.base import Noise
from benchmark.results.row import Row


def load_method(name: str, **options: Any) -> Method:
    """The method of ``conf/method/<name>.yaml`` with some keys replaced; ``load_method("sam", base="elr")`` wraps another one.

    Raises:
        ConfigError: unknown name or key, or a value of the wrong type.
    """
    made: Method = build(load("method", name, **options), "method")
    return made


def load_noise(name: str, **options: Any) -> Noise:
    """The generator of ``conf/noise/<name>.yaml`` with some keys replaced.

    Raises:
        ConfigError: unknown name or key, or a value of the wrong type.
    """
    made: Noise = build(load("noise", name, **options), "noise")
    return made


def load_task(name: str, paths: Paths | None = None, **options: Any) -> Task:
    """The whole task of ``conf/task/<name>.yaml``, without noise.

    Raises:
        ConfigError: unknown name or key, or a value of the wrong type.
        DataError: a data file is missing or altered.
    """
    made: Task = build(load_task_arguments(load("task", name, **options)), "task", paths=paths or Paths.default())
    return made


def run(
    task: str,
    noise: str = "clean",
    method: str = "erm",
    *,
    model: str | None = None,
    trainer: str = "quick",
    seed: int = 0,
    results: str | Path | None = None,
    on_existing: str = "skip",
) -> Row:
    """Run one cell with one seed and return its row, which is stored as the command line would store it.

    Options are written as rows are labelled: ``run("digits", "symmetric(rate=0.4)", "elr(lam=5)")``. A run that fails
    returns a failed row.

    Args:
        model: the task's own by default.
        results: folder of the rows; ``results`` of the project by default.
        on_existing: skip, stale or rerun.

    Raises:
        ConfigError: unknown names or keys, or a pair that is not supported.
    """
    from benchmark.running.runner import Options, run_cell  # brings Lightning

    product = {"task": task, "noise": noise, "method": method, "trainer": trainer} | ({} if model is None else {"model": model})
    grid = expand([product], {}, {}, [])
    if not grid.cells:
        raise ConfigError(grid.skipped[0])
    paths = Paths.default(**({} if results is None else {"results": str(Path(results).absolute())}))
    (row,) = run_cell(grid.cells[0], [(seed, seed, seed)], paths, Options(on_existing))
    return row
