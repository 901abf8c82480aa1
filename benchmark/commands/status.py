"""What an experiment has and lacks, from its grid and the store alone: no data, no Lightning."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import median

from benchmark.config.cells import Cell
from benchmark.config.registry import names
from benchmark.results.store import Store
from benchmark.running.plan import planned


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
