"""Removes every document that meets the conditions; without conditions it removes nothing."""

from emulator import cloud

cloud.init()
db = cloud.database()


def main(event, context):
    where = event.get("where")
    if not where:
        return {"success": False, "error": "where must say which documents"}
    try:
        result = db.collection(event["collection"]).where(where).remove()
    except cloud.CloudError as error:
        return {"success": False, "error": error.message}
    return {"success": True, "removed": result["stats"]["removed"]}
