"""The official files of five chest X-ray data sets: where films, patients and labels stand in each."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd

from benchmark.core.errors import DataError, choices
from benchmark.core.files import content_of
from benchmark.data import own as owndata
from tasks.cxr_images.films import UNCERTAIN, UNKNOWN, Films
from tasks.cxr_reports import findings as reports

REPORT = 1 << 24  # bytes of a report
NIH = (
    *("Atelectasis", "Cardiomegaly", "Consolidation", "Edema", "Effusion", "Emphysema", "Fibrosis", "Hernia"),
    *("Infiltration", "Mass", "Nodule", "Pleural_Thickening", "Pneumonia", "Pneumothorax"),
)
# Names of other data sets for findings of NIH; what is not listed keeps its name.
CHEXPERT = {"Pleural Effusion": "Effusion", "Lung Lesion": "Nodule or mass", "Lung Opacity": "Opacity"}
PADCHEST = {
    "atelectasis": "Atelectasis",
    "cardiomegaly": "Cardiomegaly",
    "consolidation": "Consolidation",
    "pulmonary edema": "Edema",
    "pleural effusion": "Effusion",
    "emphysema": "Emphysema",
    "pulmonary fibrosis": "Fibrosis",
    "hiatal hernia": "Hernia",
    "infiltrates": "Infiltration",
    "pulmonary mass": "Mass",
    "nodule": "Nodule",
    "pleural thickening": "Pleural_Thickening",
    "pneumonia": "Pneumonia",
    "pneumothorax": "Pneumothorax",
}
OPENI = {
    "Pleural effusion": "Effusion",
    "Infiltrate or airspace": "Infiltration",
    "Emphysema or COPD": "Emphysema",
    "Edema or congestion": "Edema",
    "Scarring": "Fibrosis",
    "Hiatal hernia": "Hernia",
    "Pleural thickening": "Pleural_Thickening",
}
ADJUDICATED = {"Pneumothorax": "Pneumothorax", "Nodule or mass": "Nodule or mass", "Nodule/mass": "Nodule or mass", "Airspace opacity": "Airspace opacity"}
NO_FINDING = ("No finding", "Other disease", "Other diseases")
VINDR = {"Pleural effusion": "Effusion", "Pulmonary fibrosis": "Fibrosis", "Pleural thickening": "Pleural_Thickening", "Nodule/Mass": "Nodule or mass"}


def nih(folder: Path) -> Films:
    """NIH ChestX-ray14: ``Data_Entry_2017*.csv``; ``test_list.txt``; radiologists' labels of Google (``*labels*.csv`` with an ``Image Index``)."""
    file = _one(folder, "Data_Entry_2017*.csv")
    table = owndata.read(file)
    name, patient, labels = (owndata.column(table, key, key, file).astype(str) for key in ("Image Index", "Patient ID", "Finding Labels"))
    sets = [set(text.split("|")) - {"No Finding", "nan"} for text in labels]
    for line, found in zip(table.index, sets, strict=True):
        if found - set(NIH):
            strange = min(found - set(NIH))
            raise DataError(f"{file} line {line}: finding {strange!r} is unknown: {choices(strange, NIH)}")
    observed = np.array([[finding in found for finding in NIH] for found in sets], dtype=np.int64)
    films, whose = list(name), patient.to_numpy(dtype=object)
    expert = [path for path in sorted(folder.glob("*labels*.csv")) if "Image Index" in owndata.read(path)]
    if expert:
        return _with_radiologists(Films(NIH, _images(folder, films), films, whose, observed, None, None, (file,)), expert)
    listed = folder / "test_list.txt"
    test = np.isin(name, listed.read_text(encoding="utf8").split()) if listed.is_file() else None
    return Films(NIH, _images(folder, films), films, whose, observed, None, test, (file,))


