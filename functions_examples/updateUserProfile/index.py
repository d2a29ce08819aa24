"""Lets callers change some fields of their own user document, and no others."""

from emulator import cloud

cloud.init()
db = cloud.database()

EDITABLE = ("nickname", "avatar", "gender")


def main(event, context):
    changes = {name: event[name] for name in EDITABLE if name in event}
    if not changes:
        return {"success": False, "error": f"nothing to change; known are {', '.join(EDITABLE)}"}
    try:
        mine = db.collection("users").where({"_openid": cloud.get_wx_context()["OPENID"]})
        result = mine.update(data={**changes, "updatedAt": db.server_date()})
    except cloud.CloudError as error:
        return {"success": False, "error": error.message}
    if not result["stats"]["updated"]:
        return {"success": False, "error": "User not found"}
    return {"success": True, "updated": result["stats"]["updated"]}
