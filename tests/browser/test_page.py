"""What pages do wrong is noticed: errors, messages to the console, requests to the internet."""

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest.mark.parametrize(
    ("done", "fault"),
    [
        ("setTimeout(() => { throw new Error('mine') })", "page: mine"),
        ("console.error('mine')", "console: mine"),
        ("fetch('https://far.example/x').catch(() => 0)", "request to https://far.example/x"),
    ],
)
async def test_a_fault_of_a_page_is_noticed(page, done: str, fault: str):
    await page.set_content("<!doctype html><p>a page")
    await page.evaluate(f"() => {{ {done} }}")
    await page.evaluate("() => new Promise((resolve) => setTimeout(resolve))")
    assert page.faults == [fault]
    page.faults.clear()
