"""TC3-HMAC-SHA256 of API 3.0 and COS's SHA-1: as manager-node 4.10.6 signs, and what changes it."""

import pytest

from emulator.core.auth_errors import SignatureInvalid
from emulator.services.call_signatures import CallSignatures

KEYS = CallSignatures({"sid": "secret"})
RAW = b'{"EnvId":"demo"}'
HEADERS = {
    "content-type": "application/json",
    "x-tc-timestamp": "1700000000",
    "authorization": (
        "TC3-HMAC-SHA256 Credential=sid/2023-11-14/tcb/tc3_request, "
        "SignedHeaders=content-type;host, "
        "Signature=ded6626ae6bbb7d8df87d0cec9e6ec4ca28c578bb0110026cfa7bb51c5dc7503"
    ),
}
HOSTS = ("tcb.tencentcloudapi.com",)
OBJECT = {
    "host": "b.cos.ap-shanghai.tencentcos.cn",
    "authorization": (
        "q-sign-algorithm=sha1&q-ak=sid&q-sign-time=1;2&q-key-time=1;2&q-header-list=host"
        "&q-url-param-list=prefix&q-signature=0f341cfa7633da925b2d648989f5377a19d9f9d2"
    ),
}
QUERY = {"Prefix": "a b/"}


def test_call_is_let_pass_as_it_was_signed():
    KEYS.require_call(HEADERS, ("other:80", *HOSTS), RAW)


@pytest.mark.parametrize(
    ("headers", "hosts", "raw"),
    [
        ({}, HOSTS, RAW),
        ({**HEADERS, "authorization": "TC3-HMAC-SHA256"}, HOSTS, RAW),
        (
            {**HEADERS, "authorization": HEADERS["authorization"].replace("sid", "other")},
            HOSTS,
            RAW,
        ),
        ({**HEADERS, "authorization": HEADERS["authorization"][:-1] + "x"}, HOSTS, RAW),
        ({**HEADERS, "x-tc-timestamp": "1700000001"}, HOSTS, RAW),
        (HEADERS, ("scf.tencentcloudapi.com",), RAW),
        (HEADERS, HOSTS, RAW + b" "),
    ],
)
def test_call_that_was_not_signed_like_this_is_refused(headers, hosts, raw):
    with pytest.raises(SignatureInvalid):
        KEYS.require_call(headers, hosts, raw)


def test_object_is_let_pass_as_it_was_signed():
    KEYS.require_object("GET", "/", QUERY, OBJECT)


@pytest.mark.parametrize(
    ("method", "path", "query", "headers"),
    [
        ("PUT", "/", QUERY, OBJECT),
        ("GET", "/other", QUERY, OBJECT),
        ("GET", "/", {"prefix": "b"}, OBJECT),
        ("GET", "/", QUERY, {**OBJECT, "host": "c"}),
        ("GET", "/", QUERY, {}),
        ("GET", "/", QUERY, {"authorization": "\ud800"}),
    ],
)
def test_object_that_was_not_signed_like_this_is_refused(method, path, query, headers):
    with pytest.raises(SignatureInvalid):
        KEYS.require_object(method, path, query, headers)
