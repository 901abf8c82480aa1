"""Arguments: what they become for Hydra, and what is refused before it reads them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from benchmark.__main__ import one_line
from benchmark.config import commandline, registry
from benchmark.config.commandline import prepared
from benchmark.config.grid import expand, value_of
from benchmark.config.options import options_of
from benchmark.core.errors import ConfigError, DataError
from benchmark.core.paths import CONF, PLUGINS
from benchmark.core.terminal import printable
from benchmark.running.plan import planned
from benchmark.running.sweep import grid_of, report, seed_tuples


@pytest.mark.parametrize(
    ("argument", "becomes"),
    [
        ("seeds=0,1", "seeds=[0,1]"),
        ("seeds=[0,1]", "seeds=[0,1]"),
        ("seeds=3", "seeds=3"),
        ("seeds.noise=4,5", "seed_axes.noise=[4,5]"),
        ("hydra.verbose=true", "hydra.verbose=true"),
        ("limits.seconds=null", "limits.seconds=null"),
        ("limits.memory_gb=0.5", "limits.memory_gb=0.5"),
    ],
)
def test_arguments_as_hydra_reads_them(argument: str, becomes: str) -> None:
    assert becomes in prepared(["experiment=smoke", argument])


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("jobs=0", "jobs='0' is no positive integer"),
        ("jobs=abc", "jobs='abc' is no positive integer"),
        ("jobs=null", "jobs='null'"),
        ("limits.seconds=abc", "limits.seconds='abc' is no positive number"),
        ("limits.memory_gb=-1", "limits.memory_gb='-1' is no positive number"),
        ("limits.memory_gb=nan", "limits.memory_gb='nan'"),
        ("limits.second=3", "limits has no key 'second': did you mean 'seconds'"),
        ("seeds.noize=[1]", "seeds has no key 'noize': did you mean 'noise'"),
        ("paths.result=x", "paths has no key 'result': did you mean 'results'"),
        ("paths.results=", "paths.results= names no folder"),
        ("paths.results=null", "paths.results=null names no folder"),
        ("logger.x=3", "logger has no key 'x'"),
        ("method=gce,,elr", "method=gce,,elr has an empty entry"),
        ("method=gce,", "has an empty entry"),
        ("+hydra.callbacks.x._target_=os.getpid", "hydra._target_='os.getpid' is refused"),
        ("+hydra.callbacks.x={_target_: os.getpid}", "_target_='os.getpid' is refused"),
        ("+trainer._target_=os.system", "_target_='os.system' is refused"),
        ("method.q={_target_: os.system}", "method._target_='os.system' is refused"),
    ],
)
def test_what_is_refused_before_hydra_reads_it(argument: str, words: str) -> None:
    for others in (["experiment=smoke"], ["task=digits", "method=gce"]):
        with pytest.raises(ConfigError, match=words):
            prepared([*others, argument])


def test_an_experiment_whose_hydra_block_calls_something_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(CONF, tmp_path / "conf")
    (tmp_path / "conf/experiment/smoke.yaml").write_text("hydra: {callbacks: {x: [{_target_: os.getpid}]}}\n")
    monkeypatch.setattr(registry, "CONF", tmp_path / "conf")
    monkeypatch.setattr(commandline, "raw", registry.raw.__wrapped__)
    with pytest.raises(ConfigError, match=r"experiment\._target_='os.getpid' is refused"):
        prepared(["experiment=smoke"])


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("trainer.lr=0.1,0.2", "is no axis: run one sweep for each value"),
        ("method.q=[1", r"method.q=\[1 cannot be read"),
    ],
)
def test_a_value_that_is_not_one_is_named(override: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        value_of(override)


@pytest.mark.parametrize("value", ["nan", "-inf"])
def test_a_number_that_is_not_finite_is_refused(value: str) -> None:
    with pytest.raises(ConfigError, match=f"noise.rate={value} is no finite number"):
        prepared(["task=digits", "noise=symmetric", f"noise.rate={value}"])
    with pytest.raises(ConfigError, match=f"noise.rate={value} is no finite number"):
        expand([{"task": "digits", "noise": f"symmetric(rate={value})", "method": "erm", "trainer": "smoke"}], {}, {}, [])


def test_a_list_of_seeds_that_is_written_without_brackets_is_that_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(PLUGINS)
    import hydra_plugins.grid_sweeper  # noqa: F401

    _, seeds, _ = planned(["experiment=smoke", "task=digits", "method=gce", "seeds=0,1"])
    assert seeds == [(0, 0, 0), (1, 1, 1)]


def test_a_setting_that_is_no_axis_cannot_be_swept() -> None:
    for override in ("seeds=0,1", "launcher=basic,joblib", "trainer.lr=0.1,0.2"):
        with pytest.raises(ConfigError, match=f"{override} sweeps over a setting that is no axis"):
            grid_of({"grid": [], "narrow": {}, "extra": []}, OverridesParser.create().parse_overrides([override]), {})


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ("task.subset=-5", "task.subset=-5 is below 1"),
        ("task.rows=0", "task.rows=0 is below 1"),
        ("trainer.epochs=0", "trainer.epochs=0 is below 1"),
        ("trainer.batch_size=0", "trainer.batch_size=0 is below 1"),
        ("trainer.threads=0", "trainer.threads=0 is below 1"),
        ("trainer.lr=-0.1", "trainer.lr=-0.1 is below 0"),
        ("trainer.weight_decay=-1", "trainer.weight_decay=-1 is below 0"),
    ],
)
def test_numbers_out_of_range_are_told_before_anything_is_loaded(extra: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        expand([{"task": "digits", "noise": "clean", "method": "erm", "trainer": "smoke"}], {}, {}, [extra])


def test_seeds_may_be_one_number() -> None:
    assert seed_tuples(3, {"noise": None, "train": 4}) == [(3, 3, 4)]
    for wrong in (None, "a", "0,1", 0.5, True):
        with pytest.raises(ConfigError, match=f"seeds={wrong} is not a list of seeds"):
            seed_tuples(wrong, {})


def test_folders_of_a_command_are_checked() -> None:
    with pytest.raises(ConfigError, match="paths has no key 'result': did you mean 'results'"):
        options_of(["paths.result=x"])
    with pytest.raises(ConfigError, match=r"paths\.cache= names no folder"):
        options_of(["paths.cache="])


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


def test_a_sweep_without_a_row_leaves_the_board_of_the_last_one(tmp_path: Path) -> None:
    grid = expand([{"task": "digits", "noise": "clean", "method": "erm", "trainer": "smoke"}], {}, {}, [])
    shown: list[object] = []
    assert report(grid, [(0, 0, 0)], tmp_path, lambda *given: shown.append(given)) == []
    assert shown == []


def test_a_yaml_that_cannot_be_read_is_named_with_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from yaml import YAMLError

    (tmp_path / "method").mkdir()
    (tmp_path / "method" / "mine.yaml").write_text("a: 1\nb: [1\n")
    monkeypatch.setattr(registry, "CONF", tmp_path)
    with pytest.raises(YAMLError) as found:
        registry.raw.__wrapped__("method", "mine")
    assert one_line(found.value).startswith(f"{tmp_path}/method/mine.yaml line 3 is no yaml")


def test_control_characters_do_not_reach_the_terminal() -> None:
    assert printable("a\x1b[2J\nb é") == "a\\x1b[2J\\nb é"
    assert one_line(DataError("first\nsecond")) == "first"
