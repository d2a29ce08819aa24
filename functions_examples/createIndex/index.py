"""Creates the index that queries for a user's orders of one status, newest first, are served by."""

from emulator import cloud

cloud.init()
db = cloud.database()


def main(event, context):
    try:
        created = db.collection("orders").createIndex(
            {
                "keys": {"userId": 1, "status": 1, "createTime": -1},
                "name": "userId_status_createTime",
            }
        )
    except cloud.CloudError as error:
        return {"success": False, "error": error.message}
    return {"success": True, "name": created["name"]}
