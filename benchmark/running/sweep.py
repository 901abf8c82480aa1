"""Run what is missing of a grid, through any launcher of Hydra, and report."""

from __future__ import annotations

import functools
import itertools
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.core.override_parser.types import Override
from hydra.plugins.launcher import Launcher
from omegaconf import DictConfig, OmegaConf

from benchmark.config.cells import Cell
from benchmark.config.grid import Grid, expand
from benchmark.core.errors import ConfigError, DataError, LaunchError
from benchmark.core.paths import Paths, folder
from benchmark.core.protocol import AXES, PRIMARY
from benchmark.core.seeds import Seed
from benchmark.core.terminal import printable
from benchmark.results.freshness import due
from benchmark.results.row import DIED, Row, seed_name
from benchmark.results.store import Store
from benchmark.running.launching import launched, passed_on
from benchmark.running.limits import drained_by_sigterm, end_drained
from benchmark.running.packages import lacking
from benchmark.tuning.frozen import variants

Waiting = Mapping[tuple[str, Seed], Cell]
Job = tuple[Cell, list[Seed]]
LARGEST_SEED = 1 << 63
OF_SWEEP = ("experiment", "launcher", "jobs", "seeds", "setting")  # a job is one cell: it composes faster without them


def seed_tuples(seeds: Any, axes: Mapping[str, Any]) -> list[Seed]:
    """(split, noise, train) seeds: equal by default; ``axes`` separate noise and training, one value serving all.

    Args:
        seeds: as configured: integers from 0, or one.
        axes: the same by axis, None where it is not separated.

    Raises:
        ConfigError: not integers, or lists of different lengths.
    """
    columns: list[list[int]] = []
    for name in (None, "noise", "train"):
        given = seeds if name is None or axes.get(name) is None else axes[name]
        values = [given] if isinstance(given, int) else list(given) if isinstance(given, Sequence) and not isinstance(given, str) else []
        where = "seeds" if name is None else f"seeds.{name}"
        if not values or not all(isinstance(v, int) and not isinstance(v, bool) and 0 <= v < LARGEST_SEED for v in values):
            raise ConfigError(f"{where}={given} is not a list of seeds: give integers from 0, such as {where}=[0,1,2]")
        seeds = values if name is None else seeds
        if len(values) not in (1, len(seeds)):
            raise ConfigError(f"{where} has {len(values)} values, seeds has {len(seeds)}: give one or as many")
        columns.append(values * (len(seeds) if len(values) == 1 else 1))
    return list(dict.fromkeys(zip(*columns, strict=True)))


def grid_of(
    sweeper: Mapping[str, Any],
    overrides: Sequence[Override],
    chosen: Mapping[str, Any],
    setting: str = "default",
    data: Path | None = None,
) -> tuple[Grid, list[str]]:
    """Expand the grid of an experiment under the command line's overrides.

    Args:
        sweeper: ``grid``, ``narrow`` and ``extra`` of ``hydra.sweeper``.
        overrides: of the command line: options of the axes narrow the grid.
        chosen: Hydra's runtime choices, for axes that nobody names.
        setting: where hyper-parameters come from: default | blind | trials.
        data: folder of the user's data; ``LABELNOISE_DATA`` by default.

    Returns:
        The grid, and the overrides that go to every job as they are.
    """
    narrow, rest = {axis: list(map(str, entries)) for axis, entries in sweeper["narrow"].items()}, []
    for override in overrides:
        key = override.get_key_element().lstrip("+~")
        if key in AXES:
            values = override.sweep_string_iterator() if override.is_sweep_override() else [override.get_value_element_as_str()]
            narrow[key] = [str(value).strip("'\"") for value in values]
        elif override.is_sweep_override():
            raise ConfigError(f"{override.input_line} sweeps over a setting that is no axis: run one sweep for each value")
        elif key not in OF_SWEEP and not key.startswith("hydra."):
            rest.append(str(override.input_line))
    given = {axis: str(chosen[axis]) for axis in AXES if axis != "model"}
    products = sweeper["grid"]
    if not products:
        products = [{axis: narrow.pop(axis, [given.get(axis, "")]) for axis in AXES if axis in given or axis in narrow}]
    extra = list(map(str, sweeper["extra"]))
    return expand(products, narrow, given, extra, functools.partial(variants, setting), data), rest + extra


