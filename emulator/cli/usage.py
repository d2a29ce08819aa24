"""Owns `cloud-emu usage`: what would be charged for.

Not here: price lists and counting (the suite's).
"""

from pathlib import Path

import click

from emulator.cli.options import project_option
from emulator.cli.output import EXIT_DONE, colored, json_option, say, say_json


@click.command(short_help="Tell what would be charged for.")
@click.option("--plan", default="", metavar="NAME", help="Price list to compare with.")
@project_option
@json_option
def usage(*, plan: str, project: Path, as_json: bool) -> int:
    """Tell reads, writes, calls, GB-seconds and files of this run against a plan's free amounts."""
    from emulator.cli.connect import connect

    told = connect(project).get("/_emu/usage", plan=plan)
    if as_json:
        say_json(told)
        return EXIT_DONE
    say(f"{told['plan']} ({told['dated']}), {told['days']} days of the suite's clock")
    for name, meter in told["meters"].items():
        line = f"{name:<10} {meter['total']:>14,}  {meter['per_day']:>12,} a day"
        if "free" in meter:
            share = f"{meter['share']:.0%} of {meter['free']:,} a {meter['period']}"
            line += "  " + (colored(share, "red") if meter["share"] > 1 else share)
        if "free_for_days" in meter:
            line += f", free for {meter['free_for_days']} days a month"
        say(line)
    return EXIT_DONE
