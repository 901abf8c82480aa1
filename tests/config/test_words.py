"""Words of the command line that nobody expects: one line each; names of files may hold any character."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from support import ownfiles
from support.commands import in_process

from benchmark.config.cells import spelled
from benchmark.config.commandline import prepared
from benchmark.config.grid import parse, split, value_of
from benchmark.core.errors import DataError
from benchmark.core.paths import ROOT
from benchmark.core.yamls import ALIASES, read_yaml
from benchmark.results.store import Store
from benchmark.review.verify import differences

DIGITS = "1" * 400
STRANGE = [
    "a'b",
    "a#b",
    "a=b",
    "a,b",
    "a(b",
    "a)b",
    "a;b",
    "a~b",
    "~b",
    "a ",
    " a",
    "a[b]",
    "a{b}",
    "a\\",
    "a\\'b",
    '"a',
    "ÅßЖ日本",
    "a:b",
    "-a",
    "@a",
    "%a",
]
REFUSED = [
    "task@task=digits",
    "task@=digits",
    "method=sam method@method=elr",
    "task.subset.x=3",
    "experiment=smoke experiment=null",
    "--run --multirun",
    "--resolve",
    "-m hydra.sweeper.grid=[1]",
    "-m hydra.sweeper.grid=[[]]",
    "status hydra.sweeper.grid=[1]",
    "paths.results=~nosuchuser/x",
    "leaderboard paths.results=~nosuchuser/x",
    "limits=3",
    "paths=x",
    "method=sam method.base={_target_:[1]}",
    "method=sam method.base={_target_:os.system}",
    f"task.subset={DIGITS}",
    f"seeds=[{DIGITS}]",
    f"trainer.epochs={DIGITS}",
    f"limits.seconds={'9' * 5000}",
    f"task.subset={'9' * 5000}",
    f"paths.results={DIGITS}",
]


@pytest.mark.parametrize("words", REFUSED, ids=lambda words: words[:50])
def test_strange_words_are_one_line(words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert in_process(monkeypatch, *words.split()) == 2
    shown = capsys.readouterr().err
    assert shown.startswith("error: ")
    assert shown.count("\n") == 1


@pytest.mark.parametrize("name", STRANGE)
def test_a_name_of_a_file_may_hold_any_character(name: str) -> None:
    for words in ([f"paths.results=x/{name}"], ["task=table", f"task.path=x/{name}", "task.target=y"]):
        (override,) = OverridesParser.create().parse_overrides([prepared(words)[len(words) // 2]])
        assert override.value() == f"x/{name}"
    assert value_of(f"task.path={spelled(name)}") == name
    words = parse("task", f"table(path={spelled(name)}, target=y)")
    assert value_of(words[1]) == name
    assert words[2] == "task.target=y"


def test_entries_are_split_outside_of_quotes() -> None:
    assert split("a='x, (y', b=[1,2], c=\"]\"") == ["a='x, (y'", "b=[1,2]", 'c="]"']
    assert split("a=it's, b=2") == ["a=it's", "b=2"]


@pytest.mark.slow
@pytest.mark.parametrize("start", [[], ["-m"]])
def test_rows_do_not_depend_on_the_names_of_folders(start: list[str], tmp_path: Path) -> None:
    rows = []
    for name in ("plain", "it's #1 = a,b (c; ~d) ÅЖ日 "):
        folder = tmp_path / name
        folder.mkdir()
        options = ownfiles.write_table(folder)
        words = ["task=table", f"task.path={options['path']}", "task.target=given", "task.clean=right", "trainer=smoke", "seeds=[0]"]
        folders = [f"paths.results={folder}/results ", f"paths.cache={folder}/cache"]
        command = [sys.executable, "-m", "benchmark", *start, *words, *folders]
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
        assert ended.returncode == 0, ended.stderr
        rows += list(Store(Path(f"{folder}/results ")).rows())
    assert len(rows) == 2
    assert rows[0].cell == rows[1].cell
    assert not differences(rows[0], rows[1])


@pytest.mark.slow
def test_a_terminal_without_unicode_shows_a_board(tmp_path: Path) -> None:
    words = ["task=digits", "trainer=smoke", "model=linear", "seeds=[0]", f"paths.results={tmp_path}/é", f"paths.cache={tmp_path}"]
    command = [sys.executable, "-m", "benchmark", *words]
    environment = {"PATH": "/usr/bin:/bin", "PYTHONIOENCODING": "ascii", "HOME": str(tmp_path)}
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=120, check=False, env=environment)
    assert ended.returncode == 0, ended.stderr
    assert b"\\xe9" in ended.stdout


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a: \xff", "is no UTF-8 text"),
        (b"[" * 5000, "is nested too deeply"),
        (b"a: &a [1]\nb: [" + b"*a," * (ALIASES + 1) + b"]", "aliases"),
        (b"3", "holds no mapping or list"),
    ],
)
def test_a_yaml_that_is_none_is_one_line(content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_bytes(content)
    with pytest.raises(DataError, match=words):
        read_yaml(tmp_path / "x.yaml")
