"""Tells callers who they are; the platform knows it, so nobody can claim to be somebody else."""

from emulator import cloud

cloud.init()


def main(event, context):
    caller = cloud.get_wx_context()
    return {
        "openid": caller.get("OPENID"),
        "appid": caller.get("APPID"),
        "unionid": caller.get("UNIONID"),
    }
