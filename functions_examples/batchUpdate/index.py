"""Merges data into every document that meets the conditions, which a client may not do."""

from emulator import cloud

cloud.init()
db = cloud.database()


async def main(event, context):
    where = event.get("where")
    if not where:
        return {"success": False, "error": "where must say which documents"}
    try:
        result = await db.collection(event["collection"]).where(where).update(data=event["data"])
    except cloud.CloudError as error:
        return {"success": False, "error": error.message}
    return {"success": True, "updated": result["stats"]["updated"]}
