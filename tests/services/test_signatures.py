"""TC3-HMAC-SHA256, and SHA-1 in the body: what is signed, and what changes a signature."""

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


# Made by tcb-admin-node 1.23.0 with secret "sid", key "skey" at 1700000000.
IN_BODY = (
    "q-sign-algorithm=sha1&"
    "q-ak=sid&"
    "q-sign-time=1699999999;1700000899&"
    "q-key-time=1699999999;1700000899&"
    "q-header-list=user-agent;x-tcb-source&"
    "q-url-param-list=action;eventid;flag;n;nil;o;text&"
    "q-signature=c2cb46f8219b68bbe8a8e466bedc782711edaa48"
)
OLD_REQUEST = Request(
    method="POST",
    address="//127.0.0.1:8270/e/other/admin",
    query="&eventId=1_2",
    headers={"user-agent": "tcb-admin-sdk/1.23.0", "x-tcb-source": ",scf", "host": "any"},
    body={
        "action": "a.b",
        "eventId": "1_2",
        "n": 7,
        "o": {"x": [1, None, "é"], "e": {}},
        "nil": None,
        "text": " 中 !'()*~",
        "flag": False,
        "authorization": IN_BODY,
        "unsigned": 1,
    },
)


def test_what_tcb_admin_node_signs_in_the_body_is_accepted(signatures):
    signatures.require(OLD_REQUEST)


@pytest.mark.parametrize(
    "changes",
    [
        {"n": 8},
        {"text": "other"},
        {"o": {}},
        {"authorization": ""},
        {"authorization": "q-ak"},
        {"authorization": 7},
        {"authorization": IN_BODY.replace("q-ak=sid", "q-ak=x")},
        {"authorization": IN_BODY.replace("q-key-time=1", "q-key-time=2")},
        {"authorization": IN_BODY[:-1] + "é"},
    ],
)
def test_any_other_body_is_refused(signatures, changes):
    with pytest.raises(SignatureInvalid):
        signatures.require(replace(OLD_REQUEST, body={**OLD_REQUEST.body, **changes}))
    with pytest.raises(SignatureInvalid):
        Signatures({"sid": "another"}).require(OLD_REQUEST)
