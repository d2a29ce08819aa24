"""Owns the whole numbers that a trigger's configuration may give.

Not here: what they are for (each trigger kind).
"""

from emulator.core.errors import ConfigurationError
from emulator.functions.base import TRIGGER_RETRIES_DEFAULT, TRIGGER_RETRIES_MAX, TriggerConfig


def whole_number(trigger: TriggerConfig, name: str, default: int, allowed: range) -> int:
    """Return a number of the configuration.

    Raises:
        ConfigurationError: it is no whole number of the range.
    """
    config = trigger.config
    value = config.get(name, default) if isinstance(config, dict) else default
    if isinstance(value, bool) or not isinstance(value, int) or value not in allowed:
        raise ConfigurationError(
            f"{trigger.kind} trigger {trigger.name}: {name} is {value!r:.40}",
            hint=f"{name} is a whole number from {allowed[0]} to {allowed[-1]}",
        )
    return value


def retries_of(trigger: TriggerConfig) -> int:
    """Return how often a call that fails is made again; raises ConfigurationError."""
    return whole_number(trigger, "retries", TRIGGER_RETRIES_DEFAULT, range(TRIGGER_RETRIES_MAX + 1))
