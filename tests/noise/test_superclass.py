"""Wrong classes of the same superclass."""

from __future__ import annotations

import numpy as np
import pytest
from support.classes import balanced, made

from benchmark.core.errors import ConfigError
from benchmark.noise.class_conditional import Block5, ClassConditional
from benchmark.noise.superclass import CIFAR100, FINE, Superclass

OWNER = {name: group for group, members in CIFAR100.items() for name in members}


def targets_inside(noise: ClassConditional) -> int:
    """Classes of CIFAR-100 whose wrong class is of their superclass."""
    labels = balanced(FINE, 1)
    given = made(noise, labels).observed
    assert (given != labels.value).all()
    return sum(OWNER[FINE[right]] == OWNER[FINE[wrong]] for right, wrong in zip(labels.value, given, strict=True))


def test_superclass_keeps_every_target_inside_and_blocks_of_five_keep_six() -> None:
    assert (targets_inside(Superclass(1.0)), targets_inside(Block5(1.0))) == (100, 6)


def test_the_table_of_superclasses_has_twenty_groups_of_five() -> None:
    assert len(CIFAR100) == 20
    assert {len(members) for members in CIFAR100.values()} == {5}
    assert len(set(FINE)) == 100
    # ids of torchvision and of the official files
    assert [FINE[i] for i in (0, 1, 19, 41, 58, 99)] == ["apple", "aquarium_fish", "cattle", "lawn_mower", "pickup_truck", "worm"]


def test_superclass_is_one_cycle_of_each_group_in_the_order_of_ids() -> None:
    matrix = Superclass(1.0).transition(balanced(FINE, 1))
    assert np.array_equal(matrix.sum(0), np.ones(100))
    for members in CIFAR100.values():
        ids = sorted(FINE.index(name) for name in members)
        assert [int(matrix[i].argmax()) for i in ids] == [*ids[1:], ids[0]]


def test_superclass_goes_by_name_and_takes_numbers_for_ids() -> None:
    turned = FINE[::-1]
    matrix = Superclass(1.0).transition(balanced(turned, 1))
    assert all(OWNER[turned[i]] == OWNER[turned[int(row.argmax())]] for i, row in enumerate(matrix))
    other = tuple({"crab": "cra", "maple_tree": "maple tree"}.get(name, name) for name in FINE)
    assert np.array_equal(Superclass(1.0).transition(balanced(other, 1)), Superclass(1.0).transition(balanced(FINE, 1)))
    numbered = Superclass(0.3).transition(balanced(tuple(map(str, range(100))), 1))
    assert np.array_equal(numbered, Superclass(0.3).transition(balanced(FINE, 1)))


def test_superclass_takes_groups_of_its_own_and_refuses_others() -> None:
    labels = balanced(("cat", "car", "dog", "bus"), 3)
    given = made(Superclass(1.0, {"animal": ["cat", "dog"], "vehicle": ["car", "bus"]}), labels).observed
    assert np.array_equal(given, (labels.value + 2) % 4)
    with pytest.raises(ConfigError, match="names class 'beaver', which the task does not have"):
        made(Superclass(), labels)
    with pytest.raises(ConfigError, match=r"noise\.groups='cifar10' is unknown"):
        Superclass(0.2, "cifar10")
