// Assembles pkg/ from pkg-template/, the wasm core and js/src: each file of js/src/entries becomes an
// ES module, a CommonJS module and declarations for both, of the same name in pkg/dist. Called by
// scripts/build, which has made build/wasm/core.

import { spawnSync } from "node:child_process"
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs"
import { basename, dirname, join, relative, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { gzipSync } from "node:zlib"
import { build } from "esbuild"
import { declarationTree, entryDeclarations, withExtension } from "./declarations.mjs"

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..")
const staged = join(root, "build/pkg")
const dist = join(staged, "dist")
const entryNames = readdirSync(join(root, "js/src/entries")).map((file) => basename(file, ".ts"))
const manifest = JSON.parse(readFileSync(join(root, "pkg-template/package.json"), "utf8"))

const shared = {
  absWorkingDir: root,
  entryPoints: entryNames.map((name) => `js/src/entries/${name}.ts`),
  outdir: dist,
  bundle: true,
  platform: "node",
  target: "node20",
  external: Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }),
  legalComments: "none",
  logLevel: "warning",
}

async function bundle() {
  await build({ ...shared, format: "esm", splitting: true, chunkNames: "chunk-[hash]" })
  await build({
    ...shared,
    format: "cjs",
    outExtension: { ".js": ".cjs" },
    define: { "import.meta.url": "importMetaUrl" },
    banner: { js: 'const importMetaUrl = require("node:url").pathToFileURL(__filename).href' },
    // What require() gives is the default export where there is one, with the named ones on it.
    footer: { js: "module.exports = Object.assign(module.exports.default ?? {}, module.exports)" },
  })
}

function declare() {
  const types = join(root, "build/types")
  rmSync(types, { recursive: true, force: true })
  const compiler = join(root, "node_modules/.bin/tsc")
  const { status } = spawnSync(compiler, ["-p", "tsconfig.build.json"], {
    cwd: root,
    stdio: "inherit",
  })
  if (status !== 0) throw new Error(`tsc ended with ${status}`)

  const entries = entryNames.map((name) => join(types, "entries", `${name}.d.ts`))
  for (const file of declarationTree(entries, types)) {
    const text = readFileSync(file, "utf8")
    const target = join(dist, "types", relative(types, file))
    mkdirSync(dirname(target), { recursive: true })
    writeFileSync(target, withExtension(text, "js"))
    writeFileSync(target.replace(/\.ts$/, ".cts"), withExtension(text, "cjs"))
  }
  for (const name of entryNames) {
    const text = readFileSync(join(types, "entries", `${name}.d.ts`), "utf8")
    const { module, commonJs } = entryDeclarations(text, `./types/entries/${name}`)
    writeFileSync(join(dist, `${name}.d.ts`), module)
    writeFileSync(join(dist, `${name}.d.cts`), commonJs)
  }
}

const kilobytes = (bytes) => `${(bytes / 1024).toFixed(1)} KB`

function report() {
  const wasm = readFileSync(join(dist, "core.wasm"))
  console.log(`core.wasm ${kilobytes(wasm.length)}, gzip ${kilobytes(gzipSync(wasm).length)}`)
  for (const name of entryNames) {
    for (const extension of ["js", "cjs"]) {
      console.log(
        `${name}.${extension} ${kilobytes(statSync(join(dist, `${name}.${extension}`)).size)}`,
      )
    }
  }
}

rmSync(staged, { recursive: true, force: true })
cpSync(join(root, "pkg-template"), staged, { recursive: true })
cpSync(join(root, "LICENSE"), join(staged, "LICENSE"))
await bundle()
declare()
cpSync(join(root, "build/wasm/core/socketio_redis_edge_bg.wasm"), join(dist, "core.wasm"))
report()

// In one step, so that a process that imports the package meanwhile finds the old one or the new one.
const installed = join(root, "pkg")
const old = join(root, "build/pkg.old")
rmSync(old, { recursive: true, force: true })
if (existsSync(installed)) renameSync(installed, old)
renameSync(staged, installed)
rmSync(old, { recursive: true, force: true })
