"""What is read from sources equals what the classes say."""

from __future__ import annotations

import subprocess
import sys

import pytest

from benchmark.config.build import declaration, option, resolve_target
from benchmark.config.declarations import NotDeclaredError, declared, defines, problem_classes
from benchmark.config.registry import names
from benchmark.core.paths import ROOT
from benchmark.data.problems import PROBLEMS

READ = {
    "method": ("kinds", "problems", "native", "needs", "needs_where"),
    "noise": ("problems", "needs", "not_drawn", "not_nested"),
    "model": ("inputs", "pretrained"),
}


@pytest.mark.parametrize(("group", "name"), [(group, name) for group in READ for name in names(group)])
def test_source_and_class_agree(group: str, name: str) -> None:
    config = option(group, name)
    cls = resolve_target(config, group)
    for attribute in READ[group]:
        assert declaration(config, group, attribute) == getattr(cls, attribute)
    assert defines(config["_target_"], "sequence_loss") == hasattr(cls, "sequence_loss")


def test_task_types_are_those_of_the_module() -> None:
    assert set(problem_classes()) == set(PROBLEMS)
    for name, target in problem_classes().items():
        for attribute in ("kind", "primary", "higher_is_better"):
            assert declared(target, attribute) == getattr(PROBLEMS[name], attribute)


def test_what_is_no_literal_is_not_declared() -> None:
    with pytest.raises(NotDeclaredError):
        declared("benchmark.methods.baseline.erm.ERM", "no_such_attribute")
    with pytest.raises(NotDeclaredError):
        declared("benchmark.methods.baseline.erm.ERM", "loss")
    with pytest.raises(NotDeclaredError):
        declared("benchmark.no_such_module.Class", "kinds")


def test_status_imports_no_torch() -> None:
    code = "import sys; from benchmark.commands.status import status; status(['experiment=smoke']); sys.exit('torch' in sys.modules)"
    path = [str(ROOT), str(ROOT / "benchmark" / "plugins")]
    script = f"import sys; sys.path[:0] = {path!r}; {code}"
    done = subprocess.run([sys.executable, "-c", script], check=False, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
