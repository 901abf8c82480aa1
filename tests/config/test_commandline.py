"""Arguments: what they become for Hydra, and what is refused before it reads them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from benchmark.config import commandline, registry
from benchmark.config.commandline import prepared
from benchmark.config.grid import expand
from benchmark.core.errors import ConfigError
from benchmark.core.paths import CONF


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


@pytest.mark.parametrize("value", ["nan", "-inf"])
def test_a_number_that_is_not_finite_is_refused(value: str) -> None:
    with pytest.raises(ConfigError, match=f"noise.rate={value} is no finite number"):
        prepared(["task=digits", "noise=symmetric", f"noise.rate={value}"])
    with pytest.raises(ConfigError, match=f"noise.rate={value} is no finite number"):
        expand([{"task": "digits", "noise": f"symmetric(rate={value})", "method": "erm", "trainer": "smoke"}], {}, {}, [])
