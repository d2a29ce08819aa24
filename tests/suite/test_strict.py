"""A strict project: whoever comes as administrator shows the key."""

import asyncio
import os
import sys

import aiohttp

STRICT = "[emulator]\nstrict = true\n"
FUNCTION = (
    "from emulator import cloud\ncloud.init()\n"
    "notes = cloud.database().collection('notes')\n"
    "def main(event, context):\n    return notes.add(data={'n': 1})\n"
)
SCRIPT = (
    "from emulator import cloud; cloud.init(); "
    "print(cloud.database().collection('notes').add(data={'n': 2})['_id'])"
)


async def test_functions_and_scripts_have_it_and_strangers_do_not(start_project):
    files = {".emulator.toml": STRICT, "cloudfunctions/note/index.py": FUNCTION}
    async with start_project(files) as running:
        await running.seed({"notes": []})
        assert (await running.invoke("note"))["_id"]
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", SCRIPT),
            env={**os.environ, **running.suite.variables},
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await process.communicate()
        assert (process.returncode, bool(out)) == (0, True)
        body = {"action": "database.getDocument", "collectionName": "notes"}
        async with (
            aiohttp.ClientSession() as http,
            http.post(f"{running.url}/admin", json=body) as told,
        ):
            assert (await told.json())["code"] == "SIGN_PARAM_INVALID"
        assert len(await running.documents("notes")) == 2


async def test_functions_that_say_another_environment_in_init_are_refused(start_project):
    code = FUNCTION.replace("init()", "init(env='other')")
    apart = '[functions.apart]\nruntime = "process"\n'
    files = {
        ".emulator.toml": STRICT + apart,
        "cloudfunctions/inline/index.py": code,
        "cloudfunctions/apart/index.py": code,
    }
    async with start_project(files) as running:
        await running.seed({"notes": []})
        for name in ("inline", "apart"):
            failed = await running.call(name)
            assert "env check invalid" in failed["error"]["message"], name
        assert not await running.documents("notes")
