"""What there is, what it says of itself, and how to begin something new."""

from __future__ import annotations

import inspect
import keyword
import subprocess
import sys
from collections.abc import Sequence

from benchmark.config.build import option, resolve_target
from benchmark.config.registry import names
from benchmark.core.errors import ConfigError, choices
from benchmark.core.paths import CONF, ROOT
from benchmark.methods.families import slug

KINDS = {"methods": "method", "noises": "noise", "tasks": "task", "models": "model", "trainers": "trainer", "experiments": "experiment"}


def list_plugins(arguments: Sequence[str]) -> int:
    """``list methods | noises | tasks | models | trainers | experiments``: one line each."""
    what = arguments[0] if arguments else ""
    if what not in KINDS:
        raise ConfigError(f"list {what!r} is unknown: {choices(what, KINDS)}")
    group = KINDS[what]
    width = max(map(len, names(group)))
    for name in names(group):
        print(f"{name:{width}}  {_summary(group, name)}")
    return 0


def describe(arguments: Sequence[str]) -> int:
    """``describe NAME``: defaults and documentation of every plugin with this name."""
    name = arguments[0] if arguments else ""
    groups = [group for group in KINDS.values() if name in names(group)]
    if not groups:
        everything = [n for group in KINDS.values() for n in names(group)]
        raise ConfigError(f"describe {name!r}: nothing has this name: {choices(name, everything)}")
    for group in groups:
        config = option(group, name)
        print(f"{group} {name}  (conf/{group}/{name}.yaml)")
        for key, value in config.items():
            print(f"  {group}.{key}={value}" if key != "_target_" else f"  {value}")
        print("\n" + _documentation(group, name) + "\n")
        if group == "method" and (tasks := resolve_target(config, group).developed_on):
            print(f"developed on: {', '.join(tasks)}\n")
    return 0


def _documentation(group: str, name: str) -> str:
    config = option(group, name)
    if "_target_" not in config:
        lines = (CONF / group / f"{name}.yaml").read_text(encoding="utf8").splitlines()
        return "\n".join(line.lstrip("# ") for line in lines if line.startswith("# ") and "@package" not in line)
    target = resolve_target(config, group)
    card = ROOT / "tasks" / name / "card.yaml"
    text = inspect.getdoc(sys.modules[target.__module__]) if group == "task" else inspect.getdoc(target)
    return (text or "") + (f"\n\n{card.read_text(encoding='utf8')}" if group == "task" and card.is_file() else "")


def _summary(group: str, name: str) -> str:
    return (_documentation(group, name).splitlines() or [""])[0]


NEW_FAMILY = "robust loss"
METHOD = '''"""{title}."""

from __future__ import annotations

from torch import Tensor

from benchmark.methods.base import Method


class {cls}(Method):
    """What it minimises, as an equation.

    Authors, year, arXiv id. What differs from the released code and why. How many forward and backward passes.
    """

    kinds = frozenset({{"categorical", "continuous"}})
    native = frozenset({{"multiclass"}})  # task types of the paper; it is marked adapted on others
    family = "{family}"  # of benchmark/methods/families.py; the folder is named after it
    cites = "Authors, year, arXiv id"

    def __init__(self, weight: float = 1.0) -> None:
        super().__init__()
        self.weight = weight

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """output (U, K), target (U,) -> (U,)."""
        return self.weight * super().loss(output, target)
'''


def new_method(arguments: Sequence[str]) -> int:
    """Write a py file and a yaml to start a method from, which pass the contract tests: ``new-method NAME``.

    Raises:
        ConfigError: no name for a method, or one that exists.
    """
    name = arguments[0] if arguments else ""
    if not name.isidentifier() or name != name.lower() or keyword.iskeyword(name):
        raise ConfigError(f"new-method {name!r}: give a lower-case Python name, such as new-method my_method")
    if name in names("method"):
        raise ConfigError(f"new-method {name!r}: conf/method/{name}.yaml exists: choose another name")
    folder = ROOT / "benchmark" / "methods"
    written = next(folder.rglob(f"{name}.py"), None)
    if written is not None:
        raise ConfigError(f"new-method {name!r}: {written.relative_to(ROOT)} exists: choose another name")
    cls = "".join(part.capitalize() for part in name.split("_"))
    source = folder / slug(NEW_FAMILY) / f"{name}.py"
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_text(METHOD.format(title=name.replace("_", " ").capitalize(), cls=cls, family=NEW_FAMILY), encoding="utf8")
    config = CONF / "method" / f"{name}.yaml"
    config.write_text(f"_target_: benchmark.methods.{slug(NEW_FAMILY)}.{name}.{cls}\nweight: 1.0\n", encoding="utf8")
    print(
        f"wrote {source.relative_to(ROOT)} and {config.relative_to(ROOT)} for the family {NEW_FAMILY!r} (another family is another folder): "
        f"make check METHOD={name} tests it, make sweep METHOD={name} runs it"
    )
    return 0


def check_method(arguments: Sequence[str]) -> int:
    """``check NAME``: the contract tests of one method, what it can reach, and that testing leaves no trace in it."""
    name = arguments[0] if arguments else ""
    if name not in names("method"):
        raise ConfigError(f"check {name!r}: no such method: {choices(name, names('method'))}")
    tests = [str(ROOT / "tests" / file) for file in ("methods/test_contract.py", "methods/test_leak.py", "methods/test_state.py")]
    expression = f"[{name}] or [{name}-"
    return subprocess.run([sys.executable, "-m", "pytest", *tests, "-k", expression, "-p", "no:cacheprovider"], cwd=ROOT, check=False).returncode
