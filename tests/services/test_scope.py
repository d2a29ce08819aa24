"""What the names in requests may mean: lenient with one notice each, or refused."""

import pytest

from emulator.core.errors import InvalidEnv, QualifierNotFound
from emulator.services.scope import NAMES_MAX, Scope


def make(*, strict: bool) -> tuple[Scope, list[tuple[str, str]]]:
    told: list[tuple[str, str]] = []
    return Scope("demo-env", strict=strict, tell=lambda *said: told.append(said)), told


@pytest.mark.parametrize("strict", [False, True])
def test_what_is_here_and_no_name_at_all_pass_silently(strict: bool):
    scope, told = make(strict=strict)
    for name in ("", "demo-env"):
        scope.require_env(name)
    for qualifier in ("", "$LATEST", "$DEFAULT"):
        scope.require_version(qualifier)
    assert told == []


def test_other_names_are_told_once_each():
    scope, told = make(strict=False)
    for name in ("prod-1", "prod-1", "prod-2"):
        scope.require_env(name)
        scope.require_version(name)
    assert [event for event, _ in told] == ["other_name"] * 4
    assert "prod-1" in told[0][1]
    assert "demo-env" in told[0][1]


def test_notices_have_a_bound():
    scope, told = make(strict=False)
    for number in range(NAMES_MAX + 5):
        scope.require_env(f"env-{number}")
    assert len(told) == NAMES_MAX


def test_a_strict_project_refuses_with_the_cloud_s_code():
    scope, told = make(strict=True)
    with pytest.raises(InvalidEnv, match=r"^\[100003\] Param Invalid: env check .* not prod-1$"):
        scope.require_env("prod-1")
    with pytest.raises(QualifierNotFound) as caught:
        scope.require_version("3")
    assert caught.value.code == "FUNCTION_QUALIFIER_NOT_FOUND"
    assert told == []


def test_a_long_name_is_cut():
    scope, _ = make(strict=True)
    with pytest.raises(InvalidEnv) as caught:
        scope.require_env("x" * 10_000)
    assert len(str(caught.value)) < 400
