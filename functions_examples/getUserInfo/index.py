"""Returns the caller's own user document, and creates it at the first call.

The `createdAt` of a new user comes back as the marker of `server_date()`: the database fills it in.
"""

from emulator import cloud

cloud.init()
db = cloud.database()


async def main(event, context):
    users = db.collection("users")
    try:
        # A call by another function carries no user; that function has to pass the id on.
        openid = cloud.get_wx_context().get("OPENID") or event.get("openid")
        if not openid:
            return {"success": False, "error": "nobody is signed in"}
        found = await users.where({"_openid": openid}).get()
        if found["data"]:
            return {"success": True, "data": found["data"][0]}
        user = {
            "_openid": openid,
            "createdAt": db.server_date(),
            "points": 0,
            "nickname": event.get("nickname") or "New User",
        }
        added = await users.add(data=user)
    except cloud.CloudError as error:
        return {"success": False, "error": error.message}
    return {"success": True, "data": {**user, "_id": added["_id"]}, "isNew": True}
