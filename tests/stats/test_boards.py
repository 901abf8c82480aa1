"""The sign-flip test against scipy and against loops, and the board by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats as scipy_stats

from benchmark.stats import CELL, block_scores, board, rank_stability
from benchmark.stats.boards import below, dataset, over_seeds, worst_decile


def rows(gains: dict[str, dict[tuple[str, str], float]], spread: float = 0.01, seeds: int = 8) -> pd.DataFrame:
    """Seeds of a method are its mean + spread * (-1, ..., 1), scaled to sd ``spread``; erm's mean is .7 in every (task, noise)."""
    shape = np.linspace(-1, 1, seeds)
    shape = spread * shape / shape.std(ddof=1)
    cells = {cell: 0.0 for gain in gains.values() for cell in gain}
    lines = [
        (task, noise, "mlp", "quick", method, (s, s, s), 0.7 + gain + shape[s])
        for method, of in {"erm": cells, **gains}.items()
        for (task, noise), gain in of.items()
        for s in range(seeds)
    ]
    return pd.DataFrame(lines, columns=[*CELL, "method", "seed", "score"])


CELLS = [(f"t{d}", noise) for d in range(6) for noise in ("a", "b")]


def test_blocks_are_gains_in_seed_sds_with_noises_averaged_first() -> None:
    data = rows({"x": {cell: 0.01 * (i + 1) for i, cell in enumerate(CELLS)}, "y": dict.fromkeys(CELLS, 0.02)})
    blocks = block_scores(data)
    assert blocks.cells["x"].to_numpy() == pytest.approx(np.arange(1, 13))
    assert blocks.tasks["x"].to_numpy() == pytest.approx([1.5, 3.5, 5.5, 7.5, 9.5, 11.5])
    assert (blocks.seeds, blocks.left_out) == (8, [])
    more = rows({"x": {("t0", "a"): 0.01, ("t0", "b"): 0.01, ("t0", "c"): 0.04, ("t1", "a"): 0.01}})
    assert block_scores(more).tasks["x"].to_numpy() == pytest.approx([2, 1])  # a task counts once, however many noises it has


def test_sd_is_pooled_over_methods_and_differences_are_paired() -> None:
    calm, wild = rows({"x": {("t0", "a"): 0.03}}), rows({"y": {("t0", "a"): 0.03}}, spread=0.05)
    data = pd.concat([calm, wild[wild["method"] == "y"]])
    pooled = np.sqrt((0.01**2 + 0.01**2 + 0.05**2) / 3)
    assert block_scores(data).tasks.loc["t0"].to_numpy() == pytest.approx(0.03 / pooled)


def test_subsets_of_a_task_are_one_block_and_clean_is_not_ranked() -> None:
    data = rows({"x": {("t(subset=10)", "a"): 0.01, ("t(subset=20)", "a"): 0.03, ("t(subset=20)", "clean"): 0.5}})
    assert block_scores(data).tasks["x"].to_dict() == {"t": pytest.approx(2)}


def test_methods_that_lack_a_run_stand_below_the_line() -> None:
    full = rows({"x": dict.fromkeys(CELLS, 0.01), "y": dict.fromkeys(CELLS, 0.02), "z": dict.fromkeys(CELLS[:3], 0.5)})
    failed = (full["method"] == "y") & (full["task"] == "t3") & (full["seed"] == (2, 2, 2))
    found = board(full[~failed])
    assert found.table.index.tolist() == ["x", "erm"]
    assert found.incomplete.to_dict() == {"y": pytest.approx(1 - 2 / 96), "z": pytest.approx(0.25)}


def test_a_cell_in_progress_or_many_partial_methods_do_not_empty_the_board() -> None:
    full = {name: dict.fromkeys(CELLS, 0.01) for name in ("x", "y", "z", "u")}
    begun = rows({**full, "x": dict.fromkeys([*CELLS, ("t9", "a")], 0.01)})
    found = board(begun)
    assert len(found.blocks.tasks) == 6
    assert found.blocks.left_out == ["t9 a mlp quick: half of the methods lack it"]
    assert found.incomplete.empty
    crowd = rows({**full, **{f"p{i}": {CELLS[0]: 0.01} for i in range(9)}})
    assert len(board(crowd).blocks.cells) == len(CELLS)
    assert len(board(crowd).incomplete) == 9


