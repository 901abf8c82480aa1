"""Name the families of noise: what makes labels wrong. Board, advice and papers group by them.

Every generator declares one as ``family``. It says where wrong labels come from, not how a generator is written:
whatever depends on the input is instance-dependent.
"""

from __future__ import annotations

FAMILIES: dict[str, str] = {
    "clean": "No label is changed.",
    "real (people)": "People gave the labels, one by one or several to an example, and some of them were wrong.",
    "distant or labelling functions": "Lists, rules, patterns or an automatic labeler gave the labels instead of people.",
    "language model": "A language model gave the labels.",
    "class-conditional": "Whether a label is wrong, and which one replaces it, depends on the ground-truth class alone.",
    "instance-dependent": "Whether a label is wrong depends on the input or on the target's value.",
    "missing labels": "Labels that hold are absent: an entry says no, or says nothing, where yes is right.",
    "structured multi-label": "Wrong labels of an example depend on each other: on which labels it has, or on how many.",
    "token or span": "Mistakes of tagged text: a token, a border or the type of a span is wrong.",
    "additive": "A number is off by an error that does not depend on the input.",
    "open-set": "Inputs of classes that the task does not have carry one of its labels.",
    "imbalance": "Examples are taken away or repeated, so that some classes or values are rare.",
    "adversarial": "Labels are chosen to mislead a model.",
    "partial labels": "An example comes with a set of labels of which one is right.",
    "mixed (chains)": "One noise on top of another.",
}
