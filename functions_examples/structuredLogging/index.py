"""Writes its log as one JSON object a line, so that a program can read it."""

import json
import traceback
from datetime import UTC, datetime

from emulator import cloud

cloud.init()
db = cloud.database()


def log(level, message, **data):
    now = datetime.now(UTC).isoformat()
    entry = {"level": level, "timestamp": now, "message": message, **data}
    print(json.dumps(entry, ensure_ascii=False, default=str))


def main(event, context):
    log("info", "Function started", event=event)
    try:
        result = some_operation(event.get("collection", "orders"))
    except cloud.CloudError as error:
        log("error", "Function failed", error=error.message, stack=traceback.format_exc())
        return {"success": False, "error": error.message}
    log("info", "Function completed", result=result)
    return result


def some_operation(collection):
    total = db.collection(collection).count()["total"]
    return {"success": True, "collection": collection, "documents": total}
