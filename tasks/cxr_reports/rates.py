"""Measured mistakes of chest X-ray labels, finding by finding, from the tables in the torchxrayvision wheel.

``python -m tasks.cxr_reports.rates`` prints the tables of docs/cxr_noise.md.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from benchmark.paths import Paths
from benchmark.wheels import fetched, member
from tasks.cxr_reports import WHEEL, read
from tasks.cxr_reports.findings import FINDINGS

DATA = "torchxrayvision/data/"
UNITED = {
    "Pneumothorax": ("Pneumothorax",),
    "Nodule or mass": ("Nodule", "Mass"),
    "Airspace opacity": ("Infiltration", "Pneumonia", "Consolidation", "Atelectasis", "Edema"),
}


def rates(right: np.ndarray, given: np.ndarray, names: list[str]) -> pd.DataFrame:
    """One row a finding: positives, misses P(0 given 1), false P(1 given 0), PPV and Cohen's kappa of two (E, C) tables of 0 and 1."""
    hit, both = ((right == 1) & (given == 1)).mean(0), np.stack([right.mean(0), given.mean(0)])
    chance = both[0] * both[1] + (1 - both[0]) * (1 - both[1])
    with np.errstate(invalid="ignore", divide="ignore"):
        columns: Mapping[str, np.ndarray] = {
            "positives": right.sum(0),
            "misses": 1 - hit / both[0],
            "false": (both[1] - hit) / (1 - both[0]),
            "ppv": hit / both[1],
            "kappa": ((right == given).mean(0) - chance) / (1 - chance),
        }
    return pd.DataFrame(columns, index=names)


def text_mined_against_radiologists(archive: Path, part: str | None = None) -> pd.DataFrame:
    """NIH labels against adjudicated reads of the same 4,376 films (Majkowska et al., 2020); ``part`` val or test."""
    table = _table(archive, "google2019_nih-chest-xray-labels.csv.gz")
    table = table if part is None else table[table["Set Id"] == part]
    found = [set(text.split("|")) for text in table["Finding Labels"]]
    given = np.array([[bool(labels & set(parts)) for parts in UNITED.values()] for labels in found], dtype=np.int64)
    return rates((table[list(UNITED)] == "YES").to_numpy().astype(np.int64), given, list(UNITED))


def automatic_against_manual(archive: Path) -> pd.DataFrame:
    """Open-i: the automatic against the manual index of the same 3,860 reports."""
    reports = read(archive)
    return rates(reports.manual, reports.automatic, list(FINDINGS))


def radiologist_against_majority(archive: Path) -> pd.DataFrame:
    """VinBig: every radiologist of a film against the majority of its three; each film counts three times."""
    votes, names = rater_votes(archive)
    majority = (votes.sum(1) >= 2).astype(np.int64)
    return rates(np.repeat(majority, 3, axis=0), votes.reshape(-1, len(names)), names).assign(positives=majority.sum(0))


def rater_votes(archive: Path) -> tuple[np.ndarray, list[str]]:
    """(15000, 3, C) findings that each of three radiologists marked on each film, in the order of their names."""
    table = _table(archive, "vinbigdata-train.csv.gz")
    names = sorted(set(table["class_name"]) - {"No finding"})
    marked = table.assign(one=1).pivot_table(index=["image_id", "rad_id"], columns="class_name", values="one", aggfunc="max", fill_value=0)
    votes: np.ndarray = marked[names].to_numpy(dtype=np.int64).reshape(-1, 3, len(names))
    return votes, names


def _table(archive: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(member(archive, DATA + name)), compression="gzip")


def main() -> None:
    """Print the tables."""
    archive = fetched(WHEEL, Paths.default())
    shown = {
        "NIH text-mined labels against radiologists": text_mined_against_radiologists(archive),
        "the same, test part": text_mined_against_radiologists(archive, "test"),
        "Open-i automatic against manual index": automatic_against_manual(archive),
        "VinBig, one radiologist against the majority of three": radiologist_against_majority(archive),
    }
    for title, table in shown.items():
        print(f"\n{title}\n\n| finding | positives | misses | false | PPV | kappa |\n|---|---|---|---|---|---|")
        for name, row in table.iterrows():
            print(f"| {name} | {row['positives']:.0f} | {row['misses']:.3f} | {row['false']:.4f} | {row['ppv']:.3f} | {row['kappa']:.2f} |")


if __name__ == "__main__":
    main()
