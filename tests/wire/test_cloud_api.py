"""The door of Tencent Cloud's API: its envelope, its refusals, and which service is meant."""

import json
from typing import Any

import aiohttp

SIGNED = "TC3-HMAC-SHA256 Credential=sid/2023-11-14/{}/tc3_request, SignedHeaders=host, Signature=x"


async def ask(session: aiohttp.ClientSession, url: str, raw: bytes, **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with session.post(f"{url}/", data=raw, headers=named) as answer:
        assert answer.status == 200
        return json.loads(await answer.read())["Response"]


async def test_answers_and_refusals_have_the_apis_envelope(start_project):
    table = [
        # what is asked, and the code of the refusal
        ({"X_TC_Action": "DescribeEnvs"}, b"{}", None),
        ({"X_TC_Action": "DescribeEnvs"}, b"", None),
        ({"X_TC_Action": "ListTables", "Authorization": SIGNED.format("flexdb")}, b"{}", None),
        (
            {"X_TC_Action": "ListFunctions", "X_Forwarded_Host": "scf.tencentcloudapi.com"},
            b"",
            None,
        ),
        ({"X_TC_Action": "Invoke", "Authorization": SIGNED.format("tcb")}, b"{}", "Unsupported"),
        ({"X_TC_Action": "DescribeVpcs", "Authorization": SIGNED.format("vpc")}, b"{}", "Unsup"),
        ({"X_TC_Action": "ListTables"}, b'{"MgoOffset": -1}', "InvalidParameterValue"),
        ({"X_TC_Action": "DescribeTable"}, b'{"TableName": "none"}', "ResourceNotFound"),
        ({"X_TC_Action": "DescribeTable"}, b"{}", "InvalidParameterValue"),
        ({"X_TC_Action": "DescribeTable"}, b"[1]", "InvalidParameter"),
        ({"X_TC_Action": "DescribeTable"}, b"{", "InvalidParameter"),
        ({}, b"{}", "InvalidParameter"),
        ({"X_TC_Action": "DescribeEnvs", "Origin": "http://evil.example"}, b"{}", "FailedOper"),
    ]
    async with start_project({".emulator.toml": ""}) as running, aiohttp.ClientSession() as session:
        for headers, raw, code in table:
            told = await ask(session, running.url, raw, **headers)
            assert told["RequestId"]
            said = told.get("Error", {"Code": None, "Message": "-"})
            assert (said["Code"] or "None").startswith(code or "None"), (headers, told)
            assert said["Message"]


async def test_strict_project_wants_signatures(start_project):
    files = {".emulator.toml": "[emulator]\nstrict = true\n"}
    async with start_project(files) as running, aiohttp.ClientSession() as session:
        told = await ask(session, running.url, b"{}", X_TC_Action="DescribeEnvs")
        assert told["Error"]["Code"] == "AuthFailure.SignatureFailure"
        key = {"Authorization": "q-sign-algorithm=sha1&q-ak=sid"}
        bucket = f"{running.url}/_cos/6465-demo-env-1250000000/"
        async with session.get(bucket, headers=key) as answer:
            assert answer.status == 403
