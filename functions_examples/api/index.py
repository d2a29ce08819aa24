"""Answers HTTP: GET and POST on /api/users, JSON in and out."""

import json

from emulator import cloud

cloud.init()
db = cloud.database()


def main(event, context):
    route = event["httpMethod"], event["path"].removeprefix("/api").rstrip("/")
    if route == ("GET", "/users"):
        return answer(200, db.collection("users").limit(10).get()["data"])
    if route == ("POST", "/users"):
        return create_user(event.get("body"))
    return answer(404, {"error": "Not found"})


def create_user(body):
    try:
        given = json.loads(body or "{}")
        name, email = given.get("name"), given.get("email")
    except (ValueError, AttributeError):
        return answer(400, {"error": "The body must be a JSON object"})
    if not name or not email:
        return answer(400, {"error": "Name and email are required"})
    user = {"name": name, "email": email, "createdAt": db.server_date()}
    return answer(201, {"id": db.collection("users").add(data=user)["_id"]})


def answer(status, data):
    return {
        "statusCode": status,
        "headers": {"Content-Type": "application/json; charset=utf-8"},
        "body": json.dumps(data, ensure_ascii=False, default=str),
    }
