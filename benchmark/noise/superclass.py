"""Confusions between classes of one superclass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from benchmark.core.errors import ConfigError, choices
from benchmark.core.types import Labels
from benchmark.noise.class_conditional import ClassConditional

CIFAR100: Mapping[str, tuple[str, ...]] = {
    "aquatic_mammals": ("beaver", "dolphin", "otter", "seal", "whale"),
    "fish": ("aquarium_fish", "flatfish", "ray", "shark", "trout"),
    "flowers": ("orchid", "poppy", "rose", "sunflower", "tulip"),
    "food_containers": ("bottle", "bowl", "can", "cup", "plate"),
    "fruit_and_vegetables": ("apple", "mushroom", "orange", "pear", "sweet_pepper"),
    "household_electrical_devices": ("clock", "keyboard", "lamp", "telephone", "television"),
    "household_furniture": ("bed", "chair", "couch", "table", "wardrobe"),
    "insects": ("bee", "beetle", "butterfly", "caterpillar", "cockroach"),
    "large_carnivores": ("bear", "leopard", "lion", "tiger", "wolf"),
    "large_man-made_outdoor_things": ("bridge", "castle", "house", "road", "skyscraper"),
    "large_natural_outdoor_scenes": ("cloud", "forest", "mountain", "plain", "sea"),
    "large_omnivores_and_herbivores": ("camel", "cattle", "chimpanzee", "elephant", "kangaroo"),
    "medium_mammals": ("fox", "porcupine", "possum", "raccoon", "skunk"),
    "non-insect_invertebrates": ("crab", "lobster", "snail", "spider", "worm"),
    "people": ("baby", "boy", "girl", "man", "woman"),
    "reptiles": ("crocodile", "dinosaur", "lizard", "snake", "turtle"),
    "small_mammals": ("hamster", "mouse", "rabbit", "shrew", "squirrel"),
    "trees": ("maple_tree", "oak_tree", "palm_tree", "pine_tree", "willow_tree"),
    "vehicles_1": ("bicycle", "bus", "motorcycle", "pickup_truck", "train"),
    "vehicles_2": ("lawn_mower", "rocket", "streetcar", "tank", "tractor"),
}
MISSPELT = {"cra": "crab"}  # in a much used public copy
FINE = tuple(sorted(name for group in CIFAR100.values() for name in group))  # in the order of CIFAR-100's ids


class Superclass(ClassConditional):
    """Each class becomes the next one of its own superclass, cyclically in the order of class ids, with probability r.

    What papers describe as asymmetric noise of CIFAR-100 (Patrini et al., 2017, arXiv:1609.03683); most released code has
    ``block5`` instead. ``groups``: ``cifar100``, or a mapping from superclasses to class names of your own. Classes
    that are named by mere numbers are taken for CIFAR-100's ids.
    """

    problems = frozenset({"multiclass"})
    names = FINE

    def __init__(self, rate: float = 0.2, groups: str | dict[str, list[str]] = "cifar100") -> None:
        super().__init__(rate)
        if isinstance(groups, str) and groups != "cifar100":
            raise ConfigError(f"noise.groups={groups!r} is unknown: {choices(groups, ['cifar100'])}, or a mapping from superclasses to lists of class names")
        self.groups: Mapping[str, Sequence[str]] = CIFAR100 if isinstance(groups, str) else groups

    def transition(self, labels: Labels) -> np.ndarray:
        """The identity minus r on the diagonal, plus r at the next class of the superclass."""
        numbered = labels.names == tuple(map(str, range(len(FINE)))) and self.groups is CIFAR100
        names = FINE if numbered else tuple(_spelt(name) for name in labels.names)
        matrix = np.eye(labels.num_classes)
        for members in self.groups.values():
            unknown = [name for name in members if _spelt(name) not in names]
            if unknown:
                raise ConfigError(f"noise.groups names class {unknown[0]!r}, which the task does not have: give noise.groups={{superclass: [class, ...]}}")
            ids = sorted(names.index(_spelt(name)) for name in members)
            for here, following in zip(ids, ids[1:] + ids[:1], strict=True):
                matrix[here, here] -= self.rate
                matrix[here, following] += self.rate
        return matrix


def _spelt(name: str) -> str:
    plain = str(name).replace(" ", "_")
    return MISSPELT.get(plain, plain)
