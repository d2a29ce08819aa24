"""TC3-HMAC-SHA256: what is signed, and what changes a signature."""

from dataclasses import replace

import pytest

from emulator.core.auth_errors import SignatureInvalid
from emulator.services.signatures import Request, Signatures

# Made by @cloudbase/signature-nodejs 1.0.0 with secret "sid", key "skey" at 1700000000.
SIGNATURE = "0b925049774ab46dfb7e09dfd6bb673f914707b9549f27b067a399ebb8a6fad8"
AUTHORIZATION = (
    "TC3-HMAC-SHA256 Credential=sid/2023-11-14/tcb/tc3_request, SignedParams=action;n;o;text, "
    f"SignedHeaders=content-type;host, Signature={SIGNATURE}"
)
REQUEST = Request(
    method="POST",
    address="//127.0.0.1:8270/admin",
    query="env=demo-env",
    headers={
        "authorization": AUTHORIZATION,
        "content-type": "application/json",
        "host": "127.0.0.1:8270",
        "x-timestamp": "1700000000",
    },
    body={"action": "a.b", "n": 7, "o": {"x": [1, None, "é"]}, "text": " 中 ", "unsigned": 1},
)


@pytest.fixture
def signatures():
    return Signatures({"sid": "skey"})


def test_the_sdks_own_signature_is_accepted(signatures):
    signatures.require(REQUEST)


@pytest.mark.parametrize(
    "changes",
    [
        {"method": "PUT"},
        {"address": "//127.0.0.1:8270/other"},
        {"query": ""},
        {"body": {**REQUEST.body, "n": 8}},
        {"headers": {**REQUEST.headers, "host": "other"}},
        {"headers": {**REQUEST.headers, "x-timestamp": "1700000001"}},
        {"headers": {**REQUEST.headers, "authorization": ""}},
        {"headers": {**REQUEST.headers, "authorization": "TC3-HMAC-SHA256"}},
        {"headers": {**REQUEST.headers, "authorization": AUTHORIZATION.replace("sid/", "x/")}},
        {"headers": {**REQUEST.headers, "authorization": AUTHORIZATION.replace("tcb/", "cvm/")}},
        {"headers": {**REQUEST.headers, "authorization": AUTHORIZATION[:-1] + "é"}},
    ],
)
def test_anything_else_is_refused(signatures, changes):
    with pytest.raises(SignatureInvalid):
        signatures.require(replace(REQUEST, **changes))


def test_the_key_itself_is_accepted(signatures):
    signatures.require(replace(REQUEST, headers={"authorization": "Bearer skey"}))
    with pytest.raises(SignatureInvalid):
        signatures.require(replace(REQUEST, headers={"authorization": "Bearer another"}))


def test_another_key_signs_otherwise():
    with pytest.raises(SignatureInvalid):
        Signatures({"sid": "another"}).require(REQUEST)
