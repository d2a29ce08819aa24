"""Redis as functions of a uniCloud project use it."""

import json
from pathlib import Path

from emulator.config import load_config
from emulator.suite import Suite

SETTINGS = '[emulator]\nenv = "test-env"\nport = 0\nsite_port = 0\n'
FUNCTION = """
const redis = uniCloud.redis()
const refused = (work) => work.catch((e) => [e.name, e.code, e.message.slice(0, 30)])
exports.main = async ({ later }) => {
  if (later) return [await redis.get('kept'), await redis.get('soon'), uniCloud.redis() === redis]
  const told = [await redis.set('kept', 1), await redis.set('soon', 'x', 'EX', 60)]
  told.push(await redis.incr('n'), await redis.incrby('n', 5))
  told.push(await redis.hmset('h', { a: 1, b: 2 }), await redis.hgetall('h'))
  told.push(await redis.rpush('l', ['a', 'b']), await redis.lrange('l', 0, -1))
  const multi = redis.multi()
  multi.set('m', 1).incr('m')
  multi.incr('h')
  const [set, incr, error] = await multi.exec()
  told.push([set, incr, error instanceof Error])
  await redis.multi()
  told.push(await redis.set('q', 'v'), await redis.exec(), await redis.get('q'))
  told.push(await refused(redis.incr('h')), await refused(redis.eval('return 1', 0)))
  told.push(await redis.quit())
  return told
}
"""
TOLD = [
    "OK", "OK", 1, 6, "OK", ["a", "1", "b", "2"], 2, ["a", "b"], ["OK", 2, True],
    "QUEUED", ["OK"], "v",
    ["ReplyError", "WRONGTYPE", "WRONGTYPE Operation against a "],
    ["ReplyError", "ERR", "ERR 'eval' is not understood h"], "OK",
]  # fmt: skip


async def test_functions_share_keys_that_live_by_the_suite_s_clock(tmp_path: Path):
    folder = tmp_path / "uniCloud-aliyun" / "cloudfunctions" / "fn"
    folder.mkdir(parents=True)
    (folder / "index.js").write_text(FUNCTION, encoding="utf-8")
    (tmp_path / ".emulator.toml").write_text(SETTINGS, encoding="utf-8")
    suite = Suite(load_config(tmp_path, environ={}))
    await suite.start()

    async def result(**event: bool) -> object:
        told = await suite.control.invoke("fn", event, openid=None, source="wx_client")
        assert "error" not in told, json.dumps(told)
        return told["result"]

    try:
        assert await result() == TOLD
        assert await result(later=True) == ["1", "x", True]
        await suite.parts.clockwork.advance(61_000)
        assert await result(later=True) == ["1", None, True]
        await suite.control.reset()
        assert await result(later=True) == [None, None, True]
    finally:
        await suite.stop()
