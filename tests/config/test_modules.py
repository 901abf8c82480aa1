"""Modules of the suite read as syntax trees."""

from __future__ import annotations

import ast

import pytest

from benchmark.config.modules import names_of, read_module, resolve, scope_of


def scope(source: str) -> dict[str, tuple[str, str] | None]:
    return scope_of(ast.parse(source).body)


def test_a_scope_has_what_its_statements_bind() -> None:
    assert scope("a = 1\nfor b in ():\n    c: int = 2\nwith x as d:\n    pass") == dict.fromkeys("abcd")
    assert scope("def f(a):\n    b = 1\nclass G:\n    c = 1") == {"f": None, "G": None}  # what stands inside is theirs
    assert scope("try:\n    pass\nexcept E as e:\n    pass\nmatch x:\n    case [a, *b]:\n        pass") == dict.fromkeys("eab")
    assert scope("[(y := x) for x in ()]") == {"y": None}
    assert scope("global a\na, b = 1, 2") == {"b": None}


def test_imports_from_the_suite_have_their_places() -> None:
    assert scope("import numpy as np\nfrom benchmark.core import types as t") == {"np": None, "t": ("benchmark.core", "types")}
    assert scope("import benchmark.core.types\nimport tasks.digits as d") == {"benchmark": ("benchmark", ""), "d": ("tasks.digits", "")}


def test_a_name_leads_through_packages_to_its_definition() -> None:
    assert resolve("benchmark.functional", "gce") == ("benchmark.functional.losses", "gce")
    assert resolve("benchmark.core", "types") == ("benchmark.core.types", "")
    assert names_of("benchmark.core.paths")["ConfigError"] == ("benchmark.core.errors", "ConfigError")
    with pytest.raises(FileNotFoundError, match=r"benchmark\.core\.nothing does not exist"):
        resolve("benchmark.core", "nothing")


def test_what_is_for_the_type_checker_is_not_read() -> None:
    content = read_module("benchmark.review.publishing")
    assert "folded" in content.definitions
    assert "Leaderboard" not in content.imports
