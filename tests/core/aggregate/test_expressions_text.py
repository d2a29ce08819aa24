"""Trimming, replacing and patterns."""

import pytest

from emulator.core.values import Regex

VALUES = [
    ({"$trim": {"input": "  a b \n"}}, "a b"),
    ({"$trim": {"input": "\0 x\u00a0"}}, "x"),
    ({"$ltrim": {"input": "xxaxx", "chars": "x"}}, "axx"),
    ({"$rtrim": {"input": "xxaxx", "chars": "x"}}, "xxa"),
    ({"$trim": {"input": None}}, None),
    ({"$trim": {"input": "a", "chars": None}}, None),
    ({"$replaceOne": {"input": "aXbX", "find": "X", "replacement": "-"}}, "a-bX"),
    ({"$replaceAll": {"input": "aXbX", "find": "X", "replacement": ""}}, "ab"),
    ({"$replaceAll": {"input": "ab", "find": "", "replacement": "-"}}, "-a-b-"),
    ({"$replaceAll": {"input": None, "find": "X", "replacement": ""}}, None),
    ({"$replaceAll": {"input": "a", "find": "$no", "replacement": ""}}, None),
    ({"$regexMatch": {"input": "Hello", "regex": "^h", "options": "i"}}, True),
    ({"$regexMatch": {"input": "Hello", "regex": Regex("^h")}}, False),
    ({"$regexMatch": {"input": None, "regex": "x"}}, False),
    ({"$regexMatch": {"input": "x", "regex": None}}, False),
    ({"$regexMatch": {"input": "HELLO", "regex": Regex("hello", "i"), "options": "$no"}}, True),
    (
        {"$regexFind": {"input": "a1b22", "regex": "[a-z](\\d+)"}},
        {"match": "a1", "idx": 0, "captures": ["1"]},
    ),
    ({"$regexFind": {"input": "abc", "regex": "x"}}, None),
    (
        {"$regexFindAll": {"input": "世1世", "regex": "世"}},
        [{"match": "世", "idx": 0, "captures": []}, {"match": "世", "idx": 2, "captures": []}],
    ),
    (
        {"$regexFindAll": {"input": "ab", "regex": "(x)?b"}},
        [{"match": "b", "idx": 1, "captures": [None]}],
    ),
    (
        {"$regexFindAll": {"input": "ab", "regex": "x*"}},
        [{"match": "", "idx": 0, "captures": []}, {"match": "", "idx": 1, "captures": []}],
    ),
    ({"$regexFindAll": {"input": "$no", "regex": "x"}}, []),
]

REFUSALS = [
    ({"$trim": "x"}, 50696),
    ({"$trim": {"input": "x", "no": 1}}, 50694),
    ({"$trim": {}}, 50695),
    ({"$trim": {"input": 5}}, 50699),
    ({"$trim": {"input": "x", "chars": 5}}, 50700),
    ({"$replaceOne": "x"}, 51751),
    ({"$replaceOne": {"input": "x", "find": "x", "replacement": "x", "no": 1}}, 51750),
    ({"$replaceOne": {"find": "x", "replacement": "x"}}, 51749),
    ({"$replaceOne": {"input": "x", "replacement": "x"}}, 51748),
    ({"$replaceOne": {"input": "x", "find": "x"}}, 51747),
    ({"$replaceOne": {"input": 5, "find": "x", "replacement": "x"}}, 51746),
    ({"$replaceOne": {"input": "x", "find": 5, "replacement": "x"}}, 51745),
    ({"$replaceOne": {"input": "x", "find": "x", "replacement": 5}}, 51744),
    ({"$regexMatch": "x"}, 51103),
    ({"$regexMatch": {"input": "x", "regex": "x", "no": 1}}, 31024),
    ({"$regexMatch": {"regex": "x"}}, 31022),
    ({"$regexMatch": {"input": "x"}}, 31023),
    ({"$regexMatch": {"input": 5, "regex": "x"}}, 51104),
    ({"$regexMatch": {"input": "x", "regex": 5}}, 51105),
    ({"$regexMatch": {"input": "x", "regex": "x", "options": 5}}, 51106),
    ({"$regexMatch": {"input": "x", "regex": Regex("x", "i"), "options": "i"}}, 51107),
    ({"$regexFind": {"input": "x" * 5000, "regex": "(a+)+$"}}, 51091),
]


@pytest.mark.parametrize(("expression", "expected"), VALUES, ids=repr)
def test_a_text_operator(require, expression, expected):
    require(expression, expected)


@pytest.mark.parametrize(("expression", "code"), REFUSALS, ids=lambda value: repr(value)[:60])
def test_a_wrong_operand_is_refused(refused, expression, code):
    refused(expression, code)


def test_a_text_too_long_for_its_pattern_is_refused(refused):
    text = {"$literal": "a" * 2_000_000}
    refused({"$regexFind": {"input": text, "regex": "a.*b.*c"}}, 50)
