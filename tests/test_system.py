"""The suite as a user runs it: whole commands in processes of their own."""

from __future__ import annotations

import functools
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from support.commands import in_process

from benchmark.core.paths import ROOT
from benchmark.results.row import digest_of

FIELDS = ["schema_version", "cell", "seed", "status", "task", "noise", "method", "model", "trainer"]
FIELDS += ["labels", "metrics", "cost", "noise_stats", "provenance", "config", "identity", "checkpoints", "salt", "error", "digest"]


def benchmark(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "benchmark", *arguments], cwd=cwd, capture_output=True, text=True, timeout=300, check=False)


def rows(results: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in results.glob("runs/??/*.json")}


@pytest.fixture(scope="module")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results folder of a finished ``make sweep EXPERIMENT=smoke``."""
    results = tmp_path_factory.mktemp("smoke")
    words = ["make", "sweep", "EXPERIMENT=smoke", "JOBS=2", f"ARGS=paths.results={results} paths.cache={results}/cache"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return results


@pytest.mark.slow
def test_smoke_gives_every_row_and_the_board(smoke: Path) -> None:
    found = [json.loads(text) for text in rows(smoke).values()]
    assert len(found) == 4 * 3 * 8 * 3
    assert {row["status"] for row in found} == {"ok"}
    for row in found:
        assert list(row) == FIELDS
        primary = {"digits": "accuracy", "yeast": "map", "newswire": "f1", "diamonds": "mae"}[row["task"]]
        assert {f"test/{track}/{primary}" for track in ("last", "noisy_val", "clean_val", "oracle")} <= set(row["metrics"])
        assert row["cost"]["passes"] == sum(row["cost"]["forward"]) + 2 * sum(row["cost"]["backward"])
        assert (smoke / "runs" / row["cell"][:2] / f"{row['cell']}-{row['seed'][0]}.bits.npy").is_file()
    assert {row["labels"]["noise"] for row in found if row["task"] == "digits"} == {"clean", "symmetric(rate=0.4)", "asymmetric(rate=0.4)"}
    board = {suffix: (smoke / "local" / f"leaderboard.{suffix}").read_text() for suffix in ("md", "csv", "json", "html")}
    for method in ("erm", "erm_ensemble", "erm_long", "small_loss", "coteaching", "mixup", "gce", "elr", "huber", "mae"):
        assert all(method in text for text in board.values())
    named = ("http-equiv", "http://www.w3.org/2000/svg")  # no request: a policy, and the namespace of pictures
    assert "http" not in functools.reduce(lambda page, text: page.replace(text, ""), named, board["html"])


@pytest.mark.slow
def test_every_method_of_a_cell_saw_the_same_data_and_test_set(smoke: Path) -> None:
    found = [json.loads(text) for text in rows(smoke).values()]
    for key in ("test_digest", "train_digest", "noise_digest"):
        by_cell: dict[tuple[str, ...], set[str]] = {}
        for row in found:
            place = (row["task"],) if key == "test_digest" else (row["labels"]["task"], row["labels"]["noise"], str(row["seed"]))
            by_cell.setdefault(place, set()).add(row["provenance"][key])
        assert all(len(digests) == 1 for digests in by_cell.values())


@pytest.mark.slow
def test_a_finished_sweep_loads_and_writes_nothing(smoke: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in smoke.glob("runs/??/*")}
    script = (
        "import sys, runpy\n"
        f"sys.argv = ['benchmark', 'experiment=smoke', 'launcher=basic', 'paths.results={smoke}']\n"
        "try: runpy.run_module('benchmark', run_name='__main__')\n"
        "except SystemExit as stop: assert not stop.code, stop.code\n"
        "print('loaded', sorted(m for m in ('pytorch_lightning', 'datasets', 'tasks.digits') if m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert "loaded []" in done.stdout, done.stdout[-500:] + done.stderr[-2000:]
    assert {path: path.stat().st_mtime_ns for path in smoke.glob("runs/??/*")} == before


@pytest.mark.slow
def test_status_counts_the_rows(smoke: Path) -> None:
    done = benchmark("status", "experiment=smoke", f"paths.results={smoke}")
    assert done.returncode == 0, done.stderr
    assert "288       0        0   in 96 cells x 3 seeds" in done.stdout


def test_one_cell_with_overrides_and_the_command_that_repeats_it(tmp_path: Path) -> None:
    first = benchmark(
        "task=digits", "noise=symmetric", "noise.rate=0.4", "method=elr", "method.lam=5", "trainer=smoke", "seeds=[0,1]", f"paths.results={tmp_path / 'a'}"
    )
    assert first.returncode == 0, first.stderr
    found = {name: json.loads(text) for name, text in rows(tmp_path / "a").items()}
    assert len(found) == 2
    assert all(row["labels"]["noise"] == "symmetric(rate=0.4)" and row["labels"]["method"] == "elr(lam=5)" for row in found.values())
    name, row = sorted(found.items())[1]
    command = shlex.split(row["provenance"]["command"])
    assert command[:3] == ["python", "-m", "benchmark"]
    again = benchmark(*command[3:], f"paths.results={tmp_path / 'b'}")
    assert again.returncode == 0, again.stderr
    assert json.loads(rows(tmp_path / "b")[name])["metrics"] == row["metrics"]


def test_seeds_can_be_separated(tmp_path: Path) -> None:
    done = benchmark("task=digits", "trainer=smoke", "seeds=[3]", "seeds.noise=[5]", "noise=symmetric(rate=0.3)", f"paths.results={tmp_path}")
    assert done.returncode == 0, done.stderr
    ((name, text),) = rows(tmp_path).items()
    assert json.loads(text)["seed"] == [3, 5, 3]
    assert name.endswith("-3-5-3.json")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["method=gcee"], ["'gcee'", "did you mean 'gce'?"]),
        (["task="], ["task=''", "digits"]),
        (["method=elr", "method.lan=3"], ["'lan'", "did you mean 'lam'?"]),
        (["method=elr", "method.lam=abc", "trainer=smoke"], ["method.lam='abc'", "expected float"]),
        (["sedes=[0]"], ["sedes", "did you mean 'seeds'?"]),
        (["noise=symmetric", "noise.rate=1.4", "trainer=smoke"], ["noise.rate=1.4", "[0, 1]"]),
        (["on_existing=never"], ["'never'", "skip"]),
        (["experiment=quick", "noise.rate=0.2"], ["recorded", "'rate'"]),
        (["experiment=quick", "task=digits", "noise=gaussian"], ["nothing to run", "task=digits with noise=gaussian"]),
        (["seeds=[]"], ["seeds=[]"]),
        (["method._target_=os.system"], ["os.system", "refused"]),
    ],
)
def test_wrong_input_is_one_line_and_exit_code_2(
    arguments: list[str], words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert in_process(monkeypatch, *arguments, f"paths.results={tmp_path}") == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("error: ")
    assert all(word in lines[0] for word in words), lines[0]
    assert not rows(tmp_path)


def test_unsupported_pair_is_told_and_writes_no_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert in_process(monkeypatch, "task=diamonds", "method=gce", f"paths.results={tmp_path}") == 0
    assert "skipped: gce supports categorical, diamonds is continuous" in capsys.readouterr().out
    assert not rows(tmp_path)


def test_make_passes_axes_from_the_command_line_only() -> None:
    # A make above this one (`make test`) would add its own lines about directories.
    environment = {key: value for key, value in os.environ.items() if key not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    environment |= {"TASK": "yeast", "SEEDS": "9"}
    arguments = ["make", "-n", "sweep", "EXPERIMENT=smoke", "METHOD=gce", "NOISE=symmetric(rate=0.4)", "JOBS=2"]
    shown = subprocess.run(arguments, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout
    words = shlex.split(shown.splitlines()[-1])
    assert words[3:] == ["experiment=smoke", "noise=symmetric(rate=0.4)", "method=gce", "launcher=joblib", "jobs=2"]
    assert "yeast" not in shown
    assert "seeds" not in shown


@pytest.mark.parametrize("target", ["sweep", "status", "plan"])
def test_make_hands_the_setting_to_whatever_expands_the_grid(target: str) -> None:
    shown = subprocess.run(["make", "-n", target, "SETTING=blind"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert '"setting=blind"' in shown


def test_make_help_names_every_target() -> None:
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in ("setup", "sweep", "smoke", "lint", "test", "status", "leaderboard", "clean", "bench"):
        assert f"make {target}" in shown


@pytest.mark.slow
def test_rows_verify_and_an_edited_one_does_not(smoke: Path, tmp_path: Path) -> None:
    chosen = [path for path in sorted(smoke.glob("runs/??/*.json")) if json.loads(path.read_text())["task"] == "digits"][:3]
    for path in chosen:
        (tmp_path / "runs" / path.parent.name).mkdir(parents=True, exist_ok=True)
        (tmp_path / "runs" / path.parent.name / path.name).write_text(path.read_text())
    words = ("verify", "N=5", f"paths.results={tmp_path}", f"paths.cache={smoke}/cache")
    done = benchmark(*words)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "3 of 3 rows verified"), done.stdout + done.stderr
    edited = tmp_path / "runs" / chosen[0].parent.name / chosen[0].name
    content = json.loads(edited.read_text())
    content["metrics"]["test/last/accuracy"] += 1e-9
    edited.write_text(json.dumps(content | {"digest": digest_of(content)}))  # without it the row would not even be read
    done = benchmark(*words)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (1, "2 of 3 rows verified")
    assert "DIFFERS" in done.stdout
    assert "test/last/accuracy" in done.stdout
