"""Co-SELFIE."""

from __future__ import annotations

from benchmark.methods.label_refurbishment.selfie import Selfie


class CoSelfie(Selfie):
    """SELFIE with two networks: each trains on what the other one refurbishes and selects.

    The combination of SELFIE (Song, Kim and Lee, ICML 2019) with the exchange of Co-teaching (Han et al., 2018, arXiv:1804.06872), carried over to
    numbers. Prediction: the mean of both networks. Two forward and two backward passes; knows the noise rate.
    """

    networks = 2
    cites = "Song, Kim and Lee, 2019, ICML; Han et al., 2018, arXiv:1804.06872"
