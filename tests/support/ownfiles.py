"""Small files of a user's own, in the formats that the generic tasks read. Each writer returns the options of its task."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from tasks import padchest_reports

ROWS, WRONG = 120, 12


def table(size: int = ROWS, wrong: int = WRONG) -> pd.DataFrame:
    """Columns a, b (numbers), color (words), a class, a number, and both with every ``size // wrong``-th one wrong."""
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"a": rng.normal(size=size), "b": rng.normal(size=size), "color": rng.choice(["red", "green", "blue"], size)})
    frame["right"] = np.where(frame["a"] > 0, "yes", "no")
    frame["right_price"] = 3 * frame["a"] + frame["b"]
    at = np.arange(size) % (size // wrong) == 1
    frame["given"] = np.where(at, np.where(frame["right"] == "yes", "no", "yes"), frame["right"])
    frame["price"] = frame["right_price"] + np.where(at, 25.0, 0.0)
    return frame


def write_table(folder: Path) -> dict[str, Any]:
    """Classes with right ones."""
    table()[["a", "b", "color", "given", "right"]].to_csv(folder / "shop.csv", index=False)
    return {"path": str(folder / "shop.csv"), "target": "given", "clean": "right"}


def sentences(size: int = 60) -> list[tuple[list[str], list[str], list[str]]]:
    """Tokens, right and observed IOB2 tags; every fifth sentence misses its entity."""
    rng = np.random.default_rng(4)
    out = []
    for i in range(size):
        tokens = [f"w{n}" for n in rng.integers(0, 30, 6)]
        at = int(rng.integers(0, 4))
        tokens[at : at + 2] = ["Ann", "Lee"] if i % 2 else ["Old", "Town"]
        right = ["O"] * 6
        right[at : at + 2] = ["B-PER", "I-PER"] if i % 2 else ["B-LOC", "I-LOC"]
        out.append((tokens, right, ["O"] * 6 if i % 5 == 1 else right))
    return out


def conll(pairs: list[tuple[list[str], list[str]]]) -> str:
    """A file of tokens and tags."""
    return "\n".join("".join(f"{token} {tag}\n" for token, tag in zip(*pair, strict=True)) for pair in pairs)


def write_conll(folder: Path) -> dict[str, Any]:
    """Observed and right tags."""
    made = sentences()
    (folder / "news.conll").write_text(conll([(tokens, given) for tokens, _, given in made]))
    (folder / "right.conll").write_text(conll([(tokens, right) for tokens, right, _ in made]))
    return {"path": str(folder / "news.conll"), "clean": str(folder / "right.conll")}


def write_multilabel(folder: Path) -> dict[str, Any]:
    """Two labels with right ones, some of them unknown."""
    frame = table()
    out = frame[["a", "b", "color"]].assign(p=frame["given"] == "yes", p_right=frame["right"] == "yes", q=frame["b"] > 0, q_right=frame["b"] > 0)
    out = out.astype(dict.fromkeys(("p", "p_right", "q", "q_right"), int)).astype({"q": object})
    out.loc[::10, "q"] = ""
    out.to_csv(folder / "genes.csv", index=False)
    return {"path": str(folder / "genes.csv"), "labels": ["p", "q"], "clean": ["p_right", "q_right"]}


def write_images(folder: Path) -> dict[str, Any]:
    """Dark and bright images of several sizes and modes, in a folder a class."""
    rng = np.random.default_rng(5)
    for i in range(40):
        name, low = ("bright", 150) if i % 2 else ("dark", 0)
        (folder / "photos" / name).mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(low, low + 100, (10 + i % 3, 12, 3), dtype=np.uint8)
        Image.fromarray(pixels).convert(("RGB", "L", "RGBA", "P")[i % 4]).save(folder / "photos" / name / f"{i:02}.png")
    (folder / "photos" / "dark" / "notes.txt").write_text("no image")
    return {"path": str(folder / "photos"), "size": 8}


FINDINGS = {"Opacity": "opacity", "Cardiomegaly": "cardiomegaly", "Pleural Effusion": "pleural effusions", "Nodule": "nodule"}


def report(number: int) -> str:
    """A report in the format of Open-i: every sixth film has a nodule that the automatic index misses, every tenth an effusion that is none."""
    right = [name for k, name in enumerate(FINDINGS) if (number // 2**k) % 2]
    given = [FINDINGS[name] for name in right if not (name == "Nodule" and number % 6 == 0)] + (["effusion"] if number % 10 == 1 else [])
    major = "".join(f"<major>{name}/lung/base</major>" for name in right) or "<major>normal</major>"
    if number % 15 == 7:
        major = "<major>no indexing</major>"
    text = " ".join(f"There is {name.lower()} in this film." for name in right) + f" Patient number {number % 40} of clinic {number}."
    sections = f'<AbstractText Label="FINDINGS">{text}</AbstractText><AbstractText Label="IMPRESSION">See above.</AbstractText>'
    mesh = f"<MeSH>{major}{''.join(f'<automatic>{term}</automatic>' for term in given)}</MeSH>"
    return f'<eCitation><uId id="{number}"/><Abstract>{sections}</Abstract>{mesh}<parentImage id="film{number}"/></eCitation>'


def write_cxr_reports(folder: Path, size: int = 90) -> dict[str, Any]:
    """An archive of the wheel's layout."""
    inner = io.BytesIO()
    with tarfile.open(fileobj=inner, mode="w:gz") as tar:
        for i in range(size):
            content = report(i).encode()
            entry = tarfile.TarInfo(f"ecgen-radiology/{i:03}.xml")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    with zipfile.ZipFile(folder / "reports.zip", "w") as archive:
        archive.writestr("torchxrayvision/data/NLMCXR_reports.tgz", inner.getvalue())
    return {"archive": str(folder / "reports.zip")}


def write_padchest_reports(folder: Path) -> dict[str, Any]:
    """120 reports: 60 by a network, of which 10 have a text that a physician labeled too and 5 are of a physician's patient; 60 by physicians."""

    def text(i: int) -> str:
        return f" {'derram pleural' if i % 3 else 'sin cambi'} lad{i % 5} zon{i % 7} seg{i % 9} ."

    lines: list[tuple[str | None, ...]] = [("p0", "r0", None, "RNN_model", "['goiter']")]
    for i in range(120):
        words, found = text(60 + i if i < 10 else i), ["pleural effusion", "unchanged"] if (60 + i if i < 10 else i) % 3 else ["Normal "]
        found += ["exclude"] if i == 3 else ["goiter"] if i == 70 else []
        patient = f"p{60 + i if 10 <= i < 15 else i}"
        lines.append((patient, f"r{i}", words, "Physician" if i >= 60 else "RNN_model", str(found)))
    table = pd.DataFrame(lines, columns=padchest_reports.COLUMNS).assign(View="PA")
    with zipfile.ZipFile(folder / "padchest.zip", "w") as archive:
        archive.writestr(padchest_reports.TABLE, gzip.compress(table.to_csv().encode()))
    return {"archive": str(folder / "padchest.zip")}


def write_films(folder: Path, names: list[str], seed: int = 6) -> None:
    """A small film for each name."""
    rng = np.random.default_rng(seed)
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (9, 8), dtype=np.uint8)).save(folder / name)


def write_nih(folder: Path) -> dict[str, Any]:
    """NIH ChestX-ray14: 80 films of 40 patients."""
    found = ["|".join(name for k, name in enumerate(("Effusion", "Mass", "Nodule")) if (i // 2**k) % 2) or "No Finding" for i in range(80)]
    names = [f"{i // 2:08}_{i % 2:03}.png" for i in range(80)]
    frame = pd.DataFrame({"Image Index": names, "Finding Labels": found, "Follow-up #": 0, "Patient ID": [i // 2 for i in range(80)]})
    frame.to_csv(folder / "Data_Entry_2017_v2020.csv", index=False)
    write_films(folder / "images", names)
    return {"path": str(folder), "size": 8}


CLASSES = ("food", "sport", "music")
WORDS = (("soup", "bread", "salt"), ("ball", "goal", "team"), ("song", "drum", "tune"))


def wrench_examples(size: int, seed: int) -> dict[str, dict[str, Any]]:
    """Texts of three classes, and the votes of six functions that know a word each; on some texts none votes."""
    rng = np.random.default_rng(seed)
    out = {}
    for at in range(size):
        label = int(rng.integers(0, 3))
        words = [str(rng.choice(WORDS[label])), *(f"w{n}" for n in rng.integers(0, 8, 4))]
        if rng.random() < 0.2:
            words.append(str(rng.choice(WORDS[(label + 1) % 3])))
        rng.shuffle(words)
        votes = [k if WORDS[k][place] in words else -1 for k in range(3) for place in range(2)]
        out[str(at)] = {"label": label, "weak_labels": votes, "data": {"text": " ".join(words)}}
    return out


def write_wrench(folder: Path, **changed: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Training, validation and test texts in WRENCH's layout."""
    parts = {"train": wrench_examples(120, 0), "valid": wrench_examples(40, 1), "test": wrench_examples(40, 2)}
    for name, content in {**parts, **changed, "label": {str(k): name for k, name in enumerate(CLASSES)}}.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    return {"path": str(folder)}


WRITERS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "table": write_table,
    "conll": write_conll,
    "multilabel": write_multilabel,
    "image_folder": write_images,
    "cxr_reports": write_cxr_reports,
    "padchest_reports": write_padchest_reports,
    "cxr_images": write_nih,
    "wrench": write_wrench,
}
