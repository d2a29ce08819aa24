// The cases of a client SDK in Node: client_node.cjs MODULE OPTIONS RESULT
const { writeFileSync } = require('node:fs')
const { join } = require('node:path')
const { run } = require('./client.cjs')
const { adapter } = require('./web_adapter.cjs')

const [module_, options, result] = process.argv.slice(2)
const loaded = require(module_)
const cloudbase = loaded.default ?? loaded
cloudbase.useAdapters(adapter(require(join(module_, '..', 'ws'))))
run(cloudbase, JSON.parse(options)).then((told) => {
  writeFileSync(result, JSON.stringify(told))
  process.exit(0)
})
