"""Modules of uniCloud projects that lie in uni_modules, with the project's files beside them."""

import json
from pathlib import Path
from typing import Any

import pytest

from emulator.config import load_config
from emulator.suite import Suite

OF_MODULES = "uni_modules/{0}/uniCloud/cloudfunctions/common/{0}"
COMMON = "uniCloud-aliyun/cloudfunctions/common"
CONFIG_CENTER = """
'use strict'
const fs = require('fs')
const path = require('path')
const merge = require('./lib/merge')
module.exports = ({ pluginId, root }) => {
  const folder = path.resolve(root || __dirname, pluginId)
  const resolve = (name) => path.resolve(folder, name)
  return {
    resolve,
    hasFile: (name) => fs.existsSync(resolve(name)),
    config: () => merge({ tokenExpiresIn: 1 }, require(resolve('config.json')))
  }
}
"""
ID_COMMON = """
const config = require('uni-config-center')({ pluginId: 'uni-id' })
let own = {}
try { own = require(require.resolve('uni-config-center/uni-id/lang/index.js')) } catch (error) {}
const messages = { en: { hi: 'hi {name}' }, 'zh-Hans': { hi: '你好 {name}', ...own } }
module.exports.createInstance = ({ context }) => {
  const i18n = uniCloud.initI18n({ locale: context.LOCALE, fallbackLocale: 'en', messages })
  const told = [i18n.locale, i18n.t('hi', { name: 'Ada' }), i18n.t('own'), i18n.t('none')]
  i18n.setLocale('en')
  const version = require('./package.json').version
  told.push(i18n.t('hi', {}), version)
  return { told, config: config.config(), has: config.hasFile('x.js') }
}
"""
FUNCTION = """
const uniID = require('uni-id-common')
exports.main = async (event, context) => uniID.createInstance({ context })
"""
FILES = {
    ".emulator.toml": '[emulator]\nenv = "test-env"\nport = 0\nsite_port = 0\n',
    f"{OF_MODULES.format('uni-config-center')}/index.js": CONFIG_CENTER,
    f"{OF_MODULES.format('uni-config-center')}/lib/merge.js": (
        "module.exports = (...all) => Object.assign({}, ...all)"
    ),
    f"{OF_MODULES.format('uni-config-center')}/package.json": '{"main": "index.js"}',
    f"{OF_MODULES.format('uni-id-common')}/index.js": ID_COMMON,
    f"{OF_MODULES.format('uni-id-common')}/package.json": json.dumps(
        {
            "version": "1.0.17",
            "dependencies": {
                "uni-config-center": "file:../../../../../uni-config-center/uniCloud/"
                "cloudfunctions/common/uni-config-center"
            },
        }
    ),
    f"{COMMON}/uni-config-center/uni-id/config.json": '{"tokenSecret": "demo"}',
    f"{COMMON}/uni-config-center/uni-id/lang/index.js": "module.exports = { own: '自己' }",
    "uniCloud-aliyun/cloudfunctions/login/index.js": FUNCTION,
}
LINKS = {
    "in uni_modules": f"file:../../../{OF_MODULES.format('uni-id-common')}",
    "in the project's folder, as it will be": "file:../common/uni-id-common",
}
TOLD = {
    "told": ["zh-Hans", "你好 Ada", "自己", "none", "hi {name}", "1.0.17"],
    "config": {"tokenExpiresIn": 1, "tokenSecret": "demo"},
    "has": False,
}


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")


async def called(root: Path, event: Any = None) -> Any:
    suite = Suite(load_config(root, environ={}))
    await suite.start()
    try:
        return await suite.control.invoke("login", event or {}, openid=None, source="wx_client")
    finally:
        await suite.stop()


@pytest.mark.parametrize("link", LINKS.values(), ids=LINKS)
async def test_code_of_uni_modules_finds_what_the_project_adds(tmp_path: Path, link: str):
    package = json.dumps({"dependencies": {"uni-id-common": link}})
    write(tmp_path, {**FILES, "uniCloud-aliyun/cloudfunctions/login/package.json": package})
    assert (await called(tmp_path))["result"] == TOLD


async def test_the_project_s_own_file_goes_before(tmp_path: Path):
    package = json.dumps({"dependencies": {"uni-id-common": LINKS["in uni_modules"]}})
    own = {
        "uniCloud-aliyun/cloudfunctions/login/package.json": package,
        f"{COMMON}/uni-config-center/lib/merge.js": "module.exports = () => 'own'",
    }
    write(tmp_path, {**FILES, **own})
    assert (await called(tmp_path))["result"]["config"] == "own"


async def test_what_is_nowhere_is_said_as_ever(tmp_path: Path):
    code = "require('./gone')\nexports.main = () => 1\n"
    write(tmp_path, {**FILES, f"{OF_MODULES.format('uni-id-common')}/index.js": code})
    package = json.dumps({"dependencies": {"uni-id-common": LINKS["in uni_modules"]}})
    write(tmp_path, {"uniCloud-aliyun/cloudfunctions/login/package.json": package})
    told = await called(tmp_path)
    assert "Cannot find module './gone'" in json.dumps(told)


async def test_functions_of_modules_are_run_with_what_the_project_adds(tmp_path: Path):
    place = "uni_modules/uni-id-pages/uniCloud/cloudfunctions"
    laid = "file:../../../../uni-id-common/uniCloud/cloudfunctions/common/uni-id-common"
    needs = {"uni-id-common": laid, "own-of-pages": "file:../common/own-of-pages"}
    added = {
        f"{place}/login/package.json": json.dumps({"dependencies": needs}),
        f"{place}/login/index.obj.js": (
            "const { of } = require('own-of-pages')\n"
            "const uniID = require('uni-id-common')\n"
            "module.exports = { get: () => [of, require('./lib').a, uniID.createInstance("
            "{ context: { LOCALE: 'zh-Hans' } })] }\n"
        ),
        f"{place}/login/lib/index.js": "exports.a = 1",
        f"{place}/common/own-of-pages/index.js": "exports.of = 'pages'",
    }
    files = {name: text for name, text in FILES.items() if "/login/" not in name}
    write(tmp_path, {**files, f"{COMMON}/none.js": "", **added})
    told = await called(tmp_path, {"method": "get", "params": []})
    assert told["result"] == ["pages", 1, TOLD]
