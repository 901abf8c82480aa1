"""Rows that name code which is no plugin, or say nonsense, are one named finding each: nothing of them is imported, built or started."""

from __future__ import annotations

import copy
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmark.config.build import option as load_option
from benchmark.config.grid import expand
from benchmark.config.identity import foreign_files
from benchmark.config.registry import named, plugins
from benchmark.core.paths import ROOT
from benchmark.core.protocol import AXES
from benchmark.results.row import Row
from benchmark.review.doctor import examine

SEED, ROWS = 18, 300


def callables() -> list[str]:
    """Return the dotted names of what the sources of the suite and its tasks define at their top, by text: nothing is imported."""
    found = []
    for package in ("benchmark", "tasks"):
        for file in sorted((ROOT / package).rglob("*.py")):
            module = ".".join(file.relative_to(ROOT).with_suffix("").parts)
            lines = file.read_text(encoding="utf8").splitlines()
            starts = (line.split(" ", 1)[1] for line in lines if line.startswith(("def ", "class ")))
            found += [f"{module}.{start.partition('(')[0].partition('[')[0].rstrip(':')}" for start in starts]
    return found


def honest() -> dict[str, Any]:
    (cell,) = expand([{"task": "digits", "noise": "symmetric", "model": "linear", "trainer": "smoke", "method": "erm"}], {}, {}, []).cells
    config = {axis: named(axis, own) for axis, own in cell.config.items()}
    content = {"cell": cell.id, "seed": (0, 0, 0), "status": "failed", "labels": cell.labels, "config": config}
    return content | dict(cell.choice)


def hostile(draw: random.Random, content: dict[str, Any], names: list[str]) -> dict[str, Any]:
    """Return a row in one axis and depth of which a callable stands that no plugin of this axis is."""
    out, axis = copy.deepcopy(content), draw.choice(AXES)
    known = plugins(axis) if axis != "trainer" else {}
    target = draw.choice([name for name in names if name not in known])
    inner: dict[str, Any] = {"_target_": target, "path": "/tmp/evil", "url": "data:text/plain;base64,eA=="}
    depth = draw.randrange(3)
    if depth == 0 and axis != "trainer":
        out["config"][axis]["_target_"] = target
    elif depth < 2:
        out["config"][axis][draw.choice(["base", "q", "rate", "epochs"])] = inner
    else:
        out["config"][axis]["base"] = {"_target_": out["config"][axis].get("_target_", "erm"), "base": inner}
    return out


def test_hostile_rows_are_named_and_nothing_of_them_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw, content, names = random.Random(SEED), honest(), callables()
    assert [text for _, rule, text in examine([Row(**content)]) if rule == "identity"] == []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(subprocess, "Popen", None)
    modules = set(sys.modules)
    for number in range(ROWS):
        row = Row(**hostile(draw, content, names))
        found = [text for _, rule, text in examine([row]) if rule not in ("protocol", "seeds")]
        assert len(found) == 1, (SEED, number, row.config, found)
    assert {name for name in sys.modules if name.startswith(("benchmark", "tasks"))} <= modules
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "change",
    [
        {"config": {}},
        {"labels": {}},
        {"config": dict.fromkeys(AXES, 3)},
        {"config": {axis: {} for axis in AXES}},
        {"labels": dict.fromkeys(AXES, "\0")},
        {"labels": {"method": "erm:<!-- board: end -->"}},
        {"labels": {"method": "erm:$\\frac$"}},
    ],
)
def test_nonsense_is_one_finding_of_its_identity(change: dict[str, Any]) -> None:
    content = honest()
    changed = {key: content[key] | value if value and key == "labels" else value for key, value in change.items()}
    found = [text for _, rule, text in examine([Row(**(content | changed))]) if rule == "identity"]
    assert found
    assert all(text.isprintable() for text in found)


@pytest.mark.parametrize(
    ("axis", "option", "changes", "keys"),
    [
        ("task", "digits", {}, []),
        ("task", "table", {"path": "/etc/passwd"}, ["task.path"]),
        ("task", "digits", {"features": "../evil"}, ["task.features"]),
        ("noise", "transition", {"matrix": "/etc/passwd"}, ["noise.matrix"]),
        ("noise", "transition", {"matrix": [[0.9, 0.1], [0.2, 0.8]]}, []),
        ("model", "transformer", {"name": "someone/else"}, ["model.name"]),
        ("model", "bilstm", {"vectors": "ftp://x/y"}, ["model.vectors"]),
        ("method", "sam", {"base": {"_target_": "benchmark.methods.label_refurbishment.bomd.BoMD", "vectors": "/x"}}, ["method.base.vectors"]),
    ],
)
def test_files_of_somebody_elses_choice_are_found(axis: str, option: str, changes: dict[str, Any], keys: list[str]) -> None:
    assert list(foreign_files(axis, load_option(axis, option) | changes)) == keys
