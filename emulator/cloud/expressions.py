"""Owns `db.command.aggregate`: expressions for stages, and pipelines to put into `lookup`.

Not here: what they do (`core.aggregate`) and how a pipeline is sent (`aggregate`). The one idea:
an expression is `{"$name": argument}`, so expressions are not listed but their names turned round:
`date_to_string(...)` is `{"$dateToString": ...}`; what does not exist the suite refuses by name.
"""

from collections.abc import Callable
from typing import Any, Final

from emulator.cloud.naming import BothSpellings, camel_case
from emulator.core.values import Value

Expression = dict[str, Value]


def _stage(name: str) -> Callable[["Pipeline", Value], Any]:
    def add(self: "Pipeline", argument: Value) -> Any:
        self.stages.append({name: argument})
        return self

    add.__doc__ = f"Append the stage {name} and return the pipeline."
    return add


class Pipeline(BothSpellings):
    """Stages in order; each call appends one to this very pipeline, as in the JavaScript SDK."""

    __slots__ = ("stages",)

    def __init__(self) -> None:
        self.stages: list[Expression] = []

    add_fields = _stage("$addFields")
    bucket = _stage("$bucket")
    bucket_auto = _stage("$bucketAuto")
    count = _stage("$count")
    geo_near = _stage("$geoNear")
    group = _stage("$group")
    limit = _stage("$limit")
    lookup = _stage("$lookup")
    match = _stage("$match")
    project = _stage("$project")
    replace_root = _stage("$replaceRoot")
    sample = _stage("$sample")
    skip = _stage("$skip")
    sort = _stage("$sort")
    sort_by_count = _stage("$sortByCount")
    unwind = _stage("$unwind")

    def done(self) -> list[Expression]:
        """Return the stages, as `lookup` takes them."""
        return list(self.stages)


class Expressions:
    """The namespace `db.command.aggregate`, usually called `$` or `agg`."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Callable[..., Expression]:
        """Return what builds the expression of that name."""
        if name.startswith("_"):
            raise AttributeError(f"there is no expression {name}")
        operator = _SPELT_OTHERWISE.get(name, f"${camel_case(name)}")

        def build(*arguments: Value, **named: Value) -> Expression:
            if named:
                return {operator: {key.rstrip("_"): value for key, value in named.items()}}
            return {operator: arguments[0] if len(arguments) == 1 else list(arguments)}

        return build

    @staticmethod
    def pipeline() -> Pipeline:
        """Return an empty pipeline for `lookup`."""
        return Pipeline()


_SPELT_OTHERWISE: Final = {
    "neq": "$ne",
    "index_of_cp": "$indexOfCP",
    "str_len_cp": "$strLenCP",
    "substr_cp": "$substrCP",
}
