"""What every label model shares."""

from __future__ import annotations

import importlib
from typing import Any, ClassVar

import numpy as np

from benchmark.core.errors import ConfigError
from benchmark.functional.votes import Voting


class LabelModel:
    """Base of the label models: the constructor stores, the call aggregates. None learns from ground truth.

    Attributes:
        reads_abstention: an abstention can count as an answer of its own.
        takes_balance: shares of the classes can be handed over.
        cites: authors, year, arXiv id.
    """

    version: ClassVar[int] = 1
    reads_abstention: ClassVar[bool] = False
    takes_balance: ClassVar[bool] = False
    cites: ClassVar[str] = ""

    def __call__(self, voting: Voting, outcome: bool = False, balance: np.ndarray | None = None) -> np.ndarray:
        """Return class probabilities (N, K) of units that somebody answered.

        Args:
            voting: the answers; each of its N units has at least one.
            outcome: an abstention counts as an answer, for models that read it.
            balance: (K,) shares of the classes, for models that take them.
        """
        raise NotImplementedError


def library(module: str, package: str, rule: str) -> Any:
    """Return a module of an optional package.

    Raises:
        ConfigError: the package is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ConfigError(f"noise.by={rule} needs the package {package} ({error}): run 'make setup-votes'") from error
