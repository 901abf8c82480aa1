"""What an experiment has and lacks, from its grid and the store alone: no data, no Lightning."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from benchmark.cells import Cell
from benchmark.commandline import check, prepared
from benchmark.grid import Grid
from benchmark.identity import AXES, CONF, ROOT, Seed
from benchmark.paths import Paths
from benchmark.registry import names
from benchmark.store import Store
from benchmark.sweep import grid_of, seed_tuples


def planned(arguments: Sequence[str]) -> tuple[Grid, list[Seed], Path]:
    """The grid, seeds and results folder that a sweep with these arguments would have."""
    overrides = OverridesParser.create().parse_overrides([a for a in prepared(arguments) if not a.startswith("-")])
    plain = [str(o.input_line) for o in overrides if o.get_key_element().split(".")[0].split("@")[0] not in AXES]
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose("config", overrides=plain, return_hydra_config=True)
    chosen = OmegaConf.to_container(config.hydra.runtime.choices)
    sweeper = OmegaConf.to_container(config.hydra.sweeper)
    grid, _ = grid_of(sweeper, overrides, chosen, str(config.setting), Paths.of(config.paths).data)  # type: ignore[arg-type]
    return grid, seed_tuples(config.seeds, config.seed_axes), ROOT / Path(str(config.paths.results)).expanduser()


def options_of(arguments: Sequence[str], **defaults: str) -> tuple[dict[str, str], Paths, list[str]]:
    """Settings of a command: its own keys, the paths, and what is left.

    Raises:
        ConfigError: a folder that there is not, or one without a name.
    """
    own, paths, rest = dict(defaults), dict[str, str](), list[str]()
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if equals and key in own:
            own[key] = value
        elif equals and key.startswith("paths."):
            check(key, value)
            paths[key.removeprefix("paths.")] = value
        else:
            rest.append(argument)
    return own, Paths.default(**paths), rest


def status(arguments: Sequence[str]) -> int:
    """Print, per method, how many runs of the experiment are done, failed and missing; then the methods that it leaves out."""
    grid, seeds, results = planned(arguments)
    store = Store(results)
    counts: dict[str, Counter[str]] = {}
    for cell in grid.cells:
        for seed in seeds:
            state = store.state(cell.id, seed)
            if state == "unreadable":
                print(f"{store.path(cell.id, seed)} cannot be read: it counts as missing, the next sweep makes it again")
            counts.setdefault(cell.labels["method"], Counter())["missing" if state == "unreadable" else state] += 1
    width = max((len(name) for name in counts), default=6)
    print(f"{'method':{width}}  done  failed  missing")
    for name, count in counts.items():
        print(f"{name:{width}}  {count['ok']:4}  {count['failed']:6}  {count['missing']:7}")
    total = sum(counts.values(), Counter[str]())
    print(f"{'all':{width}}  {total['ok']:4}  {total['failed']:6}  {total['missing']:7}   in {len(grid.cells)} cells x {len(seeds)} seeds")
    rest = [name for name in names("method") if name not in {cell.choice["method"] for cell in grid.cells}]
    if rest:
        print(f"not in this experiment: {', '.join(rest)}; METHOD={rest[-1]} runs one on its tasks and noises")
    return 0


def plan(arguments: Sequence[str]) -> int:
    """Print the cells of an experiment, what each has already, and the minutes that are left by the costs measured so far."""
    grid, seeds, results = planned(arguments)
    store = Store(results)
    costs = _costs(store)
    left, unknown = 0.0, 0
    for cell in grid.cells:
        missing = sum(store.state(cell.id, seed) != "ok" for seed in seeds)
        seconds = _estimate(cell, costs)
        if missing:
            left += missing * (seconds or 0)
            unknown += missing * (seconds is None)
        price = "?" if seconds is None else f"{seconds:.1f} s"
        print(f"{' '.join(cell.labels[axis] for axis in ('task', 'noise', 'method', 'trainer'))}: {len(seeds) - missing} of {len(seeds)} done, {price} a run")
    for reason in grid.skipped:
        print(f"skipped: {reason}")
    rest = f" and {unknown} runs whose like has not been measured" if unknown else ""
    print(f"{len(grid.cells)} cells x {len(seeds)} seeds; about {left / 60:.1f} minutes of one core are left{rest}")
    return 0


Costs = dict[tuple[str, ...], list[float]]


def _costs(store: Store) -> Costs:
    """Seconds of whole runs, with loading and evaluation, by (task, method, model, trainer), coarser to the end."""
    out: Costs = {}
    for row in store.rows():
        if row.status == "ok":
            names = [row.labels[axis] for axis in ("trainer", "task", "method", "model")]
            for n in (4, 3, 2):
                out.setdefault(tuple(names[:n]), []).append(float(row.cost.get("run_seconds", row.cost["seconds"])))
    return out


def _estimate(cell: Cell, costs: Costs) -> float | None:
    """Median seconds of the runs that are most like this cell."""
    names = [cell.labels[axis] for axis in ("trainer", "task", "method", "model")]
    found = next((costs[tuple(names[:n])] for n in (4, 3, 2) if tuple(names[:n]) in costs), None)
    return None if found is None else median(found)
