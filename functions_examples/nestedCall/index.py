"""Calls another function, and passes the user on: a nested call carries no OPENID of its own."""

from emulator import cloud

cloud.init()


async def main(event, context):
    openid = cloud.get_wx_context().get("OPENID")
    try:
        answer = await cloud.call_function(
            name="getUserInfo", data={"nickname": event.get("nickname"), "openid": openid}
        )
    except cloud.CloudError as error:
        return {"success": False, "error": error.message}
    return answer["result"]