def test_more_seeds_of_erm_do_not_make_everybody_incomplete() -> None:
    data, longer = rows({m: dict.fromkeys(CELLS, 0.01) for m in ("x", "y", "z")}), rows({"x": dict.fromkeys(CELLS, 0.0)}, seeds=20)
    extra = longer[(longer["method"] == "erm") & longer["seed"].map(lambda s: s[0] >= 8)]
    found = board(pd.concat([data, extra]))
    assert found.blocks.seeds == 8
    assert found.incomplete.empty


def test_cells_with_one_seed_or_no_spread_are_named() -> None:
    data = pd.concat([rows({"x": {("t0", "a"): 0.1}}, seeds=2).iloc[::2], rows({"x": {("t1", "a"): 0.1}}, spread=0.0), rows({"x": {("t2", "a"): 0.1}})])
    blocks = block_scores(data)
    assert blocks.left_out == ["t0 a mlp quick: one seed", "t1 a mlp quick: its seeds do not differ"]
    assert blocks.tasks.index.tolist() == ["t2"]


def wavy(mean: float) -> dict[tuple[str, str], float]:
    """Gains that differ from task to task, around a mean."""
    return {(task, noise): mean + 0.002 * (0.5, -1, 2, -2, 1, -0.6)[int(task[1])] for task, noise in CELLS}


def test_the_board_of_six_tasks() -> None:
    found = board(rows({"good": wavy(0.02), "bad": wavy(-0.02), "same": wavy(0.0)}))
    table = found.table
    assert table.index.tolist() == ["good", "erm", "same", "bad"]
    assert table["stars"].to_dict() == {"good": "*", "same": "", "erm": "", "bad": "*"}
    assert table.loc["good", "p"] == pytest.approx(2 / 64)
    assert table.loc["good", "low"] > 0 > table.loc["bad", "high"]
    assert table["first"].to_dict() == {"good": 1.0, "same": 0.0, "erm": 0.0, "bad": 0.0}
    assert table.loc["bad", ["rank", "rank_low", "rank_high", "below_erm"]].tolist() == [4, 4, 4, 1]
    assert found.note == ""


def test_stars_need_six_tasks_eight_seeds_and_an_unfiltered_view() -> None:
    data = rows({"good": wavy(0.02)})
    few = board(data[data["task"] != "t0"])
    assert few.note == "5 tasks: estimates only, a test needs 6"
    assert few.table.loc["good", ["p", "low", "high"]].isna().all()
    short = board(data[data["seed"] != (0, 0, 0)])
    assert short.note == "7 seeds in some cells: no stars below 8"
    assert short.table.loc["good", "p"] == pytest.approx(2 / 64)
    view = board(data, confirm=False)
    assert np.isnan(view.table.loc["good", "p"])
    assert view.table.loc["good", "low"] > 0
    for found in (few, short, view):
        assert (found.table["stars"] == "").all()


@pytest.mark.parametrize("keep", ["nothing", "no erm", "erm alone", "clean alone"])
def test_boards_of_next_to_nothing(keep: str) -> None:
    data = rows({"x": dict.fromkeys([*CELLS, ("t0", "clean")], 0.01)})
    chosen = {"nothing": data["score"] > 9, "no erm": data["method"] != "erm", "erm alone": data["method"] == "erm", "clean alone": data["noise"] == "clean"}[
        keep
    ]
    found = board(data[chosen])
    assert found.table.index.tolist() == ["erm"]
    assert found.table["stars"].tolist() == [""]


def test_worst_decile_and_share_below_erm_by_hand() -> None:
    z = np.column_stack([np.arange(25.0) - 3, np.ones(25)])
    assert worst_decile(z) == pytest.approx([(-3 - 2 - 1) / 3, 1])  # the worst 3 of 25
    assert worst_decile(z[:4]) == pytest.approx([-3, 1])
    assert below(z) == pytest.approx([3 / 25, 0])


