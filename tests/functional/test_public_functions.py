"""Every public function of the shared mathematics is named in the test file of its module, or has an example."""

from __future__ import annotations

import re

from benchmark import functional
from benchmark.core.paths import ROOT


def test_every_public_function_is_covered() -> None:
    missing = []
    for name in functional.__all__:
        function = getattr(functional, name)
        file = ROOT / "tests" / "functional" / f"test_{function.__module__.rpartition('.')[2]}.py"
        tested = file.exists() and re.search(rf"\b{name}\b", file.read_text(encoding="utf8"))
        if not tested and ">>>" not in function.__doc__ and not isinstance(function, type):
            missing.append(f"{name} ({file.relative_to(ROOT)})")
    assert not missing
