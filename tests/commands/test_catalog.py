"""What there is and how to begin: list, describe, new-method, check."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmark.commands import catalog
from benchmark.commands.catalog import check_method, describe, list_plugins, new_method
from benchmark.config.registry import names
from benchmark.core.errors import ConfigError


@pytest.mark.parametrize(("words", "group"), [("methods", "method"), ("noises", "noise"), ("tasks", "task")])
def test_list_has_a_line_for_every_plugin(words: str, group: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert list_plugins([words]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == names(group)
    assert all(len(line.split()) > 3 for line in lines)  # a name and what it is


def test_describe_tells_keys_formula_and_source(capsys: pytest.CaptureFixture[str]) -> None:
    assert describe(["gce"]) == 0
    shown = capsys.readouterr().out
    assert "method.q=0.7" in shown
    assert "arXiv:1805.07836" in shown


@pytest.mark.parametrize(
    ("command", "argument", "words"),
    [
        (list_plugins, "metods", "did you mean 'methods'"),
        (describe, "gcee", "did you mean 'gce'"),
        (new_method, "My-Method", "lower-case"),
        (new_method, "gce", "exists: choose another name"),
        (new_method, "base", "benchmark/methods/base.py exists: choose another name"),
        (new_method, "lambda", "lower-case"),
        (check_method, "gcee", "did you mean 'gce'"),
    ],
)
def test_wrong_names_are_one_line(command: object, argument: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        command([argument])  # type: ignore[operator]


def test_a_new_method_is_a_class_that_says_what_to_fill_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for folder in ("benchmark/methods", "conf/method"):
        (tmp_path / folder).mkdir(parents=True)
    monkeypatch.setattr(catalog, "ROOT", tmp_path)
    monkeypatch.setattr(catalog, "CONF", tmp_path / "conf")
    assert new_method(["my_method"]) == 0
    assert "make check METHOD=my_method" in capsys.readouterr().out
    assert (tmp_path / "conf/method/my_method.yaml").read_text() == "_target_: benchmark.methods.robust_loss.my_method.MyMethod\nweight: 1.0\n"
    content: dict[str, type] = {}
    exec(compile((tmp_path / "benchmark/methods/robust_loss/my_method.py").read_text(), "my_method.py", "exec"), content)
    assert content["MyMethod"](weight=2.0).weight == 2.0