Publish = Callable[[Sequence[Row], Path], None]


def run_sweep(
    sweeper: Mapping[str, Any],
    overrides: Sequence[Override],
    config: DictConfig,
    launcher: Launcher,
    publish: Publish,
) -> list[Row]:
    """Launch the cells whose rows are missing; show the board; exit with code 1 if a run failed, 143 after SIGTERM.

    Args:
        sweeper: ``grid``, ``narrow`` and ``extra`` of ``hydra.sweeper``.
        overrides: of the command line.
        config: what Hydra composed for the sweep itself.
        launcher: Hydra's own, which runs the cells.
        publish: shows the rows of the grid, given with the folder of results, as a board.
    """
    from benchmark.running.progress import progress

    chosen: Any = OmegaConf.to_container(config.hydra.runtime.choices)
    grid, words = grid_of(sweeper, overrides, chosen, str(config.setting), Paths.of(config.paths).data)
    if not grid.cells:
        narrowed = {axis: ",".join(map(str, entries)) for axis, entries in sweeper["narrow"].items()}
        narrowed |= {o.get_key_element(): o.get_value_element_as_str() for o in overrides if o.get_key_element() in AXES}
        wanted = " with ".join(f"{axis}={narrowed[axis]}" for axis in AXES if axis in narrowed)
        reason = "; ".join(grid.skipped[:3]) or f"no product of the experiment has {wanted}: drop one of them, or run the cell without experiment="
        raise ConfigError(f"nothing to run: {reason}")
    seeds = seed_tuples(config.seeds, config.seed_axes)
    results = folder(str(config.paths.results), "paths.results")
    store = Store(results)
    waiting = pending(grid.cells, seeds, store, str(config.on_existing), Paths.of(config.paths).data)
    absent = lacking(waiting.values(), Paths.of(config.paths))
    for reason in [*grid.skipped, *(f"{task}: {why}" for task, why in absent.items())]:
        print(f"skipped: {printable(reason)}")
    left = {key: cell for key, cell in waiting.items() if cell.labels["task"] not in absent}
    if waiting and not left and len(waiting) == len(grid.cells) * len(seeds):
        raise DataError(next(iter(absent.values())))
    waiting = left
    errors, ended = list[Exception](), False
    if waiting:
        store.check_writable()
        with drained_by_sigterm(results / "running") as drained, progress(waiting, store, len(grid.skipped)):
            for jobs in rounds(waiting, store, int(config.jobs)):
                said = [[*grid.overrides[cell.id], *words, *passed_on(), *_seed_words(own, config.seed_axes)] for cell, own in jobs]
                found = launched(launcher, said, store, functools.partial(_record_death, waiting, store))
                errors += found
                ended = drained()
                if ended or (len(jobs) > 1 and any(isinstance(error, LaunchError) for error in found)):
                    break
    rows = report(grid, seeds, results, None if config.setting == "trials" else publish)
    end(rows, ended, errors)
    return rows


def rounds(waiting: Waiting, store: Store, workers: int) -> Iterator[list[Job]]:
    """What is launched together: first the cells that nothing speaks against, then the others one by one.

    A run whose process died may have killed it, and would again: it comes last of all in its cell, which comes last of all and alone,
    so that it cannot take others along.
    """
    before = store.died().keys()
    died = [key for key in waiting if key in before or ((row := store.read(*key)) is not None and row.error == DIED)]
    suspects = dict.fromkeys(cell for cell, _ in died)
    together: dict[str, Job] = {}
    for key, cell in waiting.items():
        if key not in died:
            together.setdefault(cell.id, (cell, []))[1].append(key[1])
    fresh = spread([job for job in together.values() if job[0].id not in suspects], workers)
    if fresh:
        yield fresh
    for suspect in suspects:
        yield from [[together[suspect]]] if suspect in together else []
        yield from [[(waiting[key], [key[1]])] for key in died if key[0] == suspect]


def _seed_words(seeds: Sequence[Seed], axes: Mapping[str, Any]) -> list[str]:
    """Overrides that name these seeds; of the axes, those that the sweep separates."""
    split, noise, train = (list(column) for column in zip(*seeds, strict=True))
    return [f"seeds={split}", *(f"seed_axes.{name}={own}" for name, own in (("noise", noise), ("train", train)) if axes.get(name) is not None)]