def _with_radiologists(films: Films, tables: Sequence[Path]) -> Films:
    """NIH films with the adjudicated labels of Majkowska et al. (2020): these are the test part, on findings united as they were labelled."""
    read = pd.concat([owndata.read(path) for path in tables]).drop_duplicates("Image Index").set_index("Image Index")
    columns = {ADJUDICATED[column]: read[column] for column in read if column in ADJUDICATED}
    if not columns:
        raise DataError(f"{tables[0]} has none of the columns {', '.join(ADJUDICATED)}: give the labels as published")
    shown = films.renamed(list(columns))
    test = np.isin(films.places, read.index)
    right = np.full(shown.observed.shape, UNKNOWN)
    labelled = [name for name, held in zip(films.places, test, strict=True) if held]
    for c, values in enumerate(columns.values()):
        right[test, c] = values.loc[labelled].astype(str).str.upper().isin(("YES", "1", "1.0", "TRUE")).to_numpy()
    return replace(shown, right=right, test=test, tables=(*films.tables, *tables))


def chexpert(folder: Path) -> Films:
    """CheXpert: ``train.csv`` (automatic labels, -1 = uncertain, blank = not mentioned, which is negative) and ``valid.csv`` (radiologists)."""
    parts = []
    for file in (folder / "train.csv", folder / "valid.csv"):
        table = owndata.read(file)
        path = owndata.column(table, "Path", "Path", file)
        start = list(table.columns).index("AP/PA") + 1 if "AP/PA" in table else 1
        names = [name for name in table.columns[start:] if name not in ("No Finding", "Support Devices")]
        value = table[names].apply(pd.to_numeric, errors="coerce").fillna(0.0).to_numpy()
        bad = np.argwhere(~np.isin(value, (-1, 0, 1)))
        if len(bad):
            raise DataError(f"{file} line {table.index[bad[0][0]]}: {names[bad[0][1]]!r} is {value[tuple(bad[0])]:g}: it has to be 1, 0, -1 or blank")
        frontal = path.str.contains("frontal").to_numpy()
        parts.append((file, path[frontal], names, np.where(value == -1, UNCERTAIN, value).astype(np.int64)[frontal]))
    if parts[0][2] != parts[1][2]:
        raise DataError(f"{parts[1][0]} has other findings than {parts[0][0]}: give both as published")
    paths = pd.concat([part[1] for part in parts])
    patient = paths.str.extract(r"(patient\d+)", expand=False).to_numpy(dtype=object)
    test = np.repeat([False, True], [len(part[1]) for part in parts])
    observed = np.concatenate([part[3] for part in parts])
    right = np.where(test[:, None], observed, UNKNOWN)
    files = [folder / text if (folder / text).is_file() else folder / text.partition("/")[2] for text in paths]
    known = tuple(CHEXPERT.get(name, name) for name in parts[0][2])
    return Films(known, files, list(paths), patient, observed, right, test, tuple(part[0] for part in parts))


def padchest(folder: Path) -> Films:
    """PadChest: the 160K table. Rows by a network (``RNN_model``) are observed; patients of which a physician labelled a film are the test part."""
    file = _one(folder, "PADCHEST_chest_x_ray_images_labels*.csv*")
    table = owndata.read(file)
    image, place, patient, method, labels, view = (
        owndata.column(table, key, key, file).astype(str) for key in ("ImageID", "ImageDir", "PatientID", "MethodLabel", "Labels", "Projection")
    )
    keep = view.isin(("PA", "AP", "AP_horizontal")).to_numpy() & labels.ne("nan").to_numpy()
    sets = [{text.strip().lower() for text in re.findall(r"'([^']*)'", cell)} for cell in labels]
    observed = np.array([[name in found for name in PADCHEST] for found in sets], dtype=np.int64).reshape(len(table), len(PADCHEST))
    physician = method.eq("Physician").to_numpy()
    right = np.where(physician[:, None], observed, UNKNOWN)
    whose = patient.to_numpy(dtype=object)
    keep &= physician | ~np.isin(whose, whose[physician & keep])  # a physician's patient is wholly on one side
    files = [_first(folder / name, folder / where / name) for name, where in zip(image, place, strict=True)]
    return Films(tuple(PADCHEST.values()), files, list(image), whose, observed, right, physician, (file,)).take(keep)