def test_rank_stability_against_a_loop() -> None:
    z = np.random.default_rng(5).normal([0, 0.3, 0.6], 1, (8, 3))
    found = rank_stability(z, resamples=4000)
    rng = np.random.default_rng(6)
    ranks = np.array([scipy_stats.rankdata(-z[rng.integers(0, 8, 8)].mean(0)) for _ in range(4000)])
    assert found["rank"] == pytest.approx(ranks.mean(0), abs=0.05)
    assert found["first"] == pytest.approx((ranks == 1).mean(0), abs=0.04)
    assert found["first"].sum() == pytest.approx(1)
    assert (found["rank_low"] <= found["rank"]).all()
    assert (found["rank"] <= found["rank_high"]).all()


def test_equal_methods_share_their_rank_and_first_place() -> None:
    z = np.random.default_rng(7).normal(5, 1, (6, 1)) * np.ones((1, 2))
    found = rank_stability(np.column_stack([z, np.zeros(6)]))
    assert found["rank"] == pytest.approx([1.5, 1.5, 3])
    assert found["first"] == pytest.approx([0.5, 0.5, 0])
    assert np.isnan(rank_stability(z[:1])["rank"]).all()


def test_a_task_is_its_data_whatever_part_or_view_of_it() -> None:
    one = ["uci(table=kin8nm)", "uci(subset=500, table=kin8nm)", "uci(table=kin8nm, target=y)"]
    assert {dataset(task) for task in one} == {"uci(table=kin8nm)"}
    assert [dataset(task) for task in ("uci", "diamonds(subset=10000)", "cifar10n(features=efficientnet_lite0, subset=10000)")] == [
        "uci",
        "diamonds",
        "cifar10n",
    ]
    assert dataset("cxr_images(test_source=openi)") == "cxr_images"
    keys = [
        (task, noise, "mlp", "quick", method, s)
        for task in ("uci", "uci(table=kin8nm)", "uci(table=kin8nm, subset=9)")
        for noise in "ab"
        for method in ("erm", "x")
        for s in range(3)
    ]
    data = pd.DataFrame(keys, columns=[*CELL, "method", "seed"]).assign(score=np.random.default_rng(0).normal(size=len(keys)))
    assert list(block_scores(data).tasks.index) == ["uci", "uci(table=kin8nm)"]


def test_the_interval_over_seeds_is_a_t_interval_of_one_mean_a_seed() -> None:
    """Two tasks, one with two cells, seeds 0 to 4 and 0 to 3: by loops, over the seeds that both have."""
    rng = np.random.default_rng(1)
    cells = {("a", "n"): 5, ("a", "m"): 4, ("b", "n"): 5}
    keys = [(task, noise, "mlp", "quick", method, s) for (task, noise), n in cells.items() for method in ("erm", "x", "y") for s in range(n)]
    data = pd.DataFrame(keys, columns=[*CELL, "method", "seed"]).assign(score=rng.normal(size=len(keys)))
    score = {tuple(line[:2]) + tuple(line[4:6]): line[6] for line in data.to_numpy().tolist()}
    spread = {c: np.sqrt(np.mean([np.var([score[*c, m, s] for s in range(n)], ddof=1) for m in ("erm", "x", "y")])) for c, n in cells.items()}
    found = board(data).table
    for method in ("x", "y"):
        z = {c: [(score[*c, method, s] - score[*c, "erm", s]) / spread[c] for s in range(n)] for c, n in cells.items()}
        runs = [((z["a", "n"][s] + z["a", "m"][s]) / 2 + z["b", "n"][s]) / 2 for s in range(4)]
        half = scipy_stats.t.ppf(0.975, 3) * np.std(runs, ddof=1) / 2
        middle = ((np.mean(z["a", "n"]) + np.mean(z["a", "m"])) / 2 + np.mean(z["b", "n"])) / 2
        assert found.loc[method, ["z", "seed_low", "seed_high"]].tolist() == pytest.approx([middle, middle - half, middle + half])
    assert np.isnan(found.loc["erm", ["seed_low", "seed_high"]].astype(float)).all()
    assert np.isnan(over_seeds(np.ones((1, 2)))).all()
