"""A/A: boards of equal methods have a winner on at most 6 % of boards; cells as blocks would find one on half of them."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from support.boardrows import made_rows

from benchmark.board.comparisons import compute
from benchmark.review.publishing import equal_methods
from benchmark.stats import CELL, block_scores, max_t
from benchmark.stats.aa import board_p, board_power, false_winners, interacting, permuted_names, pseudo_methods, winner_share
from benchmark.stats.signflip import sign_flips

LIMIT = 0.06
BOARDS = 5000


def real_like(tasks: int, methods: int, rng: np.random.Generator) -> np.ndarray:
    """Gains as on a real board: some methods help everywhere, one collapses in places, tasks differ in scale."""
    scale = rng.lognormal(0, 1, (tasks, 1))
    z = scale * (rng.normal(size=(tasks, methods)) + np.linspace(-1, 3, methods))
    z[::3, 0] -= 20
    return z


def test_boards_at_once_equal_boards_one_by_one() -> None:
    z = np.random.default_rng(0).normal(0.3, 1, (30, 7, 4))
    assert board_p(z) == pytest.approx(np.stack([max_t(one).p for one in z]))


def test_methods_that_are_equal_have_a_winner_on_few_boards() -> None:
    level = np.random.default_rng(1).normal(size=(BOARDS, 8, 11))
    assert winner_share(level[..., 1:] - level[..., :1]) <= LIMIT


@pytest.mark.parametrize("seeds", [3, 10])
def test_pseudo_methods_with_disjoint_seeds(seeds: int) -> None:
    """Heavy tails and runs that collapse; three cells a task."""
    rng = np.random.default_rng(2)
    scores = rng.standard_t(3, size=(24, 110)) - 5 * (rng.random((24, 110)) < 0.05)
    z = pseudo_methods(scores, np.repeat(np.arange(8), 3), methods=10, seeds=seeds, boards=1000, rng=rng)
    assert z.shape == (1000, 8, 10)
    assert winner_share(z) <= LIMIT


def test_pseudo_methods_are_scored_as_the_board_does() -> None:
    rng = np.random.default_rng(3)
    scores = rng.normal(size=(4, 6))  # two tasks with two noises, three hands of two seeds
    found = pseudo_methods(scores, np.array([0, 0, 1, 1]), methods=2, seeds=2, boards=1, rng=np.random.default_rng(4))
    order = np.random.default_rng(4).random((1, 4, 6)).argsort(axis=2)[0]
    lines = [
        (f"t{c // 2}", f"n{c}", "mlp", "quick", ["erm", "x", "y"][hand], (s, s, s), scores[c, order[c, 2 * hand + s]])
        for c in range(4)
        for hand in range(3)
        for s in range(2)
    ]
    blocks = block_scores(pd.DataFrame(lines, columns=[*CELL, "method", "seed", "score"]))
    assert found[0] == pytest.approx(blocks.tasks.to_numpy())
    with pytest.raises(ValueError, match="3 pseudo-methods of 3 seeds need 9 runs of a cell, there are 6"):
        pseudo_methods(scores, np.zeros(4, dtype=int), 2, 3, 1, rng)


@pytest.mark.parametrize("tasks", [6, 8, 10])
def test_names_permuted_within_each_task(tasks: int) -> None:
    z = real_like(tasks, 9, np.random.default_rng(tasks))
    assert winner_share(permuted_names(z, BOARDS, np.random.default_rng(5))) <= LIMIT


def test_permuted_names_keep_the_scores_of_each_task_together() -> None:
    z = np.array([[1.0, 2.0, 4.0], [10.0, 20.0, 40.0], [0.1, 0.2, 0.4]])
    moved = permuted_names(z, 50, np.random.default_rng(6), block=np.array([0, 0, 1]))
    assert moved[:, 1] == pytest.approx(10 * moved[:, 0])  # one permutation for the two cells of a task
    assert len({tuple(row) for row in moved[:, 0].round(6)}) > 10
    everyone = np.sort(np.column_stack([moved[:, 0], np.zeros(50)]), axis=1)
    assert np.diff(everyone, axis=1) == pytest.approx(np.broadcast_to([1.0, 1.0, 2.0], (50, 3)))  # erm's 0, 1, 2, 4 in another order


def test_the_interaction_trap_has_no_winner_with_tasks_as_blocks() -> None:
    z = interacting(BOARDS, tasks=8, cells=5, methods=9, interaction=2.0, rng=np.random.default_rng(7))
    by_task, by_cell = winner_share(z.mean(2)), winner_share(z[:1000].reshape(1000, -1, 9), draws=1000)
    print(f"boards with a false winner: {by_task:.3f} with tasks as blocks, {by_cell:.3f} with cells as blocks")
    assert by_task <= LIMIT
    assert by_cell > 0.5


def test_the_level_is_used_where_tasks_suffice() -> None:
    """The test is not merely timid: with eight tasks it rejects close to one board in twenty."""
    level = np.random.default_rng(8).normal(size=(4000, 8, 5))
    assert winner_share(level[..., 1:] - level[..., :1]) > 0.035
    assert len(sign_flips(8)) == 128


def test_power_of_a_board_grows_with_its_tasks() -> None:
    found = [board_power(2.0, tasks, 9, 500, np.random.default_rng(9)) for tasks in (6, 8, 10)]
    assert found == sorted(found)
    assert 0.3 < found[0] < 0.6
    assert found[2] > 0.95


def test_the_test_of_real_rows_permutes_their_names_and_needs_six_tasks() -> None:
    z = real_like(7, 5, np.random.default_rng(10))
    assert false_winners(z, boards=500, seed=3) == winner_share(permuted_names(z, 500, np.random.default_rng(3)), seed=3)
    assert false_winners(z[:5]) is None
    assert false_winners(z[:, :0]) is None


def test_what_is_published_says_how_often_equal_methods_would_win() -> None:
    (line,) = equal_methods(compute(made_rows(tasks=6, effects={"erm": 0.0, "gce": 0.05})))
    found = re.fullmatch(r"A/A, multiclass: (\d+\.\d) % of 5000 boards of these rows with names permuted within tasks have a winner \(at most 6 %\)", line)
    assert found is not None
    assert float(found[1]) <= 100 * LIMIT
    assert not list(equal_methods(compute(made_rows(tasks=5, effects={"erm": 0.0, "gce": 0.05}))))