def openi(folder: Path) -> Films:
    """Open-i: one XML a report with automatic (observed) and manual (right) terms; the first image of each report."""
    files, places, observed, right = [], [], [], []
    for file in sorted(folder.glob("**/*.xml")):
        content = content_of(file, REPORT)
        if b"<!ENTITY" in content or b"\0" in content:  # the second: of UTF-16, in which the first is not found
            raise DataError(f"{file} defines entities: it is no report of Open-i")
        try:
            root = ElementTree.fromstring(content)
        except ElementTree.ParseError as error:
            raise DataError(f"{file} cannot be read as XML ({error}): repair or remove it") from error
        major, machine = ([element.text or "" for element in root.iter(tag)] for tag in ("major", "automatic"))
        image = root.find(".//parentImage")
        if image is None or not major or any(heading.strip().lower() == "no indexing" for heading in major):
            continue
        files.append(f"{image.get('id')}.png")
        places.append(file.name)
        observed.append(reports.automatic(machine))
        right.append(reports.manual(major))
    owndata.check_size(folder, len(files), "indexed reports with an image")
    names = tuple(OPENI.get(name, name) for name in reports.FINDINGS)
    return Films(names, _images(folder, files), places, np.array(places, dtype=object), np.stack(observed), np.stack(right), None, ())


def vindr(folder: Path) -> Films:
    """VinDr-CXR: three radiologists a film, of whom the first is observed and the majority right; the test part has a consensus of five.

    ``image_labels_train.csv`` and ``image_labels_test.csv`` as on PhysioNet, or ``train.csv`` of Kaggle's VinBigData with a row per box. Films have
    been converted to IMAGE_ID.png.
    """
    official = sorted(folder.glob("**/image_labels_train.csv"))
    file = official[0] if official else _one(folder, "**/train.csv")
    table = owndata.read(file)
    rater = next((name for name in table if name.lower() == "rad_id"), "rad_id")
    image, who = (owndata.column(table, key, key, file).astype(str) for key in ("image_id", rater))
    if official:
        names = [name for name in table if name not in ("image_id", rater, *NO_FINDING)]
        marks = table[names].apply(pd.to_numeric, errors="coerce").fillna(0).astype(np.int64)
    else:
        marks = pd.get_dummies(owndata.column(table, "class_name", "class_name", file)).astype(np.int64)
        names = [name for name in marks if name not in NO_FINDING]
    opinions = marks[names].groupby([image.to_numpy(), who.to_numpy()]).max().groupby(level=0)
    observed, right = opinions.first(), (opinions.mean() > 0.5).astype(np.int64)
    films, values, tables = list(observed.index), [observed.to_numpy(), right.to_numpy()], [file]
    test = np.zeros(len(films), dtype=bool)
    for held_file in sorted(folder.glob("**/image_labels_test.csv")):
        held = owndata.read(held_file)
        consensus = np.stack([pd.to_numeric(owndata.column(held, name, name, held_file)).to_numpy(np.int64) for name in names], axis=1)
        films += list(held["image_id"].astype(str))
        values = [np.concatenate([value, consensus]) for value in values]
        test, tables = np.append(test, np.ones(len(held), dtype=bool)), [*tables, held_file]
    known = tuple(VINDR.get(name, name) for name in names)
    files = _images(folder, [f"{name}.png" for name in films])
    return Films(known, files, films, np.array(films, dtype=object), values[0], values[1], test if test.any() else None, tuple(tables))


FORMATS: Mapping[str, Callable[[Path], Films]] = {"nih": nih, "chexpert": chexpert, "padchest": padchest, "openi": openi, "vindr": vindr}


def _one(folder: Path, pattern: str) -> Path:
    """The file of this name.

    Raises:
        DataError: none, or more than one.
    """
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise DataError(f"{folder} holds {len(found)} files {pattern}: give the folder of the data set, with that one table")
    return found[0]


def _images(folder: Path, names: Sequence[str]) -> list[Path]:
    """Image files by name, wherever they are below the folder; where there is none, the path that was expected."""
    below = {file.name: file for file in folder.glob("**/*") if file.suffix.lower() in (".png", ".jpg", ".jpeg")}
    return [below.get(name, folder / "images" / name) for name in names]


def _first(*files: Path) -> Path:
    return next((file for file in files if file.is_file()), files[-1])
