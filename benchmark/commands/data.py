"""The command data."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from omegaconf import OmegaConf

from benchmark.config.build import option, resolve_target
from benchmark.config.registry import names
from benchmark.core.errors import ConfigError, choices
from benchmark.core.paths import ROOT, Paths
from benchmark.data.sources import Source


def report(arguments: Sequence[str]) -> int:
    """``data [task=NAME]``: the licence of every task's data and what is there, missing or damaged of them; of one task after what it lacks was fetched.

    Returns:
        1 where something is damaged, or a named task lacks something.
    """
    words = [argument.partition("=") for argument in arguments]
    chosen = [value for key, _, value in words if key == "task"]
    for key, _, value in words:
        if key != "task" or value not in names("task"):
            raise ConfigError(f"data {key}={value!r} is unknown: give task=NAME; {choices(value, names('task'))}")
    data, bad = Paths.default().data, False
    print(f"{data} (paths.data, LABELNOISE_DATA)")
    for task in chosen or names("task"):
        target = resolve_target(option("task", task), "task")
        card: Any = OmegaConf.load(ROOT / "tasks" / task / "card.yaml")
        sources: Sequence[Source] = getattr(sys.modules[target.__module__], "SOURCES", ())
        print(f"\n{task}: {card['licence']}" + ("" if sources else f"\n  {card['source']}"))
        for source in sources:
            state, note = source.state(data, fetch=bool(chosen))
            bad |= state == "damaged" or (state == "missing" and bool(chosen))
            print(f"  {state:8} {source.path}  [{source.licence}]" + (f"\n           {note}" if note else ""))
    return int(bad)
