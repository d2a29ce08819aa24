"""The Python twin of wx-server-sdk: what user code imports as `cloud`."""
