"""Label models of the library crowd-kit (Ustalov et al., 2021, arXiv:2109.08584)."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from benchmark.core.errors import ConfigError
from benchmark.functional.votes import Voting
from benchmark.noise.label_models.base import LabelModel, library


class CrowdKit(LabelModel):
    """Aggregate by a class of crowd-kit, which takes an abstention for a missing answer.

    Its Wawa and ZeroBasedSkill do not run with scikit-learn 1.7 and later.
    """

    rule: ClassVar[str]  # how the configuration calls it
    name: ClassVar[str]  # of the class in ``crowdkit.aggregation``
    options: ClassVar[dict[str, Any]]

    def __call__(self, voting: Voting, outcome: bool = False, balance: np.ndarray | None = None) -> np.ndarray:
        """Return (N, K) probabilities where the library gives them, else 1 for its label.

        Raises:
            ConfigError: the library is not installed, or cannot serve these votes.
        """
        import pandas as pd

        aggregation = library("crowdkit.aggregation", "crowd-kit", self.rule)
        answers = {"task": voting.unit, "worker": voting.source, "label": voting.label}
        model = getattr(aggregation, self.name)(**self.options)
        try:
            labels = model.fit_predict(pd.DataFrame(answers))
        except ValueError as error:
            raise ConfigError(f"noise.by={self.rule} cannot serve these votes (crowd-kit: {error}): take another rule") from error
        shares = np.zeros((voting.units, voting.classes))
        table = getattr(model, "probas_", None)
        if table is None:
            label = labels.loc[np.arange(voting.units)].to_numpy().astype(np.int64)
            shares[np.arange(voting.units), label] = 1
            return shares
        ordered = table.loc[np.arange(voting.units)]
        shares[:, ordered.columns.to_numpy().astype(np.int64)] = ordered.to_numpy()
        return np.nan_to_num(shares)


class DawidSkeneCrowdKit(CrowdKit):
    """Stop at the first iteration that does not raise the bound (on WikiGold the second one, where ours goes on)."""

    rule, name = "dawid_skene_crowdkit", "DawidSkene"
    options: ClassVar[dict[str, Any]] = {"n_iter": 100}
    cites = "Dawid and Skene, 1979, Applied Statistics 28"


class Mace(CrowdKit):
    """Tell sources that know from those that guess (Hovy et al., 2013)."""

    rule, name = "mace", "MACE"
    options: ClassVar[dict[str, Any]] = {"n_restarts": 5, "random_state": 0}
    cites = "Hovy et al., 2013, NAACL"


class Glad(CrowdKit):
    """Learn the skill of sources and the difficulty of units (Whitehill et al., 2009)."""

    rule, name = "glad", "GLAD"
    options: ClassVar[dict[str, Any]] = {"n_iter": 30}
    cites = "Whitehill et al., 2009, NeurIPS"


class Mmsr(CrowdKit):
    """Find skills by a robust matrix completion of agreements (Ma and Olshevsky, 2020, arXiv:2010.12181)."""

    rule, name = "mmsr", "MMSR"
    options: ClassVar[dict[str, Any]] = {"random_state": 0}
    cites = "Ma and Olshevsky, 2020, arXiv:2010.12181"
