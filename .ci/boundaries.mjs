// Dependencies point one way: the core knows no JavaScript and no clock, Redis drivers know no wasm,
// one file knows the generated wasm, and the wasm asks its host for nothing but its own glue. Lists
// what breaks this, and then exits with 1.

import { readdirSync, readFileSync } from "node:fs"

const HOST_NAMES = /\b(?:wasm_bindgen|js_sys|web_sys)\b|\bworker::|\bInstant::now\b/
const HOST_FOLDERS = /^src\/(?:wasm|cloudflare)\//
const SPECIFIER = /(?:\bfrom|\bimport)\s*\(?\s*["']([^"']+)["']/g
const GLUE = "./socketio_redis_edge_bg.js"
const CLOCKS = /^__wbg_(?:now|performance|setTimeout|setInterval|newDate)_/

const faults = []

function filesOf(folder, extension) {
  return readdirSync(folder, { recursive: true })
    .map((name) => `${folder}/${name}`)
    .filter((path) => path.endsWith(extension))
}

for (const path of filesOf("src", ".rs")) {
  if (HOST_FOLDERS.test(path)) continue
  readFileSync(path, "utf8")
    .split("\n")
    .forEach((line, index) => {
      const name = HOST_NAMES.exec(line)?.[0]
      if (name) faults.push(`${path}:${index + 1}: ${name} belongs in src/wasm or src/cloudflare`)
    })
}

for (const path of filesOf("js/src", ".ts")) {
  for (const [, specifier] of readFileSync(path, "utf8").matchAll(SPECIFIER)) {
    if (path.startsWith("js/src/redis/") && /\/boundary\.|\/wasm\//.test(specifier)) {
      faults.push(`${path}: a Redis driver imports ${specifier}`)
    }
    if (specifier.includes("build/wasm") && path !== "js/src/boundary.ts") {
      faults.push(`${path}: only js/src/boundary.ts imports the generated wasm, not ${specifier}`)
    }
  }
}

const core = new WebAssembly.Module(readFileSync("pkg/dist/core.wasm"))
for (const { module, name } of WebAssembly.Module.imports(core)) {
  if (module !== GLUE) faults.push(`core.wasm imports ${name} from ${module}`)
  if (CLOCKS.test(name)) faults.push(`core.wasm reads a clock: ${name}`)
}

for (const fault of faults) console.error(fault)
process.exitCode = faults.length ? 1 : 0