def _record_death(waiting: Waiting, store: Store, cell: str, seed: Seed) -> None:
    """Give a run of this sweep whose process died its failed row."""
    if (cell, seed) in waiting:
        from benchmark.running.runner import lost

        store.write(lost(waiting[cell, seed], seed), supersede=store.state(cell, seed) == "failed")


def spread(jobs: Sequence[Job], workers: int) -> list[Job]:
    """The order in which workers that take the next job in turn are given them: each begins in another part of the grid.

    Side by side in one task, noise and seed, two workers would both make what its methods share, such as out-of-fold predictions. Every worker has as
    many runs: a task and noise that two of them share is cut between its seeds, at most one seed between its methods.
    """
    runs = [
        (cell, seed)
        for _, block in itertools.groupby(jobs, key=lambda job: (job[0].labels["task"], job[0].labels["noise"]))
        for seed, cell in sorted(((seed, cell) for cell, own in block for seed in own), key=lambda run: run[0])
    ]
    lanes: list[dict[str, Job]] = [{} for _ in range(workers)]
    for at, (cell, seed) in enumerate(runs):
        lanes[at * workers // len(runs)].setdefault(cell.id, (cell, []))[1].append(seed)
    placed = []
    for number, lane in enumerate(lanes):
        begins = itertools.accumulate((len(own) for _, own in lane.values()), initial=0)
        placed += [(begin, number, job) for begin, job in zip(begins, lane.values(), strict=False)]
    return [job for *_, job in sorted(placed, key=lambda one: one[:2])]


def constant(rows: Sequence[Row]) -> Iterator[str]:
    """One line for every cell with runs whose test predictions at a primary selection are (nearly) constant."""
    cells: dict[str, list[Row]] = {}
    for row in rows:
        if any(row.metrics.get(f"test/{track}/collapsed", 0) > 0 for track in PRIMARY):
            cells.setdefault(row.cell, []).append(row)
    for found in cells.values():
        name = " ".join(found[0].labels[axis] for axis in AXES)
        tracks = [track for track in PRIMARY if any(row.metrics.get(f"test/{track}/collapsed", 0) > 0 for row in found)]
        yield f"collapsed: {name} seed {', '.join(seed_name(row.seed) for row in found)}: (nearly) constant predictions at {', '.join(tracks)}"


def end(rows: Sequence[Row], drained: bool, errors: Sequence[Exception] = ()) -> None:
    """Name the collapsed cells, and the failed runs with the commands that repeat them; end the program with an exit code that tells, unless all is well.

    Raises:
        Exception: the first of ``errors``, such as wrong input of some cells: what could be run was run.
    """
    for line in constant(rows):
        print(printable(line))
    failed = [row for row in rows if row.status == "failed"]
    for row in failed:
        last = (row.error or "no traceback").strip().splitlines()[-1]
        print(printable(f"failed: {' '.join(row.labels[axis] for axis in AXES[:3])} seed {seed_name(row.seed)}: {last}"))
        print(printable(f"  repeat: {row.provenance['command']}"))
    if errors:
        raise errors[0]
    if drained:
        end_drained()
    if failed:
        sys.exit(1)


def pending(cells: Sequence[Cell], seeds: Sequence[Seed], store: Store, on_existing: str, data: Path | None = None) -> dict[tuple[str, Seed], Cell]:
    """The runs that have no row, or one that is to be made again. Rows are read whole: an altered one is found here."""
    found = ((cell, seed, store.read(cell.id, seed)) for cell in cells for seed in seeds)
    return {(cell.id, seed): cell for cell, seed, row in found if row is None or due(row, on_existing, data)}


def report(grid: Grid, seeds: Sequence[Seed], results: Path, publish: Publish | None) -> list[Row]:
    """Return the rows that there are of a grid, after ``publish`` has shown them; without a row the last board stays.

    Args:
        grid: the cells of a sweep.
        seeds: of each cell.
        results: folder of the rows.
        publish: see ``run_sweep``; None for trials of a tuning, which are no entries of a board.
    """
    store = Store(results)
    found = (store.read(cell.id, seed) for cell in grid.cells for seed in seeds)
    rows = [row for row in found if row is not None]
    if publish is not None and rows:
        publish(rows, results)
    return rows
