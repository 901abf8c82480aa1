"""Mistakes of chest X-ray labels at the rates that were measured for each finding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import get_args

import numpy as np

from benchmark.core.errors import ConfigError, choices
from benchmark.core.types import Corruption, Labels
from benchmark.noise.base import Context, Noise, check_rate
from benchmark.noise.multilabel import MULTILABEL, flipped
from benchmark.noise.report_rates import MEASURED, NAMES, Against
from benchmark.noise.streams import Streams


class Report(Noise):
    """Independent mistakes at the measured (FPR, FNR) of each finding; a label whose mistakes nobody measured stays right.

    ``against``, in order of preference: film = labels mined from the text of reports against radiologists who read the films again (3 findings, whose
    names cover 12), text = automatic against manual index of the same reports (14), rater = one radiologist against the majority of three (14).
    Reports miss about half of the positives on films and a quarter to a half of the given positives are wrong, so neither can be trusted.
    ``scale`` multiplies all rates. docs/cxr_noise.md has the counts.
    """

    family = "distant or labelling functions"
    problems = MULTILABEL
    version = 2
    not_nested = "its strength is the scale of many rates"

    def __init__(self, scale: float = 1.0, against: list[str] | None = None) -> None:
        self.scale = check_rate(scale, "noise.scale", most=1.7)  # the largest rate stays below 1
        self.against = ["film", "text"] if against is None else list(against)
        for source in self.against:
            if source not in get_args(Against):
                raise ConfigError(f"noise.against has {source!r}: {choices(source, get_args(Against))}")

    def __call__(self, labels: Labels, streams: Streams, context: Context) -> Corruption:
        """Flips with the rates of the label's name."""
        found = [self.rates(name) for name in labels.names]
        rates = self.scale * np.array([pair or (0.0, 0.0) for pair in found])
        without = [name for name, pair in zip(labels.names, found, strict=True) if pair is None]
        return replace(flipped(labels, streams, rates[:, 0], rates[:, 1]), statistics={"without_measurement": without})

    def rates(self, finding: str) -> tuple[float, float] | None:
        """(FPR, FNR) of a finding, by name without regard to case, ``_`` and ``-``; None where nobody measured them."""
        plain = finding.lower().replace("_", " ").replace("-", " ")
        for source in self.against:
            table: Mapping[str, tuple[float, float]] = MEASURED[source]
            for name in (plain, *NAMES.get(plain, ())):
                if name in table:
                    return table[name]
        return None
