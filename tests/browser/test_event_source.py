"""A browser's own EventSource hears what functions send, from their origin and from another."""

import json

import pytest

from emulator.testing import started

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

FILES = {
    "functions/python/index.py": (
        "async def main(event, context):\n"
        "    since = int(event['headers'].get('last-event-id', 0))\n"
        "    sse = context.sse()\n"
        "    await sse.send(retry=20)\n"
        "    for n in range(since + 1, since + 3):\n"
        "        await sse.send(event='news', id=n, data={'n': n, 'text': '中\\n'})\n"
        "    sse.end()\n"
    ),
    "functions/node/index.js": (
        "exports.main = (event, context) => {\n"
        "  const since = Number(event.headers['last-event-id'] || 0)\n"
        "  const sse = context.sse()\n"
        "  sse.send({ retry: 20 })\n"
        "  for (let n = since + 1; n < since + 3; n++) {\n"
        "    sse.send({ event: 'news', id: n, data: { n, text: '中\\n' } })\n"
        "  }\n"
        "  sse.end()\n"
        "}\n"
    ),
}
LISTEN = """(url) => new Promise((resolve, reject) => {
  const heard = []
  const source = new EventSource(url)
  source.addEventListener('news', (event) => {
    heard.push([event.lastEventId, JSON.parse(event.data)])
    if (heard.length === 5) { source.close(); resolve(heard) }
  })
  setTimeout(() => reject(new Error(JSON.stringify(heard))), 20000)
})"""


@pytest.mark.parametrize("function", ["python", "node"])
@pytest.mark.parametrize("origin", ["site", "api"])
async def test_events_are_heard_and_go_on_where_they_were_lost(page, tmp_path, function, origin):
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        trigger = {"name": "h", "type": "http", "config": {"path": f"/{path.parent.name}"}}
        (path.parent / "config.json").write_text(json.dumps({"triggers": [trigger]}))
    async with started(tmp_path) as suite:
        await page.goto(suite.urls[origin] + "/_emu/health")
        heard = await page.evaluate(LISTEN, f"{suite.urls['site']}/{function}")
    assert heard == [[str(n), {"n": n, "text": "中\n"}] for n in range(1, 6)]
