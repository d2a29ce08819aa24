"""Lets the laws in this folder share their strategies and models, and sets how hard they try.

`--hypothesis-profile=thorough` tries twenty-five times as many examples.
"""

import sys
from pathlib import Path

from hypothesis import HealthCheck, settings

sys.path.insert(0, str(Path(__file__).parent))

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile("laws", max_examples=80, deadline=None, suppress_health_check=SLOW)
settings.register_profile("thorough", max_examples=2_000, deadline=None, suppress_health_check=SLOW)


def pytest_collection_modifyitems(config):
    if not config.getoption("--hypothesis-profile"):
        settings.load_profile("laws")
