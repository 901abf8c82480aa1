"""Films of a data set with what is known of them, and finding names that data sets share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmark.core.errors import ConfigError, choices

UNKNOWN, UNCERTAIN = -1, -2  # nobody looked; somebody looked and could not tell

# Findings that some data sets name apart and others together.
UNIONS: Mapping[str, tuple[str, ...]] = {
    "Nodule or mass": ("Nodule", "Mass"),
    "Airspace opacity": ("Infiltration", "Pneumonia", "Consolidation", "Atelectasis", "Edema"),
}


@dataclass(frozen=True)
class Films:
    """E films, C findings; ``observed`` and ``right`` (E, C) hold 0, 1, UNKNOWN and UNCERTAIN.

    Attributes:
        files: image of each film. places: where it stands in the user's table. patient: (E,) whose film it is.
        observed: labels to train on. right: labels by radiologists, UNKNOWN where none looked; None where nobody did.
        test: (E,) bool, films that are the test part by the data set's own rules; None: a share of the patients.
        tables: files that were read.
    """

    names: tuple[str, ...]
    files: list[Path]
    places: list[str]
    patient: np.ndarray
    observed: np.ndarray
    right: np.ndarray | None
    test: np.ndarray | None
    tables: tuple[Path, ...]

    def take(self, rows: np.ndarray) -> Films:
        """Some of the films, by position or bool."""
        at = np.arange(len(self.files))[rows]
        right, test = (None if value is None else value[at] for value in (self.right, self.test))
        return Films(self.names, [self.files[i] for i in at], [self.places[i] for i in at], self.patient[at], self.observed[at], right, test, self.tables)

    def knows(self, finding: str) -> bool:
        """Whether it has the finding, or parts of it."""
        return finding in self.names or any(part in self.names for part in UNIONS.get(finding, ()))

    def renamed(self, findings: Sequence[str]) -> Films:
        """The films with these findings. One that is named apart here is positive where a part is, and negative where all parts are."""
        observed, *right = (np.stack([self._column(grid, name) for name in findings], axis=1) for grid in (self.observed, self.right) if grid is not None)
        return replace(self, names=tuple(findings), observed=observed, right=right[0] if right else None)

    def _column(self, grid: np.ndarray, finding: str) -> np.ndarray:
        if finding in self.names:
            return grid[:, self.names.index(finding)]
        parts = grid[:, [self.names.index(part) for part in UNIONS[finding] if part in self.names]]
        value = np.where((parts == 0).all(1), 0, UNKNOWN)
        value = np.where((parts == UNCERTAIN).any(1), UNCERTAIN, value)
        return np.where((parts == 1).any(1), 1, value)


def shared(first: Films, second: Films) -> list[str]:
    """Findings that both data sets have, as they are or united, in the order of the first. A part is left out where its union is there."""
    both = [name for name in dict.fromkeys([*first.names, *second.names, *UNIONS]) if first.knows(name) and second.knows(name)]
    united = [name for name in both if name in UNIONS and (name in first.names or name in second.names)]
    return [name for name in both if (name not in UNIONS or name in united) and not any(name in UNIONS[union] for union in united)]


def chosen(films: Films, findings: Sequence[str]) -> list[str]:
    """The findings that the user asked for, all of them by default.

    Raises:
        ConfigError: a name that the films do not have.
    """
    for name in findings:
        if not films.knows(name):
            raise ConfigError(f"task.findings has {name!r}: {choices(name, [*films.names, *(union for union in UNIONS if films.knows(union))])}")
    return list(findings) or list(films.names)
