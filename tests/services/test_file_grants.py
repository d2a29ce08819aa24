"""`cloudbase.addPermission` of the guide reaches files as it says."""

import pytest

from emulator.services.access import Access
from emulator.services.permissions import Permissions, PermissionSettings
from tests.services.permitted_world import PEOPLE

GUIDE = {
    "env": "your-env-id",
    "resource": "storage.object",
    "action": "storage.getObject",
    "condition": {"resource.path": ["/images/public/*"]},
    "principal": {"service": ["cloudbase.anonymous"]},
}


def access():
    return Access(Permissions(PermissionSettings(files={"read": False, "write": False})))


def allowed(made, operation, path, who):
    return made.allows_storage(operation, path, PEOPLE[who], lambda: "bob")


def test_the_guides_call_lets_everyone_read_public_images():
    made = access()
    assert not allowed(made, "read", "images/public/a.png", "nobody")
    assert made.permissions.file_grants.add(GUIDE) == 1
    assert allowed(made, "read", "images/public/a.png", "nobody")
    assert not allowed(made, "read", "images/private/a.png", "nobody")
    assert not allowed(made, "write", "images/public/a.png", "alice")
    assert not allowed(made, "delete", "images/public/a.png", "alice")


def test_another_principal_is_whoever_is_signed_in():
    made = access()
    made.permissions.file_grants.add(
        {**GUIDE, "action": ["storage.putObject"], "principal": {"service": "cloudbase.user"}}
    )
    assert allowed(made, "write", "images/public/a.png", "alice")
    assert not allowed(made, "write", "images/public/a.png", "nobody")


@pytest.mark.parametrize(
    "change",
    [
        {"action": "storage.everything"},
        {"action": None},
        {"condition": None},
        {"condition": {"resource.path": 5}},
        {"principal": {}},
        {"principal": "all"},
    ],
    ids=str,
)
def test_what_says_nothing_plain_grants_nothing(change):
    made = access()
    assert made.permissions.file_grants.add({**GUIDE, **change}) == 0
    assert not allowed(made, "read", "images/public/a.png", "alice")


def test_there_is_an_end_to_grants(monkeypatch):
    monkeypatch.setattr("emulator.services.file_grants.GRANTS_MAX", 1)
    made = access()
    made.permissions.file_grants.add(GUIDE)
    made.permissions.file_grants.add({**GUIDE, "condition": {"resource.path": ["/b/*"]}})
    assert not allowed(made, "read", "b/a.png", "alice")
