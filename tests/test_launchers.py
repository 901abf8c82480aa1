"""Every launcher gives the rows of the plain one, bit for bit; one that is not installed says what to install."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from omegaconf import DictConfig, OmegaConf
from test_system import in_process

from benchmark import faults
from benchmark.__main__ import PLUGINS
from benchmark.config import CONF, names
from benchmark.errors import ConfigError
from benchmark.identity import ROOT
from benchmark.launching import check_installed, passed_on
from benchmark.limits import DRAIN, drained_by_sigterm
from benchmark.store import Row, Seed, Store
from benchmark.verify import differences

INSTALL = "is not installed: run 'make setup-launchers'"
Rows = dict[tuple[str, Seed], Row]


def sweep(results: Path, launcher: str, **environment: str) -> subprocess.Popen[str]:
    words = [*faults.SWEEP[:-1], f"launcher={launcher}", "jobs=2", f"paths.results={results}", f"paths.cache={results}/cache"]
    command = [sys.executable, "-m", "benchmark", *words]
    return subprocess.Popen(command, cwd=ROOT, env=os.environ | environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    return faults.finish(tmp_path_factory.mktemp("basic") / "results")


def assert_same_rows(results: Path, expected: Rows) -> None:
    found = {(row.cell, row.seed): row for row in Store(results).rows()}
    assert found.keys() == expected.keys()
    for key, row in found.items():
        assert differences(row, expected[key]) == []
        assert row.provenance["predictions_digest"] == expected[key].provenance["predictions_digest"]


@pytest.mark.slow
@pytest.mark.parametrize(("launcher", "package"), [("joblib", "joblib"), ("submitit_local", "submitit"), ("ray", "ray")])
def test_two_jobs_of_every_launcher_give_the_same_rows(launcher: str, package: str, expected: Rows, tmp_path: Path) -> None:
    pytest.importorskip(package, reason=f"{package} {INSTALL}")
    child = sweep(tmp_path / "results", launcher)
    output, errors = child.communicate(timeout=300)
    assert child.returncode == 0, errors[-2000:]
    assert_same_rows(tmp_path / "results", expected)
    assert errors.splitlines()[-1] == "6 of 6 runs done, failed 0, skipped 0"
    assert "INFO" not in output + errors


@pytest.mark.parametrize(("launcher", "extra", "package"), [("ray", "ray", "ray"), ("slurm", "slurm", "submitit")])
def test_a_launcher_that_is_not_installed_is_one_line(
    launcher: str, extra: str, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("benchmark.launching._installed", lambda name: name != package)
    assert in_process(monkeypatch, "experiment=smoke", f"launcher={launcher}", f"paths.results={tmp_path}") == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith(f"error: launcher={launcher} needs {package} (extra {extra!r}): run 'make setup-launchers'")
    assert f"labelnoise-bench[{extra}]" in line


def test_launchers_that_come_along_need_no_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmark.launching._installed", lambda name: False)
    for launcher in names("launcher"):
        if launcher in ("basic", "joblib"):
            check_installed(launcher)
        else:
            with pytest.raises(ConfigError):
                check_installed(launcher)


def test_every_extra_of_a_launcher_is_pinned() -> None:
    lock = (ROOT / "requirements-launchers.lock").read_text()
    for package in ("ray", "hydra-ray-launcher", "submitit", "hydra-submitit-launcher"):
        assert f"\n{package}==" in lock


def test_our_environment_goes_with_every_job(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    value = "/a b/it's, [100%] = {x}\\"
    monkeypatch.setenv("LABELNOISE_DATA", value)
    monkeypatch.setenv("WANDB_API_KEY", "a secret stays where it is")
    with drained_by_sigterm(tmp_path):
        overrides = OverridesParser.create().parse_overrides(passed_on())
        drain = os.environ[DRAIN]
    assert {o.get_key_element(): o.value() for o in overrides} == {
        "+hydra.job.env_set.LABELNOISE_DATA": value,
        f"+hydra.job.env_set.{DRAIN}": drain,
    }


def composed(launcher: str, *overrides: str) -> DictConfig:
    sys.path.append(PLUGINS)
    Plugins.instance()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("config", overrides=[f"launcher={launcher}", *overrides], return_hydra_config=True)


def test_partition_time_memory_and_cpus_reach_slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What sbatch would read, made by submitit from the plugin's parameters. No cluster: srun only has to exist."""
    pytest.importorskip("submitit", reason=f"submitit {INSTALL}")
    from hydra_plugins.hydra_submitit_launcher.config import BaseQueueConf
    from submitit import AutoExecutor

    srun = tmp_path / "srun"
    srun.write_text("#!/bin/sh\n")
    srun.chmod(srun.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("PYTHONPATH", PLUGINS)
    words = ["partition=cpu", "timeout_min=600", "mem_gb=8", "cpus_per_task=2", "account=me"]
    config = composed("slurm", "jobs=7", f"paths.results={tmp_path}", *(f"hydra.launcher.{word}" for word in words))
    parameters = OmegaConf.to_container(OmegaConf.masked_copy(config, ["hydra", "jobs", "paths"]), resolve=False)["hydra"]["launcher"]  # type: ignore[index,call-overload]
    parameters |= {"array_parallelism": config.hydra.launcher.array_parallelism, "name": "sweep"}
    executor = AutoExecutor(folder=config.hydra.launcher.submitit_folder, cluster="slurm")
    shared = set(OmegaConf.structured(BaseQueueConf).keys())
    ours = {key: value for key, value in parameters.items() if key not in ("_target_", "submitit_folder", "max_num_timeout") and value is not None}
    executor.update_parameters(**{key if key in shared else f"slurm_{key}": value for key, value in ours.items()})
    script = executor._executor._make_submission_file_text("command", "id")
    for line in ("partition=cpu", "time=600", "mem=8GB", "cpus-per-task=2", "account=me"):
        assert f"#SBATCH --{line}\n" in script
    assert executor._executor.parameters["array_parallelism"] == 7
    assert str(config.hydra.launcher.submitit_folder) == f"{tmp_path}/logs/submitit/%j"
