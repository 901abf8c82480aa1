"""rho_sel against scipy, kappa against a simulation, and the regime gate at its limits."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats as scipy_stats

from benchmark.stats import CELL, clean_labels_worth, informative_only, kappa, memorizing_only, regime, regime_gate, rho_sel, worst_pair

PAIR = np.array([[0.55, 0.45, 0.0], [0.0, 0.55, 0.45], [0.45, 0.0, 0.55]])


def curves(cells: int = 3, seeds: int = 2, methods: int = 3, checkpoints: int = 5) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    names = [
        ("task", f"noise{c}", "mlp", "quick", f"method{m}", (s, s, s), k)
        for c in range(cells)
        for s in range(seeds)
        for m in range(methods)
        for k in range(checkpoints)
    ]
    out = pd.DataFrame(names, columns=[*CELL, "method", "seed", "checkpoint"])
    out["clean"] = rng.normal(size=len(out)).round(1)  # with ties
    out["noisy"] = (out["clean"] + rng.normal(size=len(out))).round(1)
    return out


def test_rho_sel_is_spearman_inside_each_seed() -> None:
    data = curves()
    found = rho_sel(data).set_index("noise")
    for noise, cell in data.groupby("noise"):
        rho = [scipy_stats.spearmanr(seed["noisy"], seed["clean"]).statistic for _, seed in cell.groupby("seed")]
        assert found.loc[noise, "rho_sel"] == pytest.approx(np.mean(rho))
        assert tuple(found.loc[noise, ["pairs", "seeds"]]) == (15, 2)


def test_rho_sel_does_not_see_differences_between_seeds() -> None:
    """Seeds have other validation sets: an easy one raises both scores, which is not information about methods."""
    data = curves(cells=1)
    shifted = data.assign(**{name: data[name] + 100 * (data["seed"] == (1, 1, 1)) for name in ("noisy", "clean")})
    assert rho_sel(shifted)["rho_sel"][0] == pytest.approx(rho_sel(data)["rho_sel"][0])


def test_rho_sel_of_perfect_reversed_and_constant_scores() -> None:
    data = curves(cells=1)
    assert rho_sel(data.assign(noisy=data["clean"] ** 3))["rho_sel"][0] == pytest.approx(1)
    assert rho_sel(data.assign(noisy=-data["clean"]))["rho_sel"][0] == pytest.approx(-1)
    assert rho_sel(data.assign(noisy=-data["clean"], clean=-data["clean"]))["rho_sel"][0] == pytest.approx(1)  # errors: the sign is shared
    constant = rho_sel(data.assign(noisy=0.5))
    assert np.isnan(constant["rho_sel"][0])
    assert not constant["informative"][0]


def test_cells_below_a_half_leave_the_ranking_by_noisy_validation() -> None:
    data = curves()
    data.loc[data["noise"] == "noise0", "noisy"] = data["clean"]
    data.loc[data["noise"] == "noise1", "noisy"] = -data["clean"]
    data.loc[data["noise"] == "noise2", "noisy"] = np.nan
    found = rho_sel(data)
    assert found["informative"].tolist() == [True, False]
    rows = data[CELL].drop_duplicates().assign(score=1.0)
    assert informative_only(rows, found)["noise"].tolist() == ["noise0"]  # noise2 has no rho: nobody knows


def test_kappa_and_worth_of_pairflip_by_hand() -> None:
    """45 % to the next class: .55 - .45 = .1, and .1^2 / (.55 + .45) = .01: a hundred times fewer."""
    assert kappa(PAIR)[0] == pytest.approx([0.0, 0.1, 0.55])
    worth = clean_labels_worth(PAIR, 1000)
    assert worth[0, 1:] == pytest.approx([10, 550])
    assert np.isnan(np.diag(worth)).all()
    found = worst_pair(PAIR)
    assert found is not None
    assert (found.right, found.given, found.kappa, found.worth) == (0, 1, pytest.approx(0.1), pytest.approx(0.01))


def test_worth_without_noise_is_one_label_a_label() -> None:
    assert clean_labels_worth(np.eye(3), 7)[~np.eye(3, dtype=bool)] == pytest.approx(7)


def test_worth_is_zero_where_noise_prefers_the_confusion_and_unknown_without_examples() -> None:
    layers = np.array([[[0.9, 0.1], [0.6, 0.4]], [[1.0, 0.0], [0.0, 0.0]]])
    found = worst_pair(layers)
    assert found is not None
    assert (found.layer, found.right, found.given, found.worth) == (0, 1, 0, 0)
    assert found.kappa == pytest.approx(-0.2)
    assert np.isnan(clean_labels_worth(layers[1], 1)[1, 0])
    assert worst_pair(np.zeros((2, 2))) is None


@pytest.mark.parametrize("t", [0.55, 0.7, 0.9])
def test_worth_is_the_ratio_of_squared_signal_to_noise(t: float) -> None:
    """A model that repairs a share d of the confusion changes its score by d kappa; the variance of that change is d (T_ii + T_ij) to first order."""
    rng = np.random.default_rng(1)
    n, share, runs = 400, 0.1, 20_000
    repaired = rng.binomial(n, share, size=runs)  # units on which two models differ
    right = rng.binomial(repaired, t)  # of which the noisy label says i, else j
    change = (2 * right - repaired) / n
    signal = (change.mean() / change.std()) ** 2
    clean = (repaired / n).mean() ** 2 / ((repaired / n).var() + share**2 / n)  # d^2 / (d / n), the same first order
    assert signal / clean == pytest.approx((2 * t - 1) ** 2, rel=0.15)


@pytest.mark.parametrize(
    ("excess", "agreement", "expected"), [(0.2, 0.85, True), (0.199, 0.99, False), (0.9, 0.849, False), (0.0, 0.1, False), (0.5, 0.95, True)]
)
def test_regime_gate_at_its_limits(excess: float, agreement: float, expected: bool) -> None:
    found = regime(np.full(3, excess), np.full(3, agreement))
    assert found.memorizes is expected
    assert found.reason.startswith("erm does not memorize here") is not expected


def test_regime_takes_means_over_the_seeds_that_measured() -> None:
    assert regime(np.array([0.1, 0.3, np.nan]), np.array([0.8, 0.9, 0.85])).memorizes
    assert "excess memorization 0.100 < 0.2, agreement with right labels 0.500 < 0.85" in regime(np.array([0.1]), np.array([0.5])).reason


def test_regime_is_unknown_where_memorization_is() -> None:
    assert regime(np.array([np.nan]), np.array([0.9])).memorizes is None
    assert regime(np.array([0.4]), np.array([np.nan])).memorizes is None
    assert regime(np.array([]), np.array([])).reason.startswith("n/a")


def test_regime_gate_reads_only_the_last_epoch_of_erm() -> None:
    rows = pd.DataFrame(
        [
            ("t", noise, "m", "q", track, method, s)
            for noise in ("a", "b", "clean")
            for track in ("last", "noisy_val")
            for method in ("erm", "x")
            for s in range(2)
        ],
        columns=[*CELL, "track", "method", "seed"],
    )
    rows = rows.assign(memorization=0.0, ceiling=0.99, score=0.5)
    ours = (rows["method"] == "erm") & (rows["track"] == "last")
    rows.loc[ours & (rows["noise"] == "a"), "memorization"] = 0.3
    rows.loc[rows["noise"] == "clean", "memorization"] = np.nan
    gate = regime_gate(rows)
    assert gate.set_index("noise")["memorizes"].to_dict() == {"a": True, "b": False, "clean": None}
    assert memorizing_only(rows, gate)["noise"].unique().tolist() == ["a", "clean"]
    assert regime_gate(rows[rows["method"] == "x"]).empty
    assert len(memorizing_only(rows, regime_gate(rows[rows["method"] == "x"]))) == len(rows)
