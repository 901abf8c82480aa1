"""The keyword map: which manual headings and which automatic terms of an Open-i report mean which finding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

VERSION = 1  # a change of the map is a new version: labels, and so all results, change with it

# finding: (manual headings, equal to the part before the first "/"; parts of automatic terms). All in lower case.
FINDINGS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "Cardiomegaly": (("cardiomegaly",), ("cardiomegal", "enlarged heart", "heart enlarge")),
    "Opacity": (("opacity",), ("opacit",)),
    "Atelectasis": (("pulmonary atelectasis",), ("atelecta",)),
    "Calcified granuloma": (("calcified granuloma", "granuloma"), ("granuloma",)),
    "Pleural effusion": (("pleural effusion",), ("effusion",)),
    "Infiltrate or airspace": (
        ("infiltrate", "airspace disease", "consolidation", "pneumonia"),
        ("infiltrat", "airspace", "consolidation", "pneumonia"),
    ),
    "Nodule or mass": (("nodule", "mass"), ("nodule", "mass")),
    "Emphysema or COPD": (
        ("emphysema", "pulmonary emphysema", "pulmonary disease, chronic obstructive"),
        ("emphysema", "copd", "chronic obstructive"),
    ),
    "Edema or congestion": (("pulmonary edema", "pulmonary congestion"), ("edema", "congestion")),
    "Scarring": (("cicatrix", "pulmonary fibrosis"), ("scar", "cicatri", "fibros")),
    "Spine degeneration": (
        ("osteophyte", "spondylosis", "spine", "thoracic vertebrae"),
        ("degenerative", "osteophyt", "spondyl", "spine", "vertebra"),
    ),
    "Fracture": (("fractures, bone",), ("fracture",)),
    "Hiatal hernia": (("hernia, hiatal",), ("hiatal hernia", "hiatus hernia", "hernia, hiatal")),
    "Pleural thickening": (("thickening",), ("pleural thickening", "thickening")),
}


def manual(headings: Sequence[str]) -> np.ndarray:
    """(14,) int64: findings of the manual headings of a report, such as ``Opacity/lung/base/left``."""
    first = {heading.split("/")[0].strip().lower() for heading in headings}
    return np.array([bool(first & set(names)) for names, _ in FINDINGS.values()], dtype=np.int64)


def automatic(terms: Sequence[str]) -> np.ndarray:
    """(14,) int64: findings of the automatic terms of a report."""
    lower = [term.lower() for term in terms]
    return np.array([any(part in term for part in parts for term in lower) for _, parts in FINDINGS.values()], dtype=np.int64)
