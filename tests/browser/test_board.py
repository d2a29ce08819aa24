"""The order board of this repository, as a room of people sees it: pages, phones and the night."""

import json
import struct
import zlib
from collections.abc import AsyncIterator
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest
import pytest_asyncio

from tests.conftest import (
    ROOT,
    SuiteProcess,
    _drain,
    own_address,
    start_process,
    stop_process_drained,
)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(120),
    pytest.mark.asyncio(loop_scope="session"),
]
PHONE = {"width": 390, "height": 844}


@pytest.fixture
def board():
    """The board in a suite of its own, fresh for each test."""
    running = start_process(ROOT, "--ephemeral")
    drained = _drain(running)
    yield running
    stop_process_drained(running, drained)


@pytest_asyncio.fixture(loop_scope="session")
async def second(browser) -> AsyncIterator:
    """Somebody else's browser."""
    context = await browser.new_context()
    yield await context.new_page()
    await context.close()


async def opened(page, board: SuiteProcess, query: str = "") -> None:
    await page.goto(f"{board.site_url}/{query or '?lang=en'}")
    await page.wait_for_selector("[data-order]")


async def place(page, name: str, *products: str) -> str:
    """Order one of each and return the number of the order."""
    await page.locator("#guest").fill(name)
    for product in products:
        await page.locator(f'[data-focus="{product} more"]').click()
    await page.locator("#send").click()
    card = page.locator(".ticket.mine").first
    await card.wait_for()
    return await card.get_attribute("data-order")


