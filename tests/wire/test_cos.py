"""Objects of the environment's bucket as COS's SDKs ask for them."""

import re
from typing import Any
from urllib.parse import quote

import aiohttp

PROJECT = {".emulator.toml": ""}
KEY = {"Authorization": "q-sign-algorithm=sha1&q-ak=any"}


async def test_objects_are_put_read_listed_copied_and_deleted(start_project):
    async with start_project(PROJECT) as running, aiohttp.ClientSession(headers=KEY) as session:
        bucket = f"{running.url}/_cos/6465-demo-env-1250000000/"

        async def ask(method: str, what: str = "", **options: Any) -> tuple[int, str]:
            async with session.request(method, bucket + what, **options) as answer:
                return answer.status, await answer.text()

        async def keys(query: str) -> list[str]:
            text = (await ask("GET", f"?{query}"))[1]
            found = re.findall("<(?:Key|Prefix|NextMarker)>([^<]*)</", text)
            return [*found[1:], re.findall("<IsTruncated>(.*)</Is", text)[0]]

        for name in ("a/1.txt", "a/2 b&<.txt", "a/c/3.txt", "d.html"):
            headers = {"x-cos-meta-own": "x", "Content-Type": "text/html"}
            status, _ = await ask("PUT", quote(name), data=name.encode(), headers=headers)
            assert status == 200
        assert await ask("PUT", "empty/", data=b"") == (200, "")
        async with session.get(bucket + "d.html") as answer:
            assert await answer.text() == "d.html"
            assert answer.headers["x-cos-meta-own"] == "x"
            # Whatever it is, a browser must not run it at this port.
            assert answer.headers["Content-Security-Policy"] == "sandbox"
        async with session.head(bucket + "d.html") as answer:
            assert (answer.status, answer.headers["Content-Length"]) == (200, "6")
        everything = ["a/1.txt", "a/2 b&amp;&lt;.txt", "a/c/3.txt", "d.html", "empty/", "false"]
        assert await keys("max-keys=9") == everything
        assert await keys("prefix=a/&delimiter=/") == [*everything[:2], "a/c/", "false"]
        first = await keys("max-keys=2")
        assert first == ["a/2 b&amp;&lt;.txt", *everything[:2], "true"]
        assert await keys("marker=a/c/3.txt") == ["d.html", "empty/", "false"]
        assert await keys("prefix=a/2&encoding-type=url") == ["a/2%20b%26%3C.txt", "false"]
        source = {"x-cos-copy-source": "b.cos.ap-shanghai.myqcloud.com/a/2%20b%26%3C.txt"}
        assert (await ask("PUT", "copy.txt", headers=source))[0] == 200
        assert await ask("GET", "copy.txt") == (200, "a/2 b&<.txt")
        assert (await ask("DELETE", "copy.txt"))[0] == 204
        assert (await ask("DELETE", "copy.txt"))[0] == 204
        gone = "".join(f"<Object><Key>{each}</Key></Object>" for each in everything[:3])
        status, text = await ask("POST", "?delete", data=f"<Delete>{gone}</Delete>")
        assert (status, text.count("<Deleted>")) == (200, 3)
        assert await keys("") == ["d.html", "empty/", "false"]
        table = [
            ("GET", "none", 404, "NoSuchKey"),
            ("GET", "?max-keys=x", 400, "InvalidArgument"),
            ("GET", "?cors", 400, "InvalidArgument"),
            ("PATCH", "d.html", 400, "InvalidArgument"),
            ("POST", "?delete", 400, "InvalidArgument"),
            ("PUT", "a%2F..%2Fb", 400, "InvalidArgument"),
        ]
        for method, what, status, code in table:
            told = await ask(method, what)
            assert (told[0], f"<Code>{code}</Code>" in told[1]) == (status, True), (what, told)
        other = f"{running.url}/_cos/other-1250000000/d.html"
        async with session.get(other) as answer:
            assert answer.status == 404
        for headers in ({"Authorization": ""}, {"Origin": "http://evil.example"}):
            async with session.get(bucket + "d.html", headers=headers) as answer:
                assert answer.status >= 400, headers
