"""The script that leads pages here: served to any page, and from the installed package."""

import aiohttp

from emulator.wire.redirect import PATH


async def test_any_page_may_load_the_script(start_project):
    async with start_project({".emulator.toml": ""}) as running, aiohttp.ClientSession() as session:
        headers = {"Origin": "http://elsewhere.example"}
        async with session.get(running.url + PATH, headers=headers) as answer:
            text = await answer.text()
            assert answer.status == 200
            assert answer.content_type == "text/javascript"
            assert answer.headers["Access-Control-Allow-Origin"] == headers["Origin"]
            assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "tcb-api" in text
