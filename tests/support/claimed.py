"""What methods are held to."""

from __future__ import annotations

# Beats plain training (last epoch) by more than the 95 % interval of the paired difference.
BEATS = {
    "symmetric(rate=0.4)": ["gce", "sce", "apl", "elr", "sop", "forward", "coteaching", "jocor", "small_loss", "m_correction", "dividemix"],
    "asymmetric(rate=0.4)": ["forward", "elr", "dividemix"],
    "annotators(per_example=1, error=0.05, spammers=0.4)": ["tram"],
}
