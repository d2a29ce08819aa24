"""The records of a configuration."""

from dataclasses import FrozenInstanceError, fields, is_dataclass

import pytest

from emulator.config import sections


def test_a_configuration_cannot_be_changed(load):
    config = load()
    with pytest.raises(FrozenInstanceError):
        config.emulator.port = 1
    with pytest.raises(TypeError):
        config.functions.env["A"] = "b"
    with pytest.raises(TypeError):
        config.sources["a"] = "b"


def test_two_configurations_of_one_project_are_equal(load):
    assert load() == load()


def test_every_record_of_a_configuration_is_frozen_and_by_keyword():
    records = [kind for kind in vars(sections).values() if isinstance(kind, type)]
    own = [kind for kind in records if kind.__module__ == sections.__name__ and is_dataclass(kind)]
    assert len(own) >= 9
    assert all(kind.__dataclass_params__.frozen for kind in own)
    assert all(field.kw_only for kind in own for field in fields(kind))
