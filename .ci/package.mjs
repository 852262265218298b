// The package as npm would publish it: exports and entries agree both ways, the version is the
// crate's, it loads by import and by require(), and its types hold for both.

import assert from "node:assert/strict"
import { execFileSync } from "node:child_process"
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { basename } from "node:path"

const manifest = JSON.parse(readFileSync("pkg/package.json", "utf8"))
const [, crateVersion] = /^version = "(.+)"$/m.exec(readFileSync("Cargo.toml", "utf8"))
assert.equal(
  manifest.version,
  crateVersion,
  "pkg-template/package.json and Cargo.toml tell different versions",
)

const declared = Object.keys(manifest.exports)
  .filter((path) => path !== "./package.json")
  .map((path) => (path === "." ? "index" : path.slice(2)))
const built = readdirSync("js/src/entries").map((file) => basename(file, ".ts"))
assert.deepEqual(declared.toSorted(), built.toSorted(), "exports and js/src/entries differ")

const [packed] = JSON.parse(execFileSync("npm", ["pack", "--dry-run", "--json"], { cwd: "pkg" }))
const files = packed.files.map(({ path }) => `./${path}`)
const leaves = (node) => (typeof node === "string" ? [node] : Object.values(node).flatMap(leaves))
for (const path of [...leaves(manifest.exports), manifest.main, manifest.module, manifest.types]) {
  assert.ok(files.includes(path), `${path} is declared and not packed`)
}
const wasm = files.filter((path) => path.endsWith(".wasm"))
assert.deepEqual(wasm, ["./dist/core.wasm"], "one wasm file belongs in the package")

const imported = await import(manifest.name)
const required = createRequire(import.meta.url)(manifest.name)
assert.equal(imported.default, imported.createAdapter)
assert.equal(required, required.createAdapter)
assert.equal(required.name, "createAdapter")
assert.deepEqual(Object.keys(required).toSorted(), Object.keys(imported).toSorted())

const consumers = {
  "consumer.mts": `
import createAdapter, { createAdapter as named, RedisAdapter, type RedisAdapterOptions } from "${manifest.name}"
const options: Partial<RedisAdapterOptions> = { key: "app" }
export const made: Parameters<typeof createAdapter>[2] = options
export const same: typeof named = createAdapter
export class Own extends RedisAdapter {}
`,
  "consumer.cts": `
import createAdapter = require("${manifest.name}")
import named, { RedisAdapter, type RedisAdapterOptions } from "${manifest.name}"
const options: Partial<RedisAdapterOptions> = { key: "app" }
export const made: Parameters<typeof createAdapter>[2] = options
export const same: typeof createAdapter = named
export const member: typeof createAdapter.createAdapter = createAdapter
export class Own extends RedisAdapter {}
`,
}
mkdirSync("build/consumer", { recursive: true })
for (const [name, text] of Object.entries(consumers)) writeFileSync(`build/consumer/${name}`, text)
const flags = [
  "--ignoreConfig",
  "--noEmit",
  "--strict",
  "--exactOptionalPropertyTypes",
  "--module",
  "nodenext",
  "--types",
  "node",
]
const paths = Object.keys(consumers).map((name) => `build/consumer/${name}`)
execFileSync("node_modules/.bin/tsc", [...flags, ...paths], { stdio: "inherit" })
