import json

import pytest
from aiohttp import ClientSession


@pytest.fixture
async def site(cloud_suite):
    await cloud_suite.seed({"users": []})
    async with ClientSession(cloud_suite.site_url) as session:
        yield session


async def test_a_user_that_was_posted_can_be_got(site, cloud_suite):
    body = {"name": "安娜", "email": "anna@example.com"}
    async with site.post("/api/users", json=body) as answer:
        assert answer.status == 201
        created = await answer.json()
    async with site.get("/api/users") as answer:
        assert answer.status == 200
        assert answer.content_type == "application/json"
        (found,) = await answer.json()
    assert found["_id"] == created["id"]
    assert (found["name"], found["email"]) == ("安娜", "anna@example.com")
    (stored,) = await cloud_suite.documents("users")
    assert "$date" in stored["createdAt"]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (json.dumps({"name": "Anna"}), "Name and email are required"),
        ("", "Name and email are required"),
        ("{", "The body must be a JSON object"),
        ("[]", "The body must be a JSON object"),
    ],
)
async def test_a_body_that_is_no_user_is_refused(site, body, error):
    async with site.post("/api/users", data=body) as answer:
        assert answer.status == 400
        assert await answer.json() == {"error": error}


async def test_any_other_path_is_not_found(site):
    async with site.get("/api/orders") as answer:
        assert answer.status == 404
        assert await answer.json() == {"error": "Not found"}
