"""A noise declares what makes labels wrong."""

from __future__ import annotations

import pytest

from benchmark.config.build import option, resolve_target
from benchmark.config.registry import names
from benchmark.noise.base import Noise
from benchmark.noise.families import FAMILIES


@pytest.mark.parametrize("name", names("noise"))
def test_a_noise_declares_its_family(name: str) -> None:
    assert resolve_target(option("noise", name), "noise").family in FAMILIES


def test_families_say_what_makes_labels_wrong_not_how_a_generator_is_written() -> None:
    family = {name: resolve_target(option("noise", name), "noise").family for name in names("noise")}
    for name in ("heteroscedastic", "instance_residual", "rater", "instance_margin", "instance_projection", "bounded"):
        assert family[name] == "instance-dependent"
    assert family["human"] == "real (people)"
    assert family["recorded"] == "distant or labelling functions"
    assert {family[name] for name in ("symmetric", "pairflip", "superclass", "block5", "transition", "label_flip")} == {"class-conditional"}
    assert {family[name] for name in ("missing_positive", "single_positive", "partial")} == {"missing labels"}
    assert set(FAMILIES) - set(family.values()) == {"language model"}  # labels of this kind are recorded ones
    assert "family" not in vars(Noise)
