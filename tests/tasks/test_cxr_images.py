"""Films in the official files of each data set, and what is wrong with them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from support import ownfiles

from benchmark.api import load_task
from benchmark.core.errors import UserError
from benchmark.core.paths import Paths
from benchmark.core.types import Task
from tasks.cxr_images import resolved
from tasks.cxr_images.films import UNCERTAIN, UNKNOWN, Films, shared
from tasks.cxr_images.formats import CHEXPERT, NIH, chexpert, padchest, vindr

FRONT = ["No Finding", "Enlarged Cardiomediastinum", "Cardiomegaly", "Lung Opacity", "Lung Lesion", "Edema", "Consolidation", "Pneumonia", "Atelectasis"]
BACK = ["Pneumothorax", "Pleural Effusion", "Pleural Other", "Fracture", "Support Devices"]


def write_chexpert(folder: Path) -> dict[str, Any]:
    """60 training and 24 validation films, blanks and uncertain labels in training."""
    for name, count, first in (("train", 60, 0), ("valid", 24, 100)):
        paths = [f"CheXpert-v1.0-small/{name}/patient{first + i // 2:05}/study1/view{i % 2 + 1}_frontal.jpg" for i in range(count)]
        frame = pd.DataFrame({"Path": paths, "Sex": "Female", "Age": 60, "Frontal/Lateral": "Frontal", "AP/PA": "AP"})
        for k, finding in enumerate(FRONT + BACK):
            value = np.array([(i // 2 ** (k % 4)) % 2 for i in range(count)], dtype=object)
            if name == "train":
                value[k % 5 :: 7], value[k % 3 :: 11] = -1.0, ""
            frame[finding] = value
        frame.to_csv(folder / f"{name}.csv", index=False)
        ownfiles.write_films(folder, [path.partition("/")[2] for path in paths], seed=first)
    return {"source": "chexpert", "path": str(folder), "size": 8}


def write_padchest(folder: Path) -> dict[str, Any]:
    """60 films labelled by a network and 24 by a physician, one patient of both."""
    size = 84
    labels = ["['pleural effusion', 'nodule']", "['normal']", "['cardiomegaly', 'pleural effusion']", "['nodule', 'scoliosis']"]
    frame = pd.DataFrame(
        {
            "ImageID": [f"{i}.png" for i in range(size)],
            "ImageDir": [i % 3 for i in range(size)],
            "PatientID": [f"p{i // 2 if i != 1 else 35}" for i in range(size)],
            "Projection": ["PA" if i % 20 else "L" for i in range(size)],
            "MethodLabel": ["RNN_model" if i < 60 else "Physician" for i in range(size)],
            "Labels": [labels[i % 4] for i in range(size)],
        }
    )
    frame.to_csv(folder / "PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv", index=False)
    ownfiles.write_films(folder, [f"{i % 3}/{i}.png" for i in range(size)])
    return {"source": "padchest", "path": str(folder), "size": 8}


def write_openi(folder: Path) -> dict[str, Any]:
    """Reports and the films that they name."""
    (folder / "ecgen-radiology").mkdir()
    for i in range(90):
        (folder / "ecgen-radiology" / f"{i}.xml").write_text(ownfiles.report(i))
    ownfiles.write_films(folder / "images", [f"film{i}.png" for i in range(90)])
    return {"source": "openi", "path": str(folder), "size": 8}


def write_vindr(folder: Path) -> dict[str, Any]:
    """60 films of three radiologists, the first of whom misses every sixth nodule, and 24 films with a consensus."""
    rows = []
    for i in range(60):
        for r in range(3):
            mark = int(i % 2 == 0 and not (r == 0 and i % 6 == 0))
            rows.append({"image_id": f"t{i}", "rad_id": f"R{r}", "Nodule/Mass": mark, "Cardiomegaly": i // 2 % 2, "No finding": 1 - mark})
    pd.DataFrame(rows).to_csv(folder / "image_labels_train.csv", index=False)
    held = [{"image_id": f"h{i}", "Nodule/Mass": i % 2, "Cardiomegaly": i // 2 % 2, "No finding": 0} for i in range(24)]
    pd.DataFrame(held).to_csv(folder / "image_labels_test.csv", index=False)
    ownfiles.write_films(folder, [f"{row['image_id']}.png" for row in [*rows, *held]])
    return {"source": "vindr", "path": str(folder), "size": 8}


def made(write: Callable[[Path], dict[str, Any]], folder: Path, paths: Paths, **options: Any) -> Task:
    return load_task("cxr_images", paths, **(write(folder) | options))


def column(task: Task, name: str) -> int:
    return list(task.problem.names).index(name)


def patients_apart(task: Task) -> bool:
    assert task.places is not None
    sides = [{str(place).split("_")[0] for place in part} for part in np.split(task.places, [len(task.train)])]
    return not sides[0] & sides[1]


def test_nih_splits_patients_and_by_its_list(tmp_path: Path, paths: Paths) -> None:
    task = made(ownfiles.write_nih, tmp_path, paths)
    assert task.problem.names == ("Effusion", "Mass", "Nodule")  # the other findings have no positive
    assert patients_apart(task)
    assert (task.clean, task.test_labels) == (False, "observed")
    assert task.groups is not None
    assert len(np.unique(task.groups)) == len({str(place)[:8] for place in task.places[: len(task.train)]})  # type: ignore[index]
    (tmp_path / "test_list.txt").write_text("\n".join(f"{p:08}_00{k}.png" for p in range(15) for k in range(2)))
    listed = made(ownfiles.write_nih, tmp_path, paths)
    assert (len(listed.train), len(listed.test)) == (50, 30)


def test_nih_is_tested_on_radiologists_labels_with_united_findings(tmp_path: Path, paths: Paths) -> None:
    options = ownfiles.write_nih(tmp_path)
    names = [f"{p:08}_000.png" for p in range(12)] + [f"{p:08}_001.png" for p in range(12)]
    expert = pd.DataFrame({"Image Index": names, "Fracture": "NO", "Pneumothorax": "NO", "Airspace opacity": "NO", "Nodule or mass": ["YES", "NO"] * 12})
    expert.to_csv(tmp_path / "test_labels.csv", index=False)
    task = load_task("cxr_images", paths, **options)
    assert task.problem.names == ("Nodule or mass",)
    assert (len(task.train), len(task.test), task.test_labels, task.clean) == (80 - 24, 24, "right", False)
    assert patients_apart(task)
    assert task.test.y.mean() == 0.5
    number = np.array([int(str(p)[:8]) * 2 + int(str(p)[9:12]) for p in task.places[: len(task.train)]])  # type: ignore[index]
    assert np.array_equal(task.train.y[:, 0] == 1, (number // 2 % 2 == 1) | (number // 4 % 2 == 1))


@pytest.mark.parametrize(("policy", "expected"), [("zeros", {0}), ("ones", {1}), ("ignore", {-1}), ("soft", {0, 1})])
def test_chexpert_resolves_uncertain_labels_of_training(policy: str, expected: set[int], tmp_path: Path, paths: Paths) -> None:
    options = write_chexpert(tmp_path)
    films = chexpert(tmp_path)
    assert set(films.names) == {CHEXPERT.get(name, name) for name in (FRONT + BACK) if name not in ("No Finding", "Support Devices")}
    assert set(np.unique(films.observed)) == {0, 1, UNCERTAIN}
    given = resolved(films, films.observed, policy)  # type: ignore[arg-type]
    assert set(given[films.observed == UNCERTAIN]) == expected
    assert np.array_equal(given[films.observed >= 0], films.observed[films.observed >= 0])
    if policy == "soft":
        many = np.full((4000, 5), UNCERTAIN)
        assert abs(resolved(films, many, "soft").mean() - 0.7) < 0.02
    task = load_task("cxr_images", paths, **options, uncertain=policy)
    assert (len(task.train), len(task.test), task.test_labels) == (60, 24, "right")
    assert (task.test.y >= 0).all()
    assert bool((task.train.y == -1).any()) == (policy == "ignore")


def test_padchest_keeps_physicians_patients_out_of_training(tmp_path: Path, paths: Paths) -> None:
    task = made(write_padchest, tmp_path, paths)
    films = padchest(tmp_path)
    assert films.test is not None
    assert not set(films.patient[films.test]) & set(films.patient[~films.test])
    assert "1.png" not in films.places  # its patient was seen by a physician
    assert "20.png" not in films.places  # lateral
    assert set(task.problem.names) == {"Cardiomegaly", "Effusion", "Nodule"}
    number = np.array([int(str(p).split(".")[0]) for p in task.places])  # type: ignore[union-attr]
    y = np.concatenate([task.train.y, task.test.y])
    assert np.array_equal(y[:, column(task, "Effusion")] == 1, number % 4 % 2 == 0)


def test_openi_has_right_labels_on_both_sides(tmp_path: Path, paths: Paths) -> None:
    task = made(write_openi, tmp_path, paths)
    assert (task.clean, task.test_labels) == (True, "right")
    number = np.array([int(str(p).split(".")[0]) for p in task.places[: len(task.train)]])  # type: ignore[index]
    nodule = column(task, "Nodule or mass")
    assert np.array_equal(task.train.y[:, nodule] == 1, (number // 8) % 2 == 1)
    assert (task.annotations["observed"] != task.train.y)[number % 6 == 0][:, nodule].any()


def test_vindr_observes_one_radiologist_and_knows_the_majority(tmp_path: Path, paths: Paths) -> None:
    task = made(write_vindr, tmp_path, paths)
    number = np.array([int(str(p)[1:]) for p in task.places[: len(task.train)]])  # type: ignore[index]
    c = column(task, "Nodule or mass")
    assert np.array_equal(task.train.y[:, c] == 1, number % 2 == 0)
    assert np.array_equal(task.annotations["observed"][:, c] == 1, (number % 2 == 0) & (number % 6 != 0))
    assert (len(task.train), len(task.test)) == (60, 24)


def test_vindr_reads_the_boxes_of_kaggle(tmp_path: Path) -> None:
    rows = [("a", "R1", "Cardiomegaly"), ("a", "R1", "Cardiomegaly"), ("a", "R2", "No finding"), ("a", "R3", "Cardiomegaly")]
    rows += [(f"b{i}", f"R{r}", "No finding") for i in range(8) for r in range(3)]
    pd.DataFrame(rows, columns=["image_id", "rad_id", "class_name"]).to_csv(tmp_path / "train.csv", index=False)
    films = vindr(tmp_path)
    assert films.names == ("Cardiomegaly",)
    assert films.right is not None
    assert films.right[:, 0].tolist() == [1] + [0] * 8


def test_two_data_sets_meet_on_the_findings_that_they_share(tmp_path: Path, paths: Paths) -> None:
    (tmp_path / "nih").mkdir()
    (tmp_path / "vindr").mkdir()
    write_vindr(tmp_path / "vindr")
    options = ownfiles.write_nih(tmp_path / "nih")
    task = load_task("cxr_images", paths, **options, test_source="vindr", test_path=str(tmp_path / "vindr"))
    assert task.problem.names == ("Nodule or mass",)  # Cardiomegaly is never positive in training
    assert (len(task.train), len(task.test), task.test_labels) == (80, 24, "right")


def films(names: tuple[str, ...], observed: list[list[int]]) -> Films:
    size = len(observed)
    return Films(names, [Path("a")] * size, ["a"] * size, np.arange(size), np.array(observed), None, None, ())


def test_unions_of_findings() -> None:
    apart = films(("Nodule", "Mass", "Edema"), [[1, 0, 0], [0, 0, 1], [0, UNKNOWN, 0], [UNCERTAIN, 0, 0], [UNCERTAIN, 1, 0]])
    together = films(("Edema", "Nodule or mass"), [[0, 1]])
    assert shared(apart, together) == ["Edema", "Nodule or mass"]
    assert apart.renamed(["Nodule or mass"]).observed[:, 0].tolist() == [1, 0, UNKNOWN, UNCERTAIN, 1]
    assert shared(apart, films(("Nodule", "Mass"), [[0, 0]])) == ["Nodule", "Mass"]


def test_policies_are_announced(tmp_path: Path, paths: Paths, caplog: pytest.LogCaptureFixture) -> None:
    options = ownfiles.write_nih(tmp_path)
    held = [f"{p:08}_000.png" for p in range(22)]  # the other film of each patient would be in training
    (tmp_path / "test_list.txt").write_text("\n".join(held))
    names = [f"{p:08}_00{k}.png" for p in (30, 0) for k in (0,)]
    Image.open(tmp_path / "images" / names[1]).save(tmp_path / "images" / names[0])  # a film of the test part under another name
    (tmp_path / "images" / "00000031_000.png").unlink()
    with pytest.raises(UserError, match=r"00000031_000\.png is missing .*1 of 58.*task\.missing=skip"):
        load_task("cxr_images", paths, **options)
    with caplog.at_level(logging.WARNING):
        task = load_task("cxr_images", paths, **options, missing="skip")
    assert patients_apart(task)
    assert "00000030_000.png" not in task.places[: len(task.train)]  # type: ignore[index]
    text = caplog.text
    assert "22 training films belong to patients of the test part" in text
    assert "1 of 58 films have no image" in text
    assert "Hernia is never positive in training" in text


@pytest.mark.parametrize(
    ("change", "options", "words"),
    [
        (lambda folder: None, {"findings": ["Efusion"]}, r"task\.findings has 'Efusion': did you mean 'Effusion'"),
        (lambda folder: (folder / "images" / "00000003_000.png").write_text("no image"), {}, "cannot be decoded as an image"),
        (lambda folder: None, {"test_source": "padchest"}, "give both, or none"),
        (lambda folder: (folder / "Data_Entry_2017_v2020.csv").unlink(), {}, r"holds 0 files Data_Entry_2017\*\.csv"),
        (lambda folder: None, {"findings": ["Hernia"]}, "no finding has positives and negatives"),
        (lambda folder: _replace(folder, "Effusion", "Efusion"), {}, r"line 3: finding 'Efusion' is unknown: did you mean 'Effusion'"),
    ],
)
def test_bad_input_is_one_line(change: Callable[[Path], Any], options: dict[str, Any], words: str, tmp_path: Path, paths: Paths) -> None:
    given = ownfiles.write_nih(tmp_path)
    change(tmp_path)
    with pytest.raises(UserError, match=words):
        load_task("cxr_images", paths, **(given | options))


def _replace(folder: Path, old: str, new: str) -> None:
    file = folder / "Data_Entry_2017_v2020.csv"
    file.write_text(file.read_text().replace(old, new, 1))


def test_a_value_that_is_no_label_is_named(tmp_path: Path) -> None:
    write_chexpert(tmp_path)
    table = pd.read_csv(tmp_path / "train.csv")
    table.loc[4, "Edema"] = 2
    table.to_csv(tmp_path / "train.csv", index=False)
    with pytest.raises(UserError, match=r"train\.csv line 6: 'Edema' is 2: it has to be 1, 0, -1 or blank"):
        chexpert(tmp_path)


def test_films_without_a_known_label_are_left_out(tmp_path: Path, paths: Paths) -> None:
    options = write_chexpert(tmp_path)
    table = pd.read_csv(tmp_path / "train.csv")
    table.loc[:1, table.columns[5:]] = -1
    table.to_csv(tmp_path / "train.csv", index=False)
    assert len(load_task("cxr_images", paths, **options, uncertain="ignore").train) == 58


def test_the_sample_of_nih(paths: Paths) -> None:
    folder = Paths.default().data / "nih_cxr"
    if not (folder / "Data_Entry_2017_v2020.csv").is_file():
        pytest.skip("no films of NIH are here")
    task = load_task("cxr_images", paths, path=str(folder), size=16)
    assert set(task.problem.names) <= set(NIH)
    assert patients_apart(task)
    assert task.train.x.shape[1:] == (1, 16, 16)