def picture(color: tuple[int, int, int]) -> bytes:
    """Return a PNG of one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checked = kind + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    header = struct.pack(">IIBBBBB", 64, 40, 8, 2, 0, 0, 0)
    pixels = zlib.compress((b"\0" + bytes(color) * 64) * 40)
    head = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    return head + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def told(board: SuiteProcess, path: str, body: object = None) -> object:
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(f"{board.url}{path}", data=data), timeout=30) as answer:
        return json.load(answer)


async def test_an_order_is_seen_by_everyone_and_goes_its_way(board, page, second):
    await opened(page, board)
    await opened(second, board)
    assert await second.locator('[data-figure="stock"] b').inner_text() == "131"
    number = await place(page, "Grace", "mango", "egg-tart")
    theirs = second.locator(f'[data-lane="processing"] [data-order="{number}"]')
    await theirs.wait_for()
    assert "Grace" in await theirs.inner_text()
    assert "yours" not in await theirs.inner_text()
    # The trigger took it off stock, in a transaction.
    await second.get_by_text("15 left", exact=True).wait_for()
    await second.get_by_text("2 left", exact=True).wait_for()
    await second.get_by_text(f"{number}: the trigger onOrderCreate took 2 off stock").wait_for()
    # Anybody may carry it on, by a function.
    await theirs.locator(".step").click()
    await page.locator(f'[data-lane="ready"] [data-order="{number}"] .step').click()
    await second.locator(f'[data-lane="served"] [data-order="{number}"]').wait_for()
    stored = {each["_id"]: each["status"] for each in told(board, "/_emu/collections/orders")}
    assert stored[number] == "served"


async def test_what_is_short_sends_the_order_back(board, page, second):
    await opened(page, board)
    await opened(second, board)
    for _ in range(3):
        await page.locator('[data-focus="egg-tart more"]').click()
    await place(second, "Quick", "egg-tart")
    # What somebody else bought leaves the cart; an order that was quicker than the news comes back.
    await page.wait_for_function(
        "() => document.querySelector('[data-product=egg-tart] output').textContent === '2'"
    )
    number = "ZZZZZZ"
    await page.evaluate(
        """async (id) => {
          const { cloud } = await import('/_emu/sdk/wx-cloud.js')
          const items = [{ productId: 'egg-tart', name: 'Egg tart', price: 12, quantity: 3 }]
          const data = { _id: id, name: 'Slow', items, amount: 36, status: 'new' }
          const db = cloud.database()
          await db.collection('orders').add({ data: { ...data, createTime: db.serverDate() } })
        }""",
        number,
    )
    back = second.locator(f'[data-order="{number}"].rejected')
    await back.wait_for()
    assert "2 left of Egg tart" in await back.inner_text()
    left = {each["_id"]: each["stock"] for each in told(board, "/_emu/collections/products")}
    assert left["egg-tart"] == 2


async def test_a_picture_goes_up_and_is_seen_by_the_others(board, page, second):
    await opened(page, board)
    await opened(second, board)
    file = {"name": "cup.png", "mimeType": "image/png", "buffer": picture((200, 40, 40))}
    await page.locator("#picture").set_input_files(file)
    number = await place(page, "Ada", "bun")
    photo = second.locator(f'[data-order="{number}"] img.photo')
    await photo.wait_for()
    await second.wait_for_function(
        "(id) => document.querySelector(`[data-order='${id}'] img`).naturalWidth === 64",
        arg=number,
    )
    (file_,) = told(board, "/_emu/storage?prefix=board/")
    assert file_["path"].endswith(f"/{number}.jpg")
    await photo.click()
    assert await second.locator("#viewer img").is_visible()


async def test_the_night_writes_its_report_when_the_clock_is_turned(board, page):
    await opened(page, board)
    nights = page.locator("[data-report]")
    await nights.nth(6).wait_for()
    assert await nights.count() == 7
    number = await place(page, "Lin", "jasmine", "flat-white")
    await page.locator(f'[data-lane="processing"] [data-order="{number}"]').wait_for()
    told(board, "/_emu/clock", {"advance": "1d"})
    await page.get_by_text("Midnight: dailyTasks reports").wait_for()
    assert await nights.count() == 8
    newest = max(told(board, "/_emu/collections/reports"), key=lambda each: str(each["createdAt"]))
    assert (newest["orderCount"], newest["totalSales"]) == (1, 46)
    assert await page.locator('[data-figure="takings"] b').inner_text() == "¥0"


async def test_rules_keep_guests_from_what_only_functions_may_do(board, page):
    await opened(page, board)
    refused = await page.evaluate(
        """async () => {
          const { cloud } = await import('/_emu/sdk/wx-cloud.js')
          const db = cloud.database()
          const orders = db.collection('orders')
          const failed = (promise) => promise.then(() => 'done', (error) => error.errCode)
          const order = { status: 'new', amount: -5, items: [] }
          return [
            await failed(db.collection('products').doc('bun').update({ data: { stock: 0 } })
              .then(({ stats }) => { if (!stats.updated) throw { errCode: 'nothing' } })),
            await failed(orders.doc('H9D6VN').update({ data: { status: 'served' } })),
            await failed(orders.add({ data: order }))
          ]
        }"""
    )
    assert "done" not in refused
    left = {each["_id"]: each["stock"] for each in told(board, "/_emu/collections/products")}
    assert left["bun"] == 40


async def test_a_guest_who_orders_nonsense_spoils_nothing(board, page, second):
    await opened(page, board)
    await opened(second, board)
    await page.evaluate(
        """async () => {
          const { cloud } = await import('/_emu/sdk/wx-cloud.js')
          const orders = cloud.database().collection('orders')
          const createTime = cloud.database().serverDate()
          const odd = [
            { name: { first: 'x' }, items: 'all', amount: 1 },
            { name: '<img src=x onerror=alert(1)>', items: [null, 5, { quantity: 1 }], amount: 2 },
            { items: 7, amount: 3, note: ['a'], picture: 'cloud://nowhere/x.jpg' },
            { amount: 4, createTime: 'yesterday' }
          ]
          for (const data of odd) await orders.add({ data: { status: 'new', createTime, ...data } })
        }"""
    )
    number = await place(second, "Sense", "bun")
    there = page.locator(f'[data-lane="processing"] [data-order="{number}"]')
    await there.wait_for()
    await page.get_by_text("<img src=x").first.wait_for()


async def test_a_phone_shows_everything_without_scrolling_sideways(board, page):
    await page.set_viewport_size(PHONE)
    await opened(page, board, "?lang=zh")
    wide = await page.evaluate("() => document.documentElement.scrollWidth")
    assert wide <= PHONE["width"]
    assert await page.title() == "云上小馆"
    for name in ("light", "dark"):
        await page.emulate_media(color_scheme=name)
        await page.reload()
        await page.wait_for_selector("[data-order]")
        assert await page.evaluate("() => document.documentElement.dataset.theme") == name
    await page.locator("#language").click()
    assert await page.title() == "Cloud Café"
    number = await place(page, "Mei", "matcha")
    await page.locator(f'[data-lane="processing"] [data-order="{number}"]').wait_for()


@pytest.fixture
def open_board():
    """The board for a room, open to the network."""
    own_address()
    running = start_process(ROOT, "--ephemeral", "--host", "0.0.0.0")
    drained = _drain(running)
    yield running
    stop_process_drained(running, drained)


async def test_a_paired_phone_orders_and_the_room_sees_it(open_board, page, second):
    link = open_board.ready["pairing"]["links"][0]
    address = urlsplit(link).hostname
    site = open_board.site_url.replace("127.0.0.1", address)
    await second.set_viewport_size(PHONE)
    refused = await second.goto(site)
    assert refused.status == 401
    await second.get_by_text("This device is not paired").wait_for()
    await opened(page, open_board)
    await second.goto(link)
    await second.wait_for_selector("[data-order]")
    assert second.url == f"{site}/"
    assert await second.evaluate("() => document.cookie") == ""
    file = {"name": "cup.png", "mimeType": "image/png", "buffer": picture((20, 90, 200))}
    await second.locator("#picture").set_input_files(file)
    number = await place(second, "Phone", "matcha")
    await second.locator(f'[data-order="{number}"] img[src^="{site}"]').wait_for()
    there = page.locator(f'[data-lane="processing"] [data-order="{number}"]')
    await there.wait_for()
    await there.locator("img[src]").wait_for()
    await there.locator(".step").click()
    await second.locator(f'[data-lane="ready"] [data-order="{number}"]').wait_for()


async def test_a_paired_page_with_the_redirect_script_asks_as_an_sdk_does(open_board, second):
    link = open_board.ready["pairing"]["links"][0]
    await second.goto(link)
    await second.wait_for_selector("[data-order]")
    await second.add_script_tag(url=f"http://{urlsplit(link).netloc}/_emu/sdk/redirect.js")
    told = await second.evaluate(
        """async () => {
          const address = 'https://demo-env.ap-shanghai.tcb-api.tencentcloudapi.com/web'
          const body = JSON.stringify({ action: 'auth.signInAnonymously' })
          const fetched = await fetch(address, { method: 'POST', body })
          const asked = await fetch(new Request(address, { method: 'POST', body }))
          const xhr = new XMLHttpRequest()
          xhr.open('POST', address)
          await new Promise((done) => { xhr.onloadend = done; xhr.send(body) })
          const socket = new WebSocket('wss://demo-env.ap-shanghai.tcb-ws.tencentcloudapi.com/ws')
          const opened = await new Promise((done) => {
            socket.onopen = () => done('open')
            socket.onerror = () => done('refused')
          })
          socket.close()
          return [fetched.status, asked.status, xhr.status, opened]
        }"""
    )
    assert told == [200, 200, 200, "open"]


async def test_a_suite_that_is_reset_says_how_to_load_the_data_again(board, page):
    await opened(page, board)
    told(board, "/_emu/reset", {})
    told(board, "/_emu/seed", {"collections": {"products": [], "orders": [], "reports": []}})
    await page.reload()
    await page.get_by_text("cloud-emu seed functions_examples/_seed").wait_for()
