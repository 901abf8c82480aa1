"""Every method says how close it is to its authors' released code, and no claim is made that another one contradicts."""

from __future__ import annotations

import re

import pytest

from benchmark.commands.documents import fidelity_table
from benchmark.config.build import build, option
from benchmark.config.declarations import declared
from benchmark.config.registry import names
from benchmark.methods.base import AFTER, FOLLOWS, Method

METHODS = names("method")


def made(name: str) -> Method:
    method: Method = build(option("method", name), "method")
    return method


@pytest.mark.parametrize("name", METHODS)
def test_a_method_says_what_it_follows_in_four_lines_of_its_own(name: str) -> None:
    kind = type(made(name))
    if "follows" not in vars(kind):  # a new method may say nothing yet, but what a base class follows is no statement about it
        assert kind.follows == {}, f"{kind.__name__} inherits follows: give it lines of its own, for each of {', '.join(FOLLOWS)}"
        return
    assert tuple(kind.follows) == FOLLOWS
    assert all(line.startswith(AFTER) for line in kind.follows.values())
    assert not any(line in ("as released", "as the paper", "ours, because ") for line in kind.follows.values())  # and how


@pytest.mark.parametrize("name", METHODS)
def test_who_follows_a_release_names_it_and_who_names_it_follows_it(name: str) -> None:
    kind = type(made(name))
    follows = any("as released" in line for line in kind.follows.values())
    assert bool(kind.release) == follows
    if follows:
        assert "release" in vars(kind)
        assert re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{7}", kind.release)


@pytest.mark.parametrize("name", METHODS)
def test_a_rule_of_ours_is_a_difference(name: str) -> None:
    method = made(name)
    if any(line.startswith("ours") for line in method.follows.values()):
        assert method.differs or method.fidelity == "adapted"
    if not method.release:  # what a release does is no business of a method that was compared with a paper
        assert not any("released" in line for line in method.follows.values() if "released=" not in line)


@pytest.mark.parametrize("name", METHODS)
def test_the_lines_can_be_read_without_running_the_code(name: str) -> None:
    target = str(option("method", name)["_target_"])
    kind = type(made(name))
    assert declared(target, "follows") == kind.follows
    assert declared(target, "release") == kind.release


def test_the_table_has_a_line_a_method_and_names_those_with_a_paper_only() -> None:
    some = {name: made(name) for name in ("dividemix", "huber", "elr")}
    lines = fidelity_table(some)
    (divide,) = [line for line in lines if line.startswith("| `dividemix`")]
    cells = [cell.strip() for cell in divide.strip("|").split(" | ")]
    assert cells[1:5] == [some["dividemix"].follows[what] for what in FOLLOWS]
    assert cells[5] == "`LiJunnan1992/DivideMix@d9d3058`"
    assert "| `huber` | as the paper: plain | as the paper: plain | as the paper: plain | as the paper: plain |  |" in lines
    assert lines[-1].endswith(": `huber`.")
