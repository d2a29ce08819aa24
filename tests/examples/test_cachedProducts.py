PRODUCTS = [
    {"_id": "p1", "category": "books", "name": "A"},
    {"_id": "p2", "category": "toys", "name": "B"},
]


async def test_the_second_call_is_answered_out_of_memory(cloud_suite):
    await cloud_suite.seed({"products": PRODUCTS})
    first = await cloud_suite.invoke("cachedProducts", {"category": "books"})
    assert first == {"source": "database", "data": PRODUCTS[:1]}
    await cloud_suite.seed({"products": [{"_id": "p3", "category": "books"}]})
    second = await cloud_suite.call("cachedProducts", {"category": "books"})
    assert second["result"] == {"source": "cache", "data": PRODUCTS[:1]}
    assert any("Cache hit for books" in each["line"] for each in second["logs"])


async def test_every_category_is_kept_for_itself(cloud_suite):
    await cloud_suite.seed({"products": PRODUCTS})
    toys = await cloud_suite.invoke("cachedProducts", {"category": "toys"})
    everything = await cloud_suite.invoke("cachedProducts")
    assert toys == {"source": "database", "data": PRODUCTS[1:]}
    assert everything == {"source": "database", "data": PRODUCTS}


async def test_a_failure_is_not_kept(cloud_suite):
    assert not (await cloud_suite.invoke("cachedProducts"))["success"]
    await cloud_suite.seed({"products": PRODUCTS})
    assert (await cloud_suite.invoke("cachedProducts"))["source"] == "database"
