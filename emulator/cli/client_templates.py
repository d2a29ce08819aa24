"""Owns what `init --template` writes for an app: the client script and the lines that load it.

Not here: functions and configuration (`cli.templates`). The one idea: an app goes on calling
`wx.cloud`; one file of its own, loaded first and only in development, leads that to the suite.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Final

from emulator.core.records import dataclass

_MINIPROGRAM: Final = """\
// Leads wx.cloud to the suite on this machine, in development alone.
// Developer tools: Details > Local settings > do not verify legal domain names.
const { install } = require('./wx-cloud.js')

if (wx.getAccountInfoSync().miniProgram.envVersion === 'develop') install()
"""

_MINIPROGRAM_APP: Final = """\
require('./cloud-emu.js')

App({
  onLaunch() {
    wx.cloud.init({ env: 'demo-env', traceUser: true })
    wx.cloud.callFunction({ name: 'hello', data: { name: 'Ada' } }).then((res) => {
      console.log(res.result.message)
    })
  }
})
"""

_MINIPROGRAM_APP_JSON: Final = '{\n  "pages": ["pages/index/index"]\n}\n'
_PROJECT_CONFIG: Final = """\
{
  "miniprogramRoot": "miniprogram/",
  "cloudfunctionRoot": "functions/",
  "appid": "touristappid",
  "setting": { "urlCheck": false }
}
"""

_TARO: Final = """\
// Leads Taro.cloud to the suite on this machine; import it first in app.js.
import Taro from '@tarojs/taro'
import { install } from './wx-cloud'

if (process.env.NODE_ENV !== 'production') install({ Taro })
"""

_UNIAPP: Final = """\
// Leads wx.cloud, my.cloud and uniCloud to the suite on this machine; import it first in main.js.
import { install, uniCloud as suite } from './wx-cloud.js'

if (process.env.NODE_ENV !== 'production') {
  install()
  // Builds put an object of their own in place of the name uniCloud: its calls go to the suite too.
  const known = typeof uniCloud === 'object' ? uniCloud : suite
  const names = 'callFunction database uploadFile downloadFile getTempFileURL deleteFile'
  for (const name of names.split(' ')) {
    Object.defineProperty(known, name, { value: suite[name], configurable: true, writable: true })
  }
}
"""

_WEB: Final = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>Hello</title>
<p id="message">…</p>
<script type="module">
  // The suite serves this page, and the client at this address. A page of another server says
  // http://127.0.0.1:8270/_emu/sdk/wx-cloud.js.
  import { cloud } from '/_emu/sdk/wx-cloud.js'

  const message = document.getElementById('message')
  try {
    cloud.init({ env: 'demo-env' })
    const { result } = await cloud.callFunction({ name: 'hello', data: { name: 'Ada' } })
    message.textContent = result.message
  } catch (error) {
    message.textContent = error.errMsg || error.message
  }
</script>
</html>
"""


@dataclass(frozen=True, slots=True)
class ClientTemplate:
    """What an app gets: its files, where the script goes, which function template goes with it.

    `site` is the folder of pages that the suite itself serves, if any; `root` is where the files
    of the app lie in a new project, which one that is there may have elsewhere.
    """

    function: str
    files: Mapping[str, str]
    modules: tuple[str, ...] = ()
    commonjs: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    site: str = ""
    root: str = ""


CLIENT_TEMPLATES: Final[Mapping[str, ClientTemplate]] = {
    "miniprogram": ClientTemplate(
        function="node",
        files={
            "miniprogram/cloud-emu.js": _MINIPROGRAM,
            "miniprogram/app.js": _MINIPROGRAM_APP,
            "miniprogram/app.json": _MINIPROGRAM_APP_JSON,
            "miniprogram/pages/index/index.js": "Page({})\n",
            "miniprogram/pages/index/index.wxml": "<text>Hello</text>\n",
            "project.config.json": _PROJECT_CONFIG,
        },
        commonjs=("miniprogram/wx-cloud.js",),
        root="miniprogram/",
    ),
    "taro": ClientTemplate(
        function="node",
        files={"src/cloud-emu.js": _TARO},
        modules=("src/wx-cloud.js",),
        types=("src/wx-cloud.d.ts",),
    ),
    "uniapp": ClientTemplate(
        function="node", files={"cloud-emu.js": _UNIAPP}, modules=("wx-cloud.js",)
    ),
    "web": ClientTemplate(function="python", files={"web/index.html": _WEB}, site="web"),
}


def function_template(template: str) -> str:
    """Return the template of the first function that goes with a template of `init`."""
    found = CLIENT_TEMPLATES.get(template)
    return found.function if found else template


def site_folder(template: str) -> str:
    """Return the folder of the pages that the suite serves, "" for none."""
    found = CLIENT_TEMPLATES.get(template)
    return found.site if found else ""


def client_files(template: str, folder: Path) -> dict[str, str]:
    """Return the files of the app by their path in the folder, none for a server's template."""
    from emulator.wire import sdk_files

    found = CLIENT_TEMPLATES.get(template)
    if found is None:
        return {}
    files = dict(found.files)
    source = sdk_files.text_of(sdk_files.SOURCE)
    files |= {path: sdk_files.module_text(source) for path in found.modules}
    files |= {path: sdk_files.commonjs_text(source) for path in found.commonjs}
    files |= {path: sdk_files.text_of(sdk_files.TYPES) for path in found.types}
    usual, root = found.root, _ROOTS.get(template, _usual_root)(folder, found.root)
    return {
        root + path.removeprefix(usual) if path.startswith(usual) else path: text
        for path, text in files.items()
    }


def _usual_root(folder: Path, usual: str) -> str:
    return usual


def _miniprogram_root(folder: Path, usual: str) -> str:
    """Return where the project that is there has its app.js, as its project.config.json says."""
    try:
        config = json.loads((folder / "project.config.json").read_text(encoding="utf-8-sig"))
        said = config.get("miniprogramRoot") or ""
        parts = PurePosixPath(said.replace("\\", "/")).parts
    except (OSError, ValueError, AttributeError):
        return usual
    return usual if ".." in parts else "".join(f"{part}/" for part in parts if part != "/")


def _uniapp_root(folder: Path, usual: str) -> str:
    """Return where main.js is: at the top for HBuilderX, in src for the command line."""
    made = ("pages.json", "main.js", "main.ts")
    return "src/" if any((folder / "src" / name).exists() for name in made) else usual


_ROOTS: Final[Mapping[str, Callable[[Path, str], str]]] = {
    "miniprogram": _miniprogram_root,
    "uniapp": _uniapp_root,
}
