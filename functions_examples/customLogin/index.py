"""Signs in by user name and password: a salted hash is compared, a session of a week begins.

Users are kept as `{username, salt, password: sha256(password + salt)}`. What is new to this user's
WeChat account is linked to it.
"""

import hashlib
import hmac
import secrets
from datetime import UTC, datetime, timedelta

from emulator import cloud

cloud.init()
db = cloud.database()

SESSION_DAYS = 7
TOLD = ("_id", "username", "nickname", "role")


def main(event, context):
    username, password = event.get("username"), event.get("password")
    if not username or not password:
        return {"success": False, "error": "Username and password are required"}
    try:
        found = db.collection("users").where({"username": username}).limit(1).get()
        if not found["data"]:
            return {"success": False, "error": "User not found"}
        user = found["data"][0]
        if not hmac.compare_digest(hashed(password, user["salt"]), user["password"]):
            return {"success": False, "error": "Invalid password"}
        return {"success": True, **begin_session(user)}
    except cloud.CloudError as error:
        return {"success": False, "error": error.message}


def hashed(password, salt):
    return hashlib.sha256((password + salt).encode()).hexdigest()


def begin_session(user):
    openid = cloud.get_wx_context().get("OPENID")
    changes = {"lastLogin": db.server_date()}
    if not user.get("openid"):
        changes["openid"] = openid
    db.collection("users").doc(user["_id"]).update(data=changes)

    token = secrets.token_hex(32)
    expires_at = datetime.now(UTC) + timedelta(days=SESSION_DAYS)
    session = {
        "token": token,
        "userId": user["_id"],
        "openid": openid,
        "createdAt": db.server_date(),
        "expiresAt": expires_at,
    }
    db.collection("sessions").add(data=session)
    return {
        "token": token,
        "expiresAt": expires_at,
        "user": {name: user.get(name) for name in TOLD},
    }
