"""Write the golden files: ids of cells, and versions with digests of the defaults that they stand for.

``python tests/golden/write.py`` is for new plugins and for numbers that changed on purpose, after their ``version`` was
raised. It says which published ids it changes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent.parent))

from benchmark.config.declarations import constructor  # noqa: E402
from benchmark.config.grid import default_model, expand  # noqa: E402
from benchmark.config.identity import TRAINER  # noqa: E402
from benchmark.config.registry import PLUGIN_AXES, names, plugins, raw  # noqa: E402
from benchmark.core.digests import digest  # noqa: E402

OWN = FOLDER / "own.csv"  # content and options identify a user's file, not its path
DIGITS = {"task": "digits", "noise": "symmetric", "method": "erm", "trainer": "quick"}
YEAST = {"task": "yeast", "noise": "label_flip", "method": "erm", "trainer": "quick"}
NEWSWIRE = {"task": "newswire", "noise": "gazetteer", "method": "erm", "trainer": "quick"}
DIAMONDS = {"task": "diamonds", "noise": "uniform_resample", "method": "erm", "trainer": "quick"}
BASES = (DIGITS, YEAST, NEWSWIRE, DIAMONDS)


def entries() -> list[dict[str, str]]:
    """Return the cells of the golden file: every option of every axis, wrappers, chains, own data, features, keys."""
    chosen = [dict(base) for base in BASES]
    for axis in ("noise", "method", "model"):
        for name in names(axis):
            chosen += [base | {axis: name} for base in BASES]
    for task in names("task"):
        noise = "recorded" if raw("task", task)["problem"] == "tagging" else "clean"
        chosen.append({"task": task, "noise": noise, "method": "erm", "trainer": "quick", "model": default_model(task)})
    chosen += [DIGITS | {"trainer": name} for name in names("trainer")]
    chosen += [
        DIGITS | {"method": "sam(base=elr(lam=5))", "noise": "symmetric(rate=0.4)"},
        DIGITS | {"method": "sam(rho=0.1,base=sam(base=gce))", "model": "mlp(hidden=[8])"},
        DIGITS | {"method": "known_rate(base=coteaching)", "trainer": "quick(epochs=3,threads=2)"},
        DIGITS | {"method": "elr(setting=paper)", "noise": "asymmetric"},
        DIGITS | {"noise": "chain(first=long_tail(factor=10),second=symmetric(rate=0.4))", "task": "digits(subset=500)"},
        NEWSWIRE | {"method": "sam(base=gce)"},
        NEWSWIRE | {"method": "gce(q=0.7)"},
        {"task": f"table(path={OWN},target=label)", "noise": "recorded", "method": "erm", "trainer": "quick"},
        {"task": f"table(path={OWN},target=label,ignore=[a])", "noise": "recorded", "method": "erm", "trainer": "quick"},
        {"task": "cifar10n(features=efficientnet_lite0)", "noise": "human(set=worse)", "method": "erm", "model": "linear", "trainer": "quick"},
        {
            "task": "cifar10n(features=efficientnet_lite0,noise_features=a/b)",
            "noise": "instance_margin",
            "method": "erm",
            "model": "linear",
            "trainer": "quick",
        },
    ]
    return chosen


def cells() -> dict[str, str]:
    """Return the id of every cell that can run, by what it is labelled with."""
    found = {}
    for entry in entries():
        for cell in expand([entry], {}, {}, [], data=FOLDER).cells:  # what a machine has of public data does not count
            found[" ".join(cell.labels.values()).replace(f"{OWN}", "own.csv")] = cell.id
    return dict(sorted(found.items()))


def defaults() -> dict[str, dict[str, object]]:
    """Return version and digest of the constructor's defaults of every plugin, and of a trainer's neutral values."""
    found = {}
    for axis in PLUGIN_AXES:
        for plugin in plugins(axis).values():
            content = {key: "required" if one.required else one.default for key, one in plugin.parameters.items()}
            found[f"{axis} {plugin.name}"] = {"version": plugin.version, "defaults": {key: digest(value) for key, value in content.items()}}
    neutral = {key: digest(one.default) for key, one in constructor(TRAINER).items()}
    return dict(sorted(found.items())) | {"trainer": {"version": 1, "defaults": neutral}}


def main() -> None:
    """Write both files, and name the ids that differ from those that stood there."""
    for name, content in (("cells", cells()), ("defaults", defaults())):
        path = FOLDER / f"{name}.json"
        before = json.loads(path.read_text(encoding="utf8")) if path.is_file() else {}
        changed = [key for key, value in before.items() if content.get(key) != value]
        path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf8")
        print(f"{path.name}: {len(content)} entries, {len(changed)} changed{': ' if changed else ''}{', '.join(changed[:10])}")


if __name__ == "__main__":
    main()
