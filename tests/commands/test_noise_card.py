"""The noise card: its numbers against counts, its text, its picture."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.tiny import make_task

from benchmark.commands.noise_card import Card, describe, lines, noise_card
from benchmark.config.build import load
from benchmark.core.errors import ConfigError
from benchmark.noise.cache import corrupt

CASES = {
    "multiclass": ("symmetric", {"rate": 0.4}),
    "tagging": ("span", {"preset": "weak"}),
    "multilabel": ("label_flip", {"fpr": 0.1, "fnr": 0.3}),
    "regression": ("outliers", {"rate": 0.2}),
}


def card_of(problem: str, tmp_path: Path, noise: str | None = None, **options: Any) -> Card:
    name, default = CASES[problem]
    task = make_task(problem, train=400)
    made, manifest = corrupt(task, load("noise", noise or name, **(options if noise else default)), 0, tmp_path)
    return describe("a title", task.problem, task.problem.labels(task.train.y), made, manifest)


def test_classes(tmp_path: Path) -> None:
    card = card_of("multiclass", tmp_path)
    wrong = card.given != card.right
    numbers = card.numbers
    assert numbers["requested_rate"] == 0.4
    assert numbers["rate"] == wrong.mean()
    np.testing.assert_allclose(numbers["rate_by_class"], [wrong[card.right == c].mean() for c in range(4)])
    joint = np.bincount(card.right * 4 + card.given, minlength=16).reshape(4, 4)
    off = joint * (1 - np.eye(4))
    assert abs(numbers["largest_target_share"] - (off.max(1) / off.sum(1)).mean()) < 1e-12
    assert card.transition is not None
    assert card.true is not None
    np.testing.assert_allclose(card.transition[0], joint / joint.sum(1, keepdims=True))
    np.testing.assert_allclose(card.true[0], np.full((4, 4), 0.4 / 3) + np.eye(4) * (0.6 - 0.4 / 3))
    text = "\n".join(lines(card))
    at = text.index("requested rate               0.4\n")
    assert text[at:].splitlines()[1] == f"{'realised rate':28} {wrong.mean():.4g}"
    assert "T, true" in text
    assert "information kept" in text
    assert "margin" in text


def test_the_worst_confusion_is_that_of_the_least_worth(tmp_path: Path) -> None:
    card = card_of("multiclass", tmp_path, "symmetric", rate=0.5)
    assert card.transition is not None
    t = card.transition[0]
    worth = {(i, j): (t[i, i] - t[i, j]) ** 2 / (t[i, i] + t[i, j]) for i in range(4) for j in range(4) if i != j}
    i, j = min(worth, key=lambda pair: worth[pair])
    names = card.classes
    assert card.numbers["worst_confusion"] == f"{names[i]} -> {names[j]}"
    assert card.numbers["worst_kappa"] == pytest.approx(t[i, i] - t[i, j])
    assert card.numbers["worst_worth"] == pytest.approx(worth[i, j])
    assert card_of("multilabel", tmp_path).numbers["worst_confusion"].endswith(" 1 -> 0")
    assert "worst_kappa" not in card_of("regression", tmp_path).numbers


def test_entities_stand_beside_tokens(tmp_path: Path) -> None:
    numbers = card_of("tagging", tmp_path).numbers
    p, r = numbers["span_precision"], numbers["span_recall"]
    assert numbers["entity_share"] == 1 - 2 * p * r / (p + r)
    assert numbers["token_share"] == numbers["rate"] > 0
    assert numbers["entity_share"] > numbers["token_share"]


def test_labels_have_rates_and_precision(tmp_path: Path) -> None:
    card = card_of("multilabel", tmp_path)
    right, given = card.right.reshape(-1, 3), card.given.reshape(-1, 3)
    np.testing.assert_allclose(card.numbers["ppv"], [right[given[:, c] == 1, c].mean() for c in range(3)])
    np.testing.assert_allclose(card.numbers["fpr"], [given[right[:, c] == 0, c].mean() for c in range(3)])
    text = list(lines(card))
    assert any(line.split()[:3] == ["fpr", "fnr", "ppv"] for line in text)
    assert sum(line.startswith(("p ", "q ", "r ")) for line in text) == 3


def test_targets_have_errors(tmp_path: Path) -> None:
    card = card_of("regression", tmp_path)
    error = card.given - card.right
    assert abs(card.numbers["error_mae"] - np.abs(error).mean()) < 1e-12
    assert abs(card.numbers["error_sd"] - error.std()) < 1e-12
    assert abs(card.numbers["beyond_eighth"] - (np.abs(error) > np.ptp(card.right) / 8).mean()) < 1e-12


def test_open_sets_unknown_entries_and_instances(tmp_path: Path) -> None:
    open_set = card_of("multiclass", tmp_path, "openset", rate=0.4).numbers
    assert abs(open_set["open_set_share"] - 0.4) < 0.1
    assert open_set["rate"] == 0
    assert abs(card_of("multilabel", tmp_path, "partial", rate=0.6).numbers["unknown_share"] - 0.6) < 0.1
    instance = card_of("multiclass", tmp_path, "instance_projection", rate=0.3).numbers
    assert 0 < instance["instance_entropy"] < instance["instance_entropy_limit"] == np.log(3)
    long = card_of("multiclass", tmp_path, "chain", first="long_tail", second="symmetric").numbers
    assert long["examples"] < 400
    assert abs(long["rate"] - 0.2) < 0.15


def test_many_classes_show_their_largest_confusions(tmp_path: Path) -> None:
    card = card_of("multiclass", tmp_path)
    wide = Card(
        "wide", "multiclass", tuple(map(str, range(30))), tuple(map(str, range(30))), {}, np.roll(np.eye(30), 1, axis=1)[None], None, card.right, card.given
    )
    text = list(lines(wide))
    assert "  3 -> 4  1.000" in text
    assert len(text) == 13


@pytest.mark.parametrize("noise", ["symmetric(rate=0.3)", "chain(second=pairflip)"])
def test_the_command_prints_and_draws(noise: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["task=digits", f"noise={noise}", "trainer=smoke", f"paths.results={tmp_path}", f"paths.cache={tmp_path / 'cache'}"]
    assert noise_card(arguments) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"# digits, {noise}, noise seed 0")
    assert "systematic share" in shown
    (picture,) = (tmp_path / "local").glob("noise-digits-*.png")
    content = picture.read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", content[16:24])[0] > 800
    assert str(picture) in shown


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["noise=symetric"], "did you mean 'symmetric'"),
        (["noise=gaussian"], "gaussian serves regression, digits is multiclass"),
        (["methd=elr"], "noise-card does not know 'methd=elr'"),
        (["seed=-1"], "does not know 'seed=-1'"),
        (["noise.rat=0.1"], "no key 'rat'"),
    ],
)
def test_wrong_arguments_are_one_line(arguments: list[str], hint: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=hint) as caught:
        noise_card([*arguments, f"paths.results={tmp_path}"])
    assert "\n" not in str(caught.value)
