"""The statistics of the board: pure functions of arrays and data frames.

Scores are turned so that larger is better (errors are negated), and methods are compared with erm seed by seed.
"""

from benchmark.stats.boards import Blocks, Board, block_scores, board, rank_stability
from benchmark.stats.cell_table import CELL, LINE, cell_table
from benchmark.stats.groups import as_text, groups, keys
from benchmark.stats.intervals import LEAST_SEEDS, LEVEL, NOTHING, Estimate, corrected_interval, holm, mean_interval, p_values, paired_difference, stars
from benchmark.stats.power import detectable, power, power_table, smallest_effect
from benchmark.stats.ratios import GATE, Gain, damage_reduction, decompose, fieller, gap_closed
from benchmark.stats.relative import relative_errors
from benchmark.stats.selection import Confusion, Regime, clean_labels_worth, informative_only, kappa, memorizing_only, regime, regime_gate, rho_sel, worst_pair
from benchmark.stats.signflip import LEAST_TASKS, MaxT, max_t

__all__ = [
    "CELL",
    "GATE",
    "LEAST_SEEDS",
    "LEAST_TASKS",
    "LEVEL",
    "LINE",
    "NOTHING",
    "Blocks",
    "Board",
    "Confusion",
    "Estimate",
    "Gain",
    "MaxT",
    "Regime",
    "as_text",
    "block_scores",
    "board",
    "cell_table",
    "clean_labels_worth",
    "corrected_interval",
    "damage_reduction",
    "decompose",
    "detectable",
    "fieller",
    "gap_closed",
    "groups",
    "holm",
    "informative_only",
    "kappa",
    "keys",
    "max_t",
    "mean_interval",
    "memorizing_only",
    "p_values",
    "paired_difference",
    "power",
    "power_table",
    "rank_stability",
    "regime",
    "regime_gate",
    "relative_errors",
    "rho_sel",
    "smallest_effect",
    "stars",
    "worst_pair",
]
