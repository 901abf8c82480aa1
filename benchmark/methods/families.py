"""Name the families of methods: what a method does about wrong labels. A method lies in the folder that is its family's slug."""

from __future__ import annotations

FAMILIES: dict[str, str] = {
    "baseline": "Plain training in several forms, to compare with.",
    "robust loss": "A loss that a wrong label pulls on less than it does on cross entropy or the squared error.",
    "loss correction": "The loss is corrected with a transition matrix, known or estimated.",
    "sample selection": "Training leaves out the labels that look wrong.",
    "reweighting": "Labels that look wrong count less.",
    "label refurbishment": "Labels that look wrong are replaced by what the model, a neighbour or a memory believes.",
    "semi-supervised": "Labels that look wrong are dropped, and their inputs are used as unlabelled ones.",
    "regularization": "The network is kept from memorizing.",
    "privileged information": "More is known than noisy labels: who labelled, or which labels are right.",
    "crowds": "The answers of several people to one example are modelled together.",
}


def slug(family: str) -> str:
    """Return the folder of a family.

    >>> slug("semi-supervised")
    'semi_supervised'
    """
    return family.replace("-", "_").replace(" ", "_")
