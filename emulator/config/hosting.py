"""Owns the `[hosting]` table as the rules of a site, and the website of a `cloudbaserc.json`.

Not here: what the rules do (`services.hosting`) and where the folder lies (`config.load`).
"""

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from emulator.core.errors import ConfigurationError
from emulator.services.hosting import (
    INDEX_DEFAULT,
    NOT_FOUND,
    CacheRule,
    Redirect,
    Rewrite,
    SiteRules,
    Visitors,
)

WEBSITE_PLUGIN: Final = "framework-plugin-website"
WEBSITE_FOLDER_DEFAULT: Final = "dist"

Fault = Callable[[tuple[str | int, ...], str], ConfigurationError]
"""Makes the error for a place in `.emulator.toml`."""


def site_rules(table: Mapping[str, Any], fault: Fault) -> SiteRules:
    """Return the rules that the table of a checked `.emulator.toml` stands for.

    Raises:
        ConfigurationError: an address is none, or a redirect has not one reason.
    """
    return SiteRules(
        index=table.get("index", INDEX_DEFAULT),
        error=_key(table["error"]) if "error" in table else None,
        error_status=table.get("error_status", NOT_FOUND),
        spa=table.get("spa", False),
        redirects=tuple(_redirects(table.get("redirects", ()), fault)),
        cache=tuple(
            CacheRule(match=_key(rule["match"]), max_age_s=rule["max_age_s"])
            for rule in table.get("cache", ())
        ),
        rewrites=tuple(
            Rewrite(prefix=rule["prefix"], function=rule["function"])
            for rule in table.get("rewrites", ())
        ),
        visitors=Visitors(
            allow_referers=tuple(table.get("allow_referers", ())),
            deny_referers=tuple(table.get("deny_referers", ())),
            without_referer=table.get("without_referer", True),
            allow_addresses=_addresses(table, "allow_addresses", fault),
            deny_addresses=_addresses(table, "deny_addresses", fault),
        ),
    )


def site_prefix(path: str) -> str:
    """Return the place of a folder on the site: "" or a path that ends in a slash."""
    inner = path.replace("\\", "/").strip("/")
    return f"{inner}/" if inner and inner != "." else ""


def website_of(data: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return folder and place of the website that a `cloudbaserc.json` deploys, None without."""
    framework = data.get("framework")
    plugins = framework.get("plugins") if isinstance(framework, dict) else None
    for plugin in plugins.values() if isinstance(plugins, dict) else ():
        if not isinstance(plugin, dict) or not str(plugin.get("use", "")).endswith(WEBSITE_PLUGIN):
            continue
        inputs = plugin.get("inputs")
        inputs = inputs if isinstance(inputs, dict) else {}
        folder = inputs.get("outputPath") or WEBSITE_FOLDER_DEFAULT
        place = inputs.get("cloudPath") or ""
        if isinstance(folder, str) and isinstance(place, str):
            return folder, place
    return None


def _redirects(rules: Sequence[Mapping[str, Any]], fault: Fault) -> list[Redirect]:
    redirects = []
    for index, rule in enumerate(rules):
        if ("prefix" in rule) == ("error_code" in rule):
            raise fault(
                ("hosting", "redirects", index),
                "a redirect is for a prefix or for an error_code, one of the two",
            )
        redirects.append(
            Redirect(
                prefix=_key(rule["prefix"]) if "prefix" in rule else None,
                error_code=rule.get("error_code"),
                replacement=_key(rule["replace"]),
            )
        )
    return redirects


def _addresses(table: Mapping[str, Any], name: str, fault: Fault) -> tuple[str, ...]:
    given = tuple(table.get(name, ()))
    for index, address in enumerate(given):
        try:
            ipaddress.ip_network(address, strict=False)
        except ValueError as error:
            raise fault(
                ("hosting", name, index), f'"{address}" is no address or network'
            ) from error
    return given


def _key(path: str) -> str:
    """Return a path as the site's files have it, without the slash people begin with."""
    return path.removeprefix("/")
