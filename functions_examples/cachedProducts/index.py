"""Keeps what it found in memory for a minute; module state lives as long as the warm instance."""

import time

from emulator import cloud

cloud.init()
db = cloud.database()

CACHE_SECONDS = 60
cache = {}


def main(event, context):
    category = event.get("category")
    products, kept_until = cache.get(category, (None, 0))
    if time.monotonic() < kept_until:
        print(f"Cache hit for {category}")
        return {"source": "cache", "data": products}
    try:
        query = {"category": category} if category else {}
        products = db.collection("products").where(query).limit(20).get()["data"]
    except cloud.CloudError as error:
        return {"success": False, "error": error.message}
    cache[category] = products, time.monotonic() + CACHE_SECONDS
    return {"source": "database", "data": products}
