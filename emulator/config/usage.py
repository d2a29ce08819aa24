"""Owns the settings of usage: the price list, the amounts that are told, and where they are sent.

Not here: the form of the file (`schema.json`). The one idea: nothing leaves this machine, so the
address of a webhook is one of its own.
"""

from types import MappingProxyType

from emulator.config.layers import TomlFile
from emulator.config.local_addresses import is_here
from emulator.config.sections import UsageSection
from emulator.core.errors import ConfigurationError


def usage_section(file: TomlFile) -> UsageSection:
    """Return the section of a file.

    Raises:
        ConfigurationError: the webhook is not an address of this machine.
    """
    table = file.section("usage")
    webhook = table.get("webhook", "")
    if webhook and not is_here(webhook):
        raise ConfigurationError(
            f'{file.at(("usage", "webhook"))}: usage.webhook: "{webhook}" is not on this machine, '
            "and alerts go nowhere else",
            hint='an address such as "http://127.0.0.1:9000/alerts"',
        )
    return UsageSection(
        plan=table.get("plan", UsageSection().plan),
        alerts=MappingProxyType(dict(table.get("alerts", {}))),
        webhook=webhook,
    )
