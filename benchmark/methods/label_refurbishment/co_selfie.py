"""Co-SELFIE."""

from __future__ import annotations

from typing import ClassVar

from benchmark.methods.label_refurbishment.selfie import Selfie


class CoSelfie(Selfie):
    """SELFIE with two networks: each trains on what the other one refurbishes and selects.

    The combination of SELFIE (Song, Kim and Lee, ICML 2019) with the exchange of Co-teaching (Han et al., 2018, arXiv:1804.06872), carried over to
    numbers. Prediction: the mean of both networks. Two forward and two backward passes; knows the noise rate.
    """

    networks = 2
    follows: ClassVar[dict[str, str]] = {
        "schedule": "ours, because it is carried over to numbers",
        "normalisation": "ours, because it is carried over to numbers: the mean squared error of kept units",
        "batch_statistics": "ours, because it is carried over to numbers: training's passes alone",
        "predicts": "ours, because it is carried over to numbers: the mean of both networks",
    }
    cites = "Song, Kim and Lee, 2019, ICML; Han et al., 2018, arXiv:1804.06872"
