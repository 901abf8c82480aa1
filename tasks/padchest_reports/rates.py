"""Measured mistakes of chest X-ray labels, finding by finding, from the tables in the torchxrayvision wheel.

``python -m tasks.padchest_reports.rates`` prints the tables of docs/cxr_noise.md.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from benchmark.core.paths import Paths
from benchmark.data.wheels import fetched, member
from benchmark.functional.votes import dawid_skene
from tasks import padchest_reports
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


def network_against_physician(archive: Path, least: int = 50) -> pd.DataFrame:
    """PadChest: a recurrent network against physicians on the texts that both labeled, findings with ``least`` positives by physicians."""
    texts = padchest_reports.read(archive)
    both = ((texts.network >= 0) & (texts.physician >= 0)).all(1)
    table = rates(texts.physician[both], texts.network[both], texts.names)
    return table[table["positives"] >= least]


def radiologist_against_majority(archive: Path) -> pd.DataFrame:
    """VinBig: every radiologist of a film against the majority of its three; each film counts three times."""
    votes, names = rater_votes(archive)
    majority = (votes.sum(1) >= 2).astype(np.int64)
    return rates(np.repeat(majority, 3, axis=0), votes.reshape(-1, len(names)), names).assign(positives=majority.sum(0))


def rater_statistics(archive: Path) -> pd.DataFrame:
    """VinBig: how many films one, two and all three of their radiologists marked, Fleiss' kappa, and two ways of making one label of three.

    ``majority`` and ``dawid_skene`` are positives by the rule, ``added`` and ``dropped`` the films that the second has more and fewer: it weighs each of the 17
    radiologists by a confusion matrix of the finding (``functional.dawid_skene``), so a lone mark counts where its author rarely errs.
    """
    votes, names = rater_votes(archive)
    who = _film_readers(archive)
    lines = []
    for c, name in enumerate(names):
        marks = votes[:, :, c].sum(1)
        share = marks.sum() / votes[:, :, c].size
        agree = (marks * (marks - 1) + (3 - marks) * (2 - marks)).mean() / 6
        chance = share**2 + (1 - share) ** 2
        by_reader = np.full((len(votes), int(who.max()) + 1), -1)
        np.put_along_axis(by_reader, who, votes[:, :, c], axis=1)
        majority, found = marks >= 2, dawid_skene(by_reader, 2).argmax(1) == 1
        counts = [(marks == number).sum() for number in (1, 2, 3)]
        lines.append((name, *counts, (agree - chance) / (1 - chance), majority.sum(), found.sum(), (found & ~majority).sum(), (majority & ~found).sum()))
    return pd.DataFrame(lines, columns=["finding", "one", "two", "three", "kappa", "majority", "dawid_skene", "added", "dropped"]).set_index("finding")


def rater_votes(archive: Path) -> tuple[np.ndarray, list[str]]:
    """(15000, 3, C) findings that each of three radiologists marked on each film, in the order of their names."""
    marked = _marks(archive)
    names = sorted(set(marked.columns) - {"No finding"})
    votes: np.ndarray = marked[names].to_numpy(dtype=np.int64).reshape(-1, 3, len(names))
    return votes, names


def _film_readers(archive: Path) -> np.ndarray:
    """(15000, 3) number of each radiologist."""
    readers: np.ndarray = pd.factorize(_marks(archive).index.get_level_values("rad_id"), sort=True)[0].reshape(-1, 3)
    return readers


@functools.lru_cache(maxsize=1)
def _marks(archive: Path) -> pd.DataFrame:
    """One line a film and radiologist, one column a finding."""
    table = _table(archive, "vinbigdata-train.csv.gz").assign(one=1)
    return table.pivot_table(index=["image_id", "rad_id"], columns="class_name", values="one", aggfunc="max", fill_value=0)


def _table(archive: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(member(archive, DATA + name)), compression="gzip")


def main() -> None:
    """Print the tables."""
    archive = fetched(WHEEL, Paths.default())
    shown = {
        "NIH text-mined labels against radiologists": text_mined_against_radiologists(archive),
        "the same, test part": text_mined_against_radiologists(archive, "test"),
        "Open-i automatic against manual index": automatic_against_manual(archive),
        "PadChest, network against physicians, texts that both labeled": network_against_physician(archive),
        "VinBig, one radiologist against the majority of three": radiologist_against_majority(archive),
    }
    for title, table in shown.items():
        print(f"\n{title}\n\n| finding | positives | misses | false | PPV | kappa |\n|---|---|---|---|---|---|")
        for name, row in table.iterrows():
            print(f"| {name} | {row['positives']:.0f} | {row['misses']:.3f} | {row['false']:.4f} | {row['ppv']:.3f} | {row['kappa']:.2f} |")

    print("\nVinBig, marks by one, two and three of three radiologists, and one label of them\n")
    print("| finding | 1 | 2 | 3 | Fleiss kappa | majority | Dawid-Skene | added | dropped |\n|---|---|---|---|---|---|---|---|---|")
    for name, row in rater_statistics(archive).iterrows():
        one, two, three, kappa, *rest = row
        print(f"| {name} | {one:.0f} | {two:.0f} | {three:.0f} | {kappa:.2f} | " + " | ".join(f"{value:.0f}" for value in rest) + " |")


if __name__ == "__main__":
    main()
