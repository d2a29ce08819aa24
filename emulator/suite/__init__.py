"""The suite: a configuration in, a running local cloud out."""

from emulator.suite.lifecycle import Suite

__all__ = ["Suite"]
