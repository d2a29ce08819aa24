import pytest

from emulator.core.errors import InvalidParam
from emulator.core.values import Date
from emulator.wire.wechat_dates import date_of, utc_ms

NOW_MS = 1_700_000_000_000


@pytest.mark.parametrize(
    ("parts", "ms"),
    [
        ((), NOW_MS),
        ((0,), 0),
        ((-1.7,), -1),
        ((Date(5),), 5),
        (("2019-09-09",), 1_567_987_200_000),
        (("2019",), 1_546_300_800_000),
        (("2019-09",), 1_567_296_000_000),
        (("2019/9/9",), 1_567_987_200_000),
        (("2019-09-09T10:00:00.5Z",), 1_568_023_200_500),
        (("2019-09-09 10:00:00",), 1_568_023_200_000),
        (("2019-09-09T10:00:00+08:00",), 1_567_994_400_000),
        (("2019-09-09T10:00-0130",), 1_568_028_600_000),
        (("Mon Sep 09 2019 18:00:00 GMT+0800 (中国标准时间)",), 1_568_023_200_000),
        (("Mon Sep 09 2019 10:00:00 GMT",), 1_568_023_200_000),
        (("Mon, 09 Sep 2019 10:00:00 GMT",), 1_568_023_200_000),
        ((2019, 8, 9), 1_567_987_200_000),
        ((2019, 8, 9, 10, 0, 0, 500), 1_568_023_200_500),
        ((2019, 0), 1_546_300_800_000),
        ((2018, 12, 1), 1_546_300_800_000),
        ((2019, 0, 0), 1_546_214_400_000),
        ((99, 0), 915_148_800_000),
        ((-1, 0), -62_198_755_200_000),
        ((12_000, 1, 29), 316_521_302_400_000),
    ],
)
def test_arguments_become_the_date_of_javascript(parts: tuple[object, ...], ms: int):
    assert date_of(parts, NOW_MS) == Date(ms)


@pytest.mark.parametrize(
    "parts",
    [
        ("yesterday",),
        ("2019-13-01",),
        ("2019-02-30",),
        ("Mon Sep 09 2019",),
        ("Mon Sept 09 2019 10:00:00",),
        ("Mon Foo 09 2019 10:00:00 GMT",),
        (None,),
        (True,),
        (float("nan"),),
        (8.65e15,),
        (2019, "8"),
        (10**9, 0),
    ],
)
def test_what_is_no_date_is_refused(parts: tuple[object, ...]):
    with pytest.raises(InvalidParam):
        date_of(parts, NOW_MS)


def test_years_repeat_every_four_centuries():
    assert utc_ms(2370, 1, 28) - utc_ms(1970, 1, 28) == 146_097 * 86_400_000
