import pytest

from emulator import cloud


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: cloud.openapi.subscribeMessage.send({"touser": "o"}), "subscribeMessage.send"),
        (lambda: cloud.openapi.subscribe_message.send(touser="o"), "subscribeMessage.send"),
        (lambda: cloud.openapi.cloudbase.addPermission({}), "cloudbase.addPermission"),
    ],
)
def test_an_open_api_is_refused_with_the_platform_s_code(call, name):
    with pytest.raises(cloud.CloudError) as caught:
        call()
    error = caught.value
    assert error.errCode == -604100
    assert error.code == "OPENAPI_NOT_FOUND"
    assert error.message.startswith(f"openapi.{name}:fail -604100 API not found. openapi.{name}")


@pytest.mark.parametrize("name", ["cloud_pay", "cloudPay"])
def test_payment_is_refused_the_same_way(name):
    with pytest.raises(cloud.CloudError, match=r"cloudPay.unifiedOrder:fail -604100"):
        getattr(cloud, name).unified_order({})


def test_a_name_has_no_magic_of_its_own():
    with pytest.raises(AttributeError):
        cloud.openapi.__wrapped__  # noqa: B018  # the look-up is the test
