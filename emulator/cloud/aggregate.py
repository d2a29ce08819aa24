"""Owns `collection.aggregate()...end()`: a pipeline that knows its collection.

Not here: the stages themselves (`expressions`).
"""

from typing import Any, Final

from emulator.cloud.calls import Request, answering
from emulator.cloud.conditions import encode_stage
from emulator.cloud.encode import decode_documents, passed
from emulator.cloud.expressions import Pipeline
from emulator.core.commands import Aggregate, Found

_END: Final = "collection.aggregate"


class Aggregation(Pipeline):
    """The pipeline of one collection."""

    __slots__ = ("_collection",)

    def __init__(self, collection: str) -> None:
        super().__init__()
        self._collection = collection

    @answering(_END)
    def end(self) -> Request:
        """Run the pipeline: `{"list": [...], "errMsg"}`."""
        stages = tuple(passed(_END, "stage", encode_stage, stage) for stage in self.stages)
        return Request(Aggregate(collection=self._collection, pipeline=stages), _read_list)


def _read_list(found: Found) -> dict[str, Any]:
    return {"list": decode_documents(found.documents), "errMsg": f"{_END}:ok"}
