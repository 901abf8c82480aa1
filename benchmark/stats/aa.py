"""A/A: boards on which no method is better, and the share of them that has a winner all the same.

A "winner" is a method that the test of the board separates from erm, in either direction. All boards are made and tested
at once: z is (boards, blocks, methods).
"""

from __future__ import annotations

import numpy as np

from benchmark.stats.signflip import LEAST_TASKS, adjusted, largest, sign_flips

BOARDS = 5000  # of an A/A test
DRAWS = 2000  # flips beyond 16 blocks: enough for a share over thousands of boards


def board_p(z: np.ndarray, draws: int = DRAWS, seed: int = 0) -> np.ndarray:
    """Adjusted p-values of the sign-flip max-T test of every board, (B, D, M) -> (B, M)."""
    flips = sign_flips(z.shape[1], draws, seed)
    return np.concatenate([adjusted(observed, maxima) for observed, maxima in largest(z, flips)])


def winner_share(z: np.ndarray, alpha: float = 0.05, draws: int = DRAWS, seed: int = 0) -> float:
    """Share of boards, (B, D, M), on which some method has p <= alpha."""
    return float((board_p(z, draws, seed) <= alpha).any(1).mean())


def pseudo_methods(scores: np.ndarray, task: np.ndarray, methods: int, seeds: int, boards: int, rng: np.random.Generator) -> np.ndarray:
    """Boards of methods that are one method run with other seeds, (C, S) -> (boards, D, methods).

    Of the S runs of each cell, (methods + 1) * seeds are dealt without overlap; the first hand plays erm. Then as on the real board:
    z = difference of means / pooled sd, cells of a task averaged.

    Args:
        scores: of one method, (cells, runs).
        task: integer code of each cell's task, (cells,).
        methods: how many to compare with the pseudo-erm.
        seeds: of each.
        boards: how many.
        rng: deals.
    """
    hands = methods + 1
    if scores.shape[1] < hands * seeds:
        raise ValueError(f"{hands} pseudo-methods of {seeds} seeds need {hands * seeds} runs of a cell, there are {scores.shape[1]}")
    order = rng.random((boards, *scores.shape)).argsort(axis=2)[..., : hands * seeds]
    dealt = np.take_along_axis(np.broadcast_to(scores, (boards, *scores.shape)), order, axis=2).reshape(boards, len(scores), hands, seeds)
    mean, spread = dealt.mean(3), np.sqrt(dealt.var(3, ddof=1).mean(2, keepdims=True))
    z = (mean[..., 1:] - mean[..., :1]) / spread
    member = np.eye(task.max() + 1)[task]  # (C, D)
    return np.asarray(np.einsum("cd,bcm->bdm", member / member.sum(0), z))


def permuted_names(z: np.ndarray, boards: int, rng: np.random.Generator, block: np.ndarray | None = None) -> np.ndarray:
    """Real rows with the names of methods, erm's among them, permuted within each block: (C, M) -> (boards, C, M).

    Args:
        z: standardized gains over erm, one line per task (or per cell).
        boards: how many.
        rng: permutes.
        block: integer code per line; lines of one block are permuted together, by default each on its own.
    """
    block = np.arange(len(z)) if block is None else block
    level = np.column_stack([np.zeros(len(z)), z])  # erm first
    order = rng.random((boards, block.max() + 1, level.shape[1])).argsort(axis=2)[:, block]
    moved = np.take_along_axis(np.broadcast_to(level, (boards, *level.shape)), order, axis=2)
    return moved[..., 1:] - moved[..., :1]


def false_winners(z: np.ndarray, boards: int = BOARDS, seed: int = 0) -> float | None:
    """Share of boards made of these very z, (D, M), with names permuted within tasks, that have a winner. None below six tasks or without a method."""
    if len(z) < LEAST_TASKS or not z.shape[1]:
        return None
    return winner_share(permuted_names(z, boards, np.random.default_rng(seed)), seed=seed)


def interacting(boards: int, tasks: int, cells: int, methods: int, interaction: float, rng: np.random.Generator) -> np.ndarray:
    """The trap: methods that are equal over tasks, but each task has its favorites. (boards, tasks, cells, methods).

    A method's level in a task is N(0, interaction^2) in all cells of that task, plus N(0, 1) per cell; z is its difference
    to a further such method, erm. The mean over cells is the block of the protocol; a reshape to tasks * cells makes cells the blocks.
    """
    shape = (boards, tasks, 1, methods + 1)
    level = interaction * rng.normal(size=shape) + rng.normal(size=(boards, tasks, cells, methods + 1))
    return level[..., 1:] - level[..., :1]


def board_power(effect: float, tasks: int, methods: int, boards: int, rng: np.random.Generator, alpha: float = 0.05) -> float:
    """Share of boards that find one method better by ``effect`` sd of its task differences, among methods equal to erm."""
    level = rng.normal(size=(boards, tasks, methods + 1)) / np.sqrt(2)  # a difference of two has sd 1
    z = level[..., 1:] - level[..., :1]
    z[..., 0] += effect
    return float((board_p(z)[:, 0] <= alpha).mean())
