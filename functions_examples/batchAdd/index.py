"""Adds several documents in one call: all of them, or none when one is refused."""

from emulator import cloud

cloud.init()
db = cloud.database()


def main(event, context):
    documents = event.get("data")
    if not isinstance(documents, list) or not documents:
        return {"success": False, "error": "data must be a list of documents"}
    try:
        added = db.collection(event["collection"]).add(data=documents)
    except cloud.CloudError as error:
        return {"success": False, "error": error.message}
    return {"success": True, "ids": added["_ids"], "added": len(added["_ids"])}
