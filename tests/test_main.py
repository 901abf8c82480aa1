"""The program as a whole: words that no command knows, and files that cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmark.__main__ import one_line
from benchmark.config import registry
from benchmark.core.errors import ConfigError


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("verify N=abc", "N=abc"),
        ("verify N=0", "N=0"),
        ("verify n=3", "'n=3'"),
        ("leaderboard foo", "'foo'"),
        ("docs --chek", "'--chek'"),
        ("wandb-sync x=1", "'x=1'"),
    ],
)
def test_commands_refuse_what_they_do_not_know(command: str, words: str, tmp_path: Path) -> None:
    from benchmark.__main__ import run

    with pytest.raises(ConfigError, match=words):
        run([*command.split(), *([] if command.startswith("docs") else [f"paths.results={tmp_path}"])])
    assert not list(tmp_path.iterdir())


def test_a_yaml_that_cannot_be_read_is_named_with_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from yaml import YAMLError

    (tmp_path / "method").mkdir()
    (tmp_path / "method" / "mine.yaml").write_text("a: 1\nb: [1\n")
    monkeypatch.setattr(registry, "CONF", tmp_path)
    with pytest.raises(YAMLError) as found:
        registry.raw.__wrapped__("method", "mine")
    assert one_line(found.value).startswith(f"{tmp_path}/method/mine.yaml line 3 is no yaml")
