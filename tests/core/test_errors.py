"""Errors that a user can act on."""

from __future__ import annotations

from benchmark.core.errors import Abort, DataError, LaunchError, RowError, UserError, choices


def test_the_nearest_name_is_offered_only_where_one_is_near() -> None:
    valid = ["elr", "gce", "mixup"]
    assert choices("mixupp", valid) == "did you mean 'mixup'? choices: elr, gce, mixup"
    assert choices("zzz", valid) == "choices: elr, gce, mixup"
    assert choices(3, ["b", "a"]) == "choices: a, b"
    assert choices("a", []) == "choices: none"


def test_exit_codes_tell_wrong_input_from_what_the_same_command_goes_on_with() -> None:
    assert {kind: kind.exit_code for kind in (UserError, DataError, RowError, LaunchError)} == {UserError: 2, DataError: 2, RowError: 2, LaunchError: 1}
    assert not issubclass(Abort, Exception)  # Hydra announces those
