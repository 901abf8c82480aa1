"""The page of an experiment: paired numbers, what is repair and what is not, settings of a method's own, pictures that fit."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from support.boardrows import rows

from benchmark.board import study
from benchmark.commands import study as commands_study
from benchmark.core.errors import ConfigError
from benchmark.core.paths import PLUGINS


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("studies")
    study.write("smoke", rows(), 2, folder)
    return folder, (folder / "smoke.md").read_text()


def test_page_says_what_noise_costs_what_methods_gain_and_what_is_repair(page: tuple[Path, str]) -> None:
    folder, text = page
    assert "42 runs, 0 failed, 2 not run" in text
    assert "| digits · cnn | symmetric(rate=0.4) | 40.0 % | accuracy 0." in text
    numbers = pd.read_csv(folder / "smoke.csv").set_index(["task", "noise", "method"])
    noisy, clean = (numbers.loc["digits", noise, "gce"] for noise in ("symmetric(rate=0.4)", "clean"))
    assert noisy["gain"] == pytest.approx(0.1, abs=0.03)
    assert noisy["clean_gain"] == pytest.approx(clean["gain"], abs=1e-4)
    assert noisy["damage_reduced"] == pytest.approx(noisy["gain"] - clean["gain"], abs=1e-4)
    assert f"{noisy['gain']:+.3f} [{noisy['gain_low']:+.3f}, {noisy['gain_high']:+.3f}]" in text
    assert "| forward* |" in text
    assert "| small_loss†* |" in text
    worse = numbers.loc["diamonds", "uniform_resample", "mae"]
    assert (worse["mean"], worse["gain"]) == (pytest.approx(400, abs=20), pytest.approx(-100, abs=30))


def test_every_picture_that_is_named_is_there(page: tuple[Path, str]) -> None:
    folder, text = page
    assert {path.name for path in folder.glob("*.svg")} == {"smoke.svg"}
    assert "(smoke.svg)" in text


def test_methods_with_settings_of_their_own_are_compared_with_erm_and_say_so(tmp_path: Path) -> None:
    made = [row if row.labels["method"] != "gce" else row.model_copy(update={"labels": row.labels | {"trainer": "quick(lr=1)"}}) for row in rows()]
    found, settings = study.joined(made)
    assert settings == {("digits", "cnn", "gce"): "quick(lr=1)"}
    assert {row.labels["trainer"] for row in found} == {"smoke"}
    study.write("smoke", made, 0, tmp_path)
    text = (tmp_path / "smoke.md").read_text()
    assert "| gce‡ |" in text
    assert "‡ gce on digits: `quick(lr=1)`" in text


def test_without_an_experiment_or_rows_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(PLUGINS)
    with pytest.raises(ConfigError, match=r"study needs experiment=NAME: one of .*quick"):
        commands_study.study([])
    with pytest.raises(ConfigError, match="has no finished row of experiment=smoke: make sweep EXPERIMENT=smoke"):
        commands_study.study(["experiment=smoke", f"paths.results={tmp_path}"])
