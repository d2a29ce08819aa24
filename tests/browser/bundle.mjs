// Bundles the cases of a client SDK for a page: bundle.mjs MODULES SDK CASES OUT
import { createRequire } from 'node:module'

const [modules, sdk, cases, out] = process.argv.slice(2)
const { build } = createRequire(`${modules}/`)('esbuild')
const entry = `
import * as loaded from ${JSON.stringify(`${modules}/${sdk}`)}
import { run } from ${JSON.stringify(cases)}
const sdk = loaded.default?.default ?? loaded.default ?? loaded
globalThis.runCases = (options) => run(sdk, options)
`
await build({
  stdin: { contents: entry, resolveDir: modules, loader: 'js' },
  bundle: true,
  platform: 'browser',
  mainFields: ['module', 'main'],
  format: 'iife',
  outfile: out,
  define: { global: 'globalThis' },
  logLevel: 'error',
})
