"""Options that make every network small enough for a test."""

from __future__ import annotations

from support.tiny import TINY

SMALL = TINY | {
    "cnn": {"channels": [4, 6], "hidden": 8},
    "cnn3": {"channels": [4, 5, 6], "hidden": 8},
    "cnn9": {"width": 3, "dropout": 0.0},
    "resnet34": {"widths": [4, 5, 6, 7], "blocks": [1, 2, 1, 1]},
    "preact_resnet18": {"widths": [4, 5, 6, 7], "blocks": [1, 2, 1, 1]},
    "wide_resnet28_10": {"widths": [4, 5, 6], "blocks": [1, 2, 1], "stem": 3},
}
