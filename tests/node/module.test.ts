import assert from "node:assert/strict"
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, before, describe, it } from "node:test"
import { fileURLToPath } from "node:url"
import { runNode } from "./support/child.ts"

const timeout = 30_000
const names = [
  "AdapterError",
  "FaultError",
  "RedisAdapter",
  "RequestError",
  "ShardedRedisAdapter",
  "TrapError",
  "createAdapter",
  "createShardedAdapter",
]
const clients = "{ on() {} }, undefined"

describe("the package, installed in a folder of its own", () => {
  let folder: string

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "module-test-"))
    await mkdir(join(folder, "node_modules"))
    const packages = fileURLToPath(new URL("../../node_modules", import.meta.url))
    for (const name of ["socket.io-redis-edge", "socket.io", "ioredis5"]) {
      await symlink(join(packages, name), join(folder, "node_modules", name))
    }
  })
  after(() => rm(folder, { recursive: true, force: true }))

  /** Runs a script with the package in reach, and gives what it writes; it must end by itself. */
  async function run(file: string, script: string): Promise<string> {
    await writeFile(join(folder, file), script)
    const { code, stdout, stderr } = await runNode([file], {}, folder)
    assert.deepEqual([code, stderr], [0, ""])
    return stdout
  }

  it("writes nothing and keeps nothing running when it is imported", { timeout }, async () => {
    assert.equal(await run("quiet.mjs", 'import "socket.io-redis-edge"'), "")
    assert.equal(await run("quiet.cjs", 'require("socket.io-redis-edge")'), "")
  })

  it("has a callable default export beside the named ones", { timeout }, async () => {
    const script = `
      import createAdapter, * as all from "socket.io-redis-edge"
      const same = createAdapter === all.createAdapter
      console.log(JSON.stringify([typeof createAdapter, same, Object.keys(all).sort()]))`
    const expected = ["function", true, [...names, "default"].toSorted()]
    assert.deepEqual(JSON.parse(await run("default.mjs", script)), expected)
  })

  it("is itself callable when it is required", { timeout }, async () => {
    const script = `
      const edge = require("socket.io-redis-edge")
      const { createAdapter, RedisAdapter } = edge
      const same = createAdapter.name === edge.name && typeof RedisAdapter === "function"
      console.log(JSON.stringify([typeof edge, same, Object.keys(edge)]))`
    const [type, same, keys] = JSON.parse(await run("required.cjs", script))
    assert.deepEqual([type, same], ["function", true])
    for (const name of [...names, "default"]) assert.ok(keys.includes(name), name)
  })

  for (const [file, load] of [
    ["works.mjs", 'import createAdapter, { AdapterError } from "socket.io-redis-edge"'],
    [
      "works.cjs",
      'const createAdapter = require("socket.io-redis-edge"), { AdapterError } = createAdapter',
    ],
  ] as const) {
    it(`runs its core, and throws its errors: ${file}`, { timeout }, async () => {
      const [socketIo, ioredis] = file.endsWith("mjs")
        ? ['import { Server } from "socket.io"', 'import { Redis } from "ioredis5"']
        : ['const { Server } = require("socket.io")', 'const { Redis } = require("ioredis5")']
      const script = `
        ${load}
        ${socketIo}
        ${ioredis}
        const client = new Redis({ port: 1, retryStrategy: null, lazyConnect: true })
        client.on("error", () => {})
        const { adapter } = new Server({ adapter: createAdapter(client, client) }).of("/")
        adapter.addAll("sid", new Set(["room"]))
        try {
          createAdapter(${clients})
        } catch (error) {
          console.log(error instanceof AdapterError, error.code, adapter.rooms.get("room").has("sid"))
        }`
      assert.equal(await run(file, script), "true ERR_UNKNOWN_REDIS_CLIENT true\n")
    })
  }
})
