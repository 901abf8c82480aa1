"""Every launcher gives the rows of the plain one, bit for bit; one that is not installed says what to install."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from omegaconf import DictConfig, OmegaConf
from support.commands import in_process, wait_for

from benchmark.bench import faults
from benchmark.core.paths import CONF, PLUGINS, ROOT
from benchmark.core.seeds import Seed
from benchmark.results.row import Row
from benchmark.results.store import Store
from benchmark.review.verify import differences
from benchmark.running.launching import OURS, passed_on
from benchmark.running.limits import DRAIN, drained_by_sigterm

LONGER = "trainer=quick(epochs=15)"  # a run is not over before a signal arrives
INSTALL = "is not installed: run 'make setup-launchers'"
Rows = dict[tuple[str, Seed], Row]


class Sweep:
    """``python -m benchmark`` with two jobs in a process of its own, which no test outlives."""

    def __init__(self, results: Path, launcher: str, **environment: str) -> None:
        self.store = Store(results)
        words = [*faults.SWEEP[:-1], LONGER, f"launcher={launcher}", "jobs=2", f"paths.results={results}", f"paths.cache={results}/cache"]
        command = [sys.executable, "-m", "benchmark", *words]
        self.child = subprocess.Popen(command, cwd=ROOT, env=os.environ | environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def running(self) -> list[int]:
        """Processes of the runs under way, as soon as there are some."""
        known = wait_for(lambda: [path.name.split("@")[2] for path in self.store.under_way()], lambda: self.child.poll() is None)
        return [int(process) for process in known]

    def end(self) -> tuple[int, str]:
        """Exit code, and what was printed."""
        try:
            output, errors = self.child.communicate(timeout=faults.LIMIT)
        finally:
            self.child.kill()
        return self.child.returncode, output + errors

    def rows(self) -> Rows:
        """What is there."""
        return {(row.cell, row.seed): row for row in self.store.rows()}


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    return faults.finish(tmp_path_factory.mktemp("basic") / "results", LONGER)


def assert_same_rows(found: Rows, expected: Rows) -> None:
    assert found.keys() == expected.keys()
    for key, row in found.items():
        assert differences(row, expected[key]) == []
        assert row.provenance["predictions_digest"] == expected[key].provenance["predictions_digest"]


@pytest.mark.slow
@pytest.mark.parametrize(("launcher", "package"), [("joblib", "joblib"), ("submitit_local", "submitit"), ("ray", "ray")])
def test_a_sweep_that_is_drained_and_loses_a_worker_ends_with_the_rows_of_a_plain_one(launcher: str, package: str, expected: Rows, tmp_path: Path) -> None:
    pytest.importorskip(package, reason=f"{package} {INSTALL}")
    asked = Sweep(tmp_path / "results", launcher)
    asked.running()
    asked.child.send_signal(signal.SIGTERM)
    code, text = asked.end()
    assert code == 128 + signal.SIGTERM, text[-2000:]
    assert "drained: the running seeds have ended, no other was started; the same command goes on" in text
    drained = asked.rows()
    assert 0 < len(drained) < 6
    assert {row.status for row in drained.values()} == {"ok"}
    assert not list((tmp_path / "results" / "running").iterdir())

    robbed = Sweep(tmp_path / "results", launcher)
    os.kill(robbed.running()[0], signal.SIGKILL)
    code, text = robbed.end()
    assert code == 1, text[-2000:]
    assert "Traceback" not in text
    (line,) = [line for line in text.splitlines() if line.startswith("error: ")]
    assert "a worker process died while it ran digits(subset=500) symmetric(rate=0.4)" in line
    assert "finished rows are kept, run the same command again" in line
    rows = robbed.rows()
    assert {key for key, row in rows.items() if row.status == "failed"}
    assert all(rows[key] == row for key, row in drained.items())

    assert "INFO" not in text
    assert_same_rows(faults.finish(tmp_path / "results", LONGER), expected)


def node(log: Path, environment: dict[str, str], *arguments: str) -> subprocess.Popen[bytes]:
    """A Ray node of one CPU, as soon as it has started; it ends with its process.

    It has the machine's own address: a driver takes 127.0.0.1 for that of its own, where such nodes do not listen.
    """
    words = [f"--node-ip-address={own_address()}", "--num-cpus=1", f"--object-store-memory={80 * 2**20}", "--disable-usage-stats", "--block", *arguments]
    command = [sys.executable, "-m", "ray.scripts.scripts", "start", *words]
    with log.open("wb") as file:
        child = subprocess.Popen(command, env=os.environ | environment, stdout=file, stderr=subprocess.STDOUT)
    try:
        wait_for(lambda: "Ray runtime started" in log.read_text(), lambda: child.poll() is None, limit=60)
    except BaseException:
        child.kill()
        raise
    return child


def own_address() -> str:
    """Of this machine; traffic to it stays on the loopback device. No packet is sent to the address that asks for it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.connect(("192.0.2.1", 9))
        return str(asking.getsockname()[0])


@pytest.mark.slow
def test_a_cluster_of_two_nodes_gives_the_same_rows(expected: Rows, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason=f"ray {INSTALL}")
    with socket.socket() as free:
        free.bind(("", 0))
        address = f"{own_address()}:{free.getsockname()[1]}"
    nodes, raylets = list[subprocess.Popen[bytes]](), set[str]()
    own = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(16), "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S": "0"}
    try:
        nodes.append(node(tmp_path / "head.log", own, "--head", f"--port={address.rpartition(':')[2]}", "--include-dashboard=false"))
        nodes.append(node(tmp_path / "second.log", own, f"--address={address}"))
        sweep = Sweep(tmp_path / "results", "ray_cluster", RAY_ADDRESS=address, **own)

        def ended() -> bool:
            raylets.update(parent for path in sweep.store.under_way() if (parent := parent_of(path.name.split("@")[2])))
            return sweep.child.poll() is not None

        wait_for(ended)
        code, text = sweep.end()
    finally:
        for child in reversed(nodes):
            child.terminate()
            try:
                child.wait(timeout=20)
            finally:
                child.kill()
    assert code == 0, text[-2000:]
    assert len(raylets) == 2
    assert_same_rows(sweep.rows(), expected)
    assert text.splitlines()[-1] == "6 of 6 runs done, failed 0, skipped 0"
    assert "INFO" not in text


def parent_of(process: str) -> str:
    """Of a process that may be gone, then nothing."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1]
    except OSError:
        return ""


@pytest.mark.parametrize(("launcher", "extra", "package"), [("ray", "ray", "ray"), ("slurm", "slurm", "submitit")])
def test_a_launcher_that_is_not_installed_is_one_line(
    launcher: str, extra: str, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("benchmark.config.installed._installed", lambda name: name != package)
    assert in_process(monkeypatch, "experiment=smoke", f"launcher={launcher}", f"paths.results={tmp_path}") == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith(f"error: launcher={launcher} needs {package} (extra {extra!r}): run 'make setup-launchers'")
    assert f"labelnoise-bench[{extra}]" in line


def test_our_environment_goes_with_every_job(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    value = "/a b/it's, [100%] = {x}\\"
    for name in [name for name in os.environ if name.startswith(OURS)]:
        monkeypatch.delenv(name)
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
