"""CIFAR with human labels: on small files of the same format, and on the published ones where they are here."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from support.imagefiles import TEST, TRAIN, people, write_images, write_labels, write_reviews, write_side

from benchmark.api import load_noise, load_task
from benchmark.config.grid import expand
from benchmark.core.answers import Answers
from benchmark.core.errors import ConfigError, DataError
from benchmark.core.files import sha256_of
from benchmark.core.paths import Paths
from benchmark.core.types import Corruption, Task
from benchmark.data import imagesets
from benchmark.data.splits import assemble
from benchmark.noise.base import Context
from benchmark.noise.cache import corrupt
from benchmark.noise.streams import Streams
from benchmark.noise.superclass import CIFAR100, FINE
from benchmark.running.conditions import conditions_for
from benchmark.running.runner import run_cell
from tasks import cifar10, cifar10n, cifar100, cifar100n
from tasks.cifar10 import relabeled
from tasks.cifar10n import labels

SIZE, BATCH = 2000, 10  # of the label file, which says more than the images that are here


@pytest.fixture
def ten(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> dict[str, np.ndarray]:
    """Images and label file of a small CIFAR-10N, with reviews and votes of the test part; the arrays of the label file."""
    made = write_images(paths.data, cifar10.IMAGES, 10)
    right = np.concatenate([made["train"], np.random.default_rng(2).integers(0, 10, SIZE - TRAIN)])
    votes = [people(right, 10, BATCH, seed)[0] for seed in range(3)]
    wrong = np.stack([v != right for v in votes])
    worse = np.where(wrong.any(0), np.stack(votes)[wrong.argmax(0), np.arange(SIZE)], right)
    arrays = {"clean_label": right, "aggre_label": votes[0], "worse_label": worse} | {f"random_label{a + 1}": v for a, v in enumerate(votes)}
    rewrite(paths, monkeypatch, arrays)
    monkeypatch.setattr(cifar10n, "SIDE", replace(cifar10n.SIDE, path="none.csv"))
    return arrays | {"test": made["test"]}


def rewrite(paths: Paths, monkeypatch: pytest.MonkeyPatch, arrays: dict[str, np.ndarray]) -> Path:
    path = paths.data / cifar10n.HUMAN.path
    monkeypatch.setattr(cifar10n, "HUMAN", replace(cifar10n.HUMAN, sha256=write_labels(path, arrays)))
    return path


def human(task: Task, paths: Paths, name: str | None, seed: int = 0) -> Corruption:
    return corrupt(task, {"_target_": "benchmark.noise.simple.Human", "set": name}, seed, paths.cache)[0]


def test_every_set_is_what_the_file_says(ten: dict[str, np.ndarray], paths: Paths) -> None:
    task = load_task("cifar10n", paths, rows=TRAIN)
    assert task.name == "cifar10n"
    for name, field in cifar10n.FIELDS.items():
        made = human(task, paths, name)
        assert np.array_equal(made.observed, ten[field][:TRAIN])
        assert made.votes is not None
        assert np.array_equal(made.votes, np.stack([ten[f"random_label{a}"] for a in (1, 2, 3)], axis=1)[:TRAIN])
    with pytest.raises(ConfigError, match=r"noise\.set='worst' is not recorded for this task: did you mean 'worse'"):
        human(task, paths, "worst")


def test_redraw_takes_one_person_an_image_anew_with_every_seed(ten: dict[str, np.ndarray], paths: Paths) -> None:
    task = load_task("cifar10n", paths, rows=TRAIN)
    first, again, other = (human(task, paths, "redraw", seed) for seed in (0, 0, 1))
    assert first.votes is not None
    assert (first.votes == first.observed[:, None]).any(1).all()
    assert np.array_equal(first.observed, again.observed)
    assert not np.array_equal(first.observed, other.observed)
    assert np.array_equal(human(load_task("cifar10n", paths, rows=25), paths, "redraw").observed, first.observed[:25])  # an image's draw is its own
    # on many images each of three people is taken a third of the time
    right = task.problem.labels(np.zeros(3000, dtype=np.int64))
    sets = {name: np.full(3000, a) for a, name in enumerate("abc")}
    context = Context(sets, answers=Answers.from_votes(np.stack(list(sets.values()), axis=1), "abc"))
    counts = np.bincount(load_noise("human", set="redraw")(right, Streams(right, 0), context).observed, minlength=3)
    assert np.abs(counts - 1000).max() < 4 * np.sqrt(3000 * 2 / 9)


def test_redraw_needs_single_annotators(paths: Paths) -> None:
    right = load_task("digits").problem.labels(np.zeros(4, dtype=np.int64))
    with pytest.raises(ConfigError, match=r"noise\.set='redraw' is not recorded for this task"):
        load_noise("human", set="redraw")(right, Streams(right, 0), Context({"crowd": np.zeros(4, dtype=np.int64)}))


def test_validation_carries_the_noisy_labels(ten: dict[str, np.ndarray], paths: Paths) -> None:
    task = load_task("cifar10n", paths, rows=TRAIN)
    data, truth = assemble(task, task.train, human(task, paths, "worse"), seed=0)
    assert len(data.val) == TRAIN // 10
    assert truth.val is not None
    both = [(x.tobytes(), int(y)) for x, y in zip(data.val.x.numpy(), data.val.value[:, 0], strict=True)]
    given = {x.tobytes(): int(y) for x, y in zip(task.train.x.numpy(), ten["worse_label"][:TRAIN], strict=True)}
    assert all(given[x] == y for x, y in both)


BAD_CONTENT = {
    "another order": (lambda a: a | {"clean_label": a["clean_label"][::-1].copy()}, "is in another order than the images: "),
    "one label differs": (lambda a: a | {"clean_label": (a["clean_label"] + (np.arange(SIZE) == 40)) % 10}, f"{TRAIN - 1} of {TRAIN} right labels agree"),
    "too short": (lambda a: {name: value[:30] for name, value in a.items()}, "is in another order than the images: 0 of"),
    "a set is missing": (lambda a: {name: value for name, value in a.items() if name != "worse_label"}, "holds no classes 0 to 9 under 'worse_label'"),
    "no class": (lambda a: a | {"worse_label": a["worse_label"] + 3}, "holds no classes 0 to 9 under 'worse_label'"),
}


@pytest.mark.parametrize("case", BAD_CONTENT)
def test_labels_that_do_not_belong_to_the_images_are_refused(case: str, ten: dict[str, np.ndarray], paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    change, message = BAD_CONTENT[case]
    rewrite(paths, monkeypatch, change({name: value for name, value in ten.items() if name != "test"}))
    refused(paths, message)


BAD_FILE = {
    "0 bytes": (lambda content: b"", "CIFAR-10_human.pt has 0 bytes"),
    "a web page": (lambda content: b"\n<html><head>", "CIFAR-10_human.pt is a web page (HTML), not data"),
    "truncated": (lambda content: content[:-200], "CIFAR-10_human.pt has sha256"),
    "another file": (lambda content: content + b" ", "expected"),
}


@pytest.mark.parametrize("case", BAD_FILE)
def test_a_damaged_label_file_is_one_line(case: str, ten: dict[str, np.ndarray], paths: Paths) -> None:
    path, (change, message) = paths.data / cifar10n.HUMAN.path, BAD_FILE[case]
    path.write_bytes(change(path.read_bytes()))
    refused(paths, message)


def refused(paths: Paths, message: str) -> None:
    with pytest.raises(DataError) as raised:
        load_task("cifar10n", paths, rows=TRAIN)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_side_information_is_used_only_if_it_belongs_to_the_images(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    right = np.random.default_rng(0).integers(0, 10, SIZE)
    given, side = people(right, 10, 5, workers=60)
    source = labels.source("side.csv", "side.csv", "")
    path = tmp_path / source.path
    path.parent.mkdir(parents=True)
    for rows, good in ((side, True), (np.random.default_rng(1).permutation(side), False)):
        source = replace(source, sha256=write_side(path, rows[:, None], 5))
        with caplog.at_level(logging.WARNING):
            found = labels.side_information(source, tmp_path, [given != right], 5)
        assert (found is not None) == good
        if found is not None:
            assert np.array_equal(found[:, 0], side)
            assert not caplog.records
    assert "error rates do not differ by worker" in caplog.text
    assert len(caplog.text.strip().splitlines()) == 1
    source = replace(source, sha256=write_side(path, side[:-1, None], 5))
    with pytest.raises(DataError, match=rf"has {SIZE // 5 - 1} lines for {SIZE} labels, expected {SIZE // 5}"):
        labels.side_information(source, tmp_path, [given != right], 5)


def test_privileged_inputs_tell_worker_and_time() -> None:
    table = cifar100n.privileged(np.array([[7, 10], [9, 100], [7, 1000]]))
    assert table.shape == (15, 3)
    assert table[:, :2].sum(1).tolist() == [1.0] * 15
    assert torch.equal(table[:5, :2], table[10:, :2])
    assert not torch.equal(table[0, :2], table[5, :2])
    assert torch.all(table[10:, 2] > table[5:10, 2])
    assert table[:, 2].float().mean().abs() < 1e-3


def test_reviews_correct_or_take_out_test_labels(tmp_path: Path) -> None:
    y = np.arange(10)
    votes = {"given": 0, "guessed": 0, "neither": 0, "both": 0}
    cases = {
        1: (5, votes | {"given": 3, "guessed": 2}),  # stands
        2: (6, votes | {"given": 1, "guessed": 4}),  # corrected
        3: (7, votes | {"neither": 5}),  # no class is right
        4: (8, votes | {"given": 2, "guessed": 2, "both": 1}),  # nobody knows
        12: (1, votes | {"guessed": 5}),  # beyond the images that are here
    }
    source = relabeled.reviews("cifar10", "")
    path = tmp_path / source.path
    source = replace(source, sha256=write_reviews(path, np.arange(20), cases))
    assert relabeled.corrected(source, tmp_path, y)["corrected"].tolist() == [0, 1, 6, -1, -1, 5, 6, 7, 8, 9]
    with pytest.raises(DataError, match="says 1 of test image 1, whose label is 8: take images in torchvision order"):
        relabeled.corrected(source, tmp_path, y[::-1].copy())
    path.write_text("[1]")
    with pytest.raises(DataError, match="is no list of reviews"):
        relabeled.corrected(replace(source, sha256=sha256_of(path)), tmp_path, y)
    path.unlink()
    assert relabeled.corrected(source, tmp_path, y) == {}


@pytest.mark.parametrize("kind", [np.int64, np.float64])
def test_votes_are_counts_in_whatever_type_a_copy_has_them(kind: type, tmp_path: Path) -> None:
    y = np.arange(4)
    path = tmp_path / cifar10.VOTES.path
    path.parent.mkdir(parents=True)
    np.save(path, (47 * np.eye(10)[y] + 3).astype(kind))
    found = relabeled.votes(replace(cifar10.VOTES, sha256=sha256_of(path)), tmp_path, y)["soft"]
    assert found.dtype == np.int64
    assert found[1].tolist() == [3, 50, *[3] * 8]
    with pytest.raises(DataError, match="agrees with 0% of the test labels only: take images and votes in torchvision order"):
        relabeled.votes(replace(cifar10.VOTES, sha256=sha256_of(path)), tmp_path, y[::-1].copy())


def test_a_row_scores_the_other_test_labels_too(ten: dict[str, np.ndarray], paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    y = ten["test"]
    everybody = {i: (int(y[i] + 1) % 10, {"given": 0, "guessed": 5, "neither": 0, "both": 0}) for i in range(TEST)}
    monkeypatch.setattr(cifar10, "REVIEWS", replace(cifar10.REVIEWS, sha256=write_reviews(paths.data / cifar10.REVIEWS.path, y, everybody)))
    votes = paths.data / cifar10.VOTES.path
    votes.parent.mkdir(parents=True)
    np.save(votes, np.eye(10)[y] * 50)
    monkeypatch.setattr(cifar10, "VOTES", replace(cifar10.VOTES, sha256=sha256_of(votes)))
    product = {"task": f"cifar10n(rows={TRAIN})", "noise": "human(set=redraw)", "method": "erm", "trainer": "smoke(reference_folds=0)"}
    (row,) = run_cell(expand([product], {}, {}, []).cells[0], [(0, 0, 0)], paths)
    assert row.status == "ok", row.error
    assert row.metrics["test_soft/last/agreement"] == pytest.approx(row.metrics["test/last/accuracy"])
    assert row.metrics["test_soft/last/cross_entropy"] == pytest.approx(row.metrics["test/last/nll"])
    # every label was changed, so no image is right under both
    assert row.metrics["test_corrected/last/accuracy"] + row.metrics["test/last/accuracy"] <= 1
    assert row.metrics["test_corrected/last/nll"] != row.metrics["test/last/nll"]
    assert row.noise_stats["rate"] == pytest.approx(np.mean([ten[f"random_label{a}"][:TRAIN] != ten["clean_label"][:TRAIN] for a in (1, 2, 3)]), abs=0.2)


def test_privileged_inputs_reach_the_method_that_declares_them(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    made = write_images(paths.data, cifar100.IMAGES, 100, coarse={i: i % 20 for i in range(100)})
    right = np.concatenate([made["train"], np.random.default_rng(2).integers(0, 100, SIZE - TRAIN)])
    noisy, side = people(right, 100, cifar100n.BATCH, workers=60)
    sha = write_labels(paths.data / cifar100n.HUMAN.path, {"clean_label": right, "noisy_label": noisy})
    monkeypatch.setattr(cifar100n, "HUMAN", replace(cifar100n.HUMAN, sha256=sha))
    monkeypatch.setattr(cifar100n, "SIDE", replace(cifar100n.SIDE, sha256=write_side(paths.data / cifar100n.SIDE.path, side[:, None], cifar100n.BATCH)))
    product = {"task": f"cifar100n(rows={TRAIN})", "noise": "human", "method": "tram", "trainer": "smoke(reference_folds=0)"}
    (cell,) = expand([product], {}, {}, []).cells
    declared = conditions_for(cell, (0, 0, 0), paths).declared["privileged"]
    whole = load_task("cifar100n", paths, rows=TRAIN).privileged
    assert whole is not None
    assert declared.shape == (TRAIN - TRAIN // 10, whole.shape[1])
    assert {row.numpy().tobytes() for row in declared} <= {row.float().numpy().tobytes() for row in whole}
    for noise, knows in (("clean", True), ("symmetric", False), ("chain(first=human,second=symmetric)", False)):
        (other,) = expand([product | {"noise": noise, "method": "erm"}], {}, {}, []).cells
        assert ("privileged" in conditions_for(other, (0, 0, 0), paths).declared) == knows
    (row,) = run_cell(cell, [(0, 0, 0)], paths)
    assert row.status == "ok", row.error


def test_superclass_names_are_those_of_the_coarse_ids() -> None:
    assert (len(FINE), len(CIFAR100)) == (100, 20)
    assert cifar100.NAMES["coarse"][14] == "people"
    assert cifar100.NAMES["fine"][19] == "cattle"


PUBLISHED = Paths.default().data
RATES = {"aggre": 0.09010, "random1": 0.17234, "random2": 0.18122, "random3": 0.17640, "worse": 0.40208}
real = pytest.mark.skipif(not (PUBLISHED / cifar10n.HUMAN.path).exists(), reason=f"{PUBLISHED} has no CIFAR-N labels: see make data")


@real
def test_the_published_rates() -> None:
    given = labels.read(cifar10n.HUMAN, PUBLISHED, {"right": "clean_label", **cifar10n.FIELDS}, 10)
    assert {name: round(float((given[name] != given["right"]).mean()), 5) for name in cifar10n.FIELDS} == RATES
    assert given["right"][:20].tolist() == [6, 9, 9, 4, 1, 1, 2, 7, 8, 3, 4, 7, 7, 2, 9, 9, 9, 3, 2, 6]
    for target, rate in (("fine", 0.40200), ("coarse", 0.26404)):
        right, noisy = cifar100n.FIELDS[target]
        found = labels.read(cifar100n.HUMAN, PUBLISHED, {"right": right, "noisy": noisy}, 100)
        assert round(float((found["noisy"] != found["right"]).mean()), 5) == rate


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    folder = tmp_path_factory.mktemp("published")
    return Paths(PUBLISHED, folder / "results", folder / "cache")


@real
def test_published_labels_are_those_of_the_images(published: Paths) -> None:
    """50,000 of 50,000 right labels agree; no image is decoded for it."""
    found = imagesets.labels_of(cifar10.IMAGES, published)
    given = labels.read(cifar10n.HUMAN, PUBLISHED, {"right": "clean_label"}, 10)["right"]
    assert len(given) == 50_000
    assert int((found["train/label"] == given).sum()) == 50_000
    assert np.bincount(found["test/label"]).tolist() == [1000] * 10


@real
def test_published_cifar100n(published: Paths, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(DataError, match=r"holds 10000 of 50000 training images: give task\.rows=10000"):
        load_task("cifar100n", published)
    task = load_task("cifar100n", published, rows=500)
    assert task.privileged is not None
    assert task.privileged.shape == (500, 520)
    coarse = load_task("cifar100n", published, target="coarse", rows=500)
    groups = list(CIFAR100.values())
    assert all(FINE[fine] in groups[c] for fine, c in zip(task.train.y, coarse.train.y, strict=True))
    right = task.problem.labels(task.train.y)
    for name, same in (("superclass", 1.0), ("block5", 0.06)):
        observed = load_noise(name, rate=1.0)(right, Streams(right, 0), Context()).observed
        assert (observed != task.train.y).all()
        stays = np.mean([next(i for i, g in enumerate(groups) if FINE[o] in g) == c for o, c in zip(observed, coarse.train.y, strict=True)])
        assert stays == pytest.approx(same, abs=0.05)


@real
def test_published_side_information_of_cifar10n_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    given = labels.read(cifar10n.HUMAN, PUBLISHED, {"right": "clean_label", **cifar10n.FIELDS}, 10)
    errors = [given[name] != given["right"] for name in cifar10n.ANNOTATORS]
    assert labels.side_information(cifar10n.SIDE, PUBLISHED, errors, 10) is None
    assert "side_info_cifar10N.csv is not used" in caplog.text


@real
def test_published_test_labels(published: Paths, tmp_path: Path) -> None:
    y = imagesets.labels_of(cifar10.IMAGES, published)["test/label"]
    fixed = relabeled.corrected(cifar10.REVIEWS, PUBLISHED, y)["corrected"]
    assert int((fixed != y).sum()) == 54
    given = {entry["id"]: entry["given_original_label"] for entry in json.loads((PUBLISHED / cifar100.REVIEWS.path).read_bytes())}
    y100 = np.array([given.get(i, 0) for i in range(10_000)])
    assert (len(given), int((relabeled.corrected(cifar100.REVIEWS, PUBLISHED, y100)["corrected"] != y100).sum())) == (2235, 585)
    soft = relabeled.votes(cifar10.VOTES, PUBLISHED, y)["soft"]
    assert soft.shape == (10_000, 10)
    assert (soft.argmax(1) == y).mean() > 0.98
    np.save(tmp_path / "counts.npy", soft)
    assert sha256_of(tmp_path / "counts.npy") == cifar10.VOTES.sha256  # in whole numbers it is the authors' file to the byte
