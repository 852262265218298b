// A short soak of each client and mode; and that a soak finds what is kept.
import assert from "node:assert/strict"
import { execFile } from "node:child_process"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, before, describe, it } from "node:test"
import { fileURLToPath, pathToFileURL } from "node:url"

const timeout = 60_000
const script = fileURLToPath(new URL("../soak/soak.ts", import.meta.url))

interface Outcome {
  code: number | null
  stdout: string
  stderr: string
}

function soak(...args: string[]): Promise<Outcome> {
  const node = ["--expose-gc", "--import", "tsx", script, "--scale", "0.01", ...args]
  return new Promise((resolve) => {
    const child = execFile(process.execPath, node, { timeout }, (_, stdout, stderr) => {
      resolve({ code: child.exitCode, stdout, stderr })
    })
  })
}

/** Adapters that keep something, what shows it, and where it is seen. */
const faults = [
  {
    name: "keeps what it sends",
    task: "messages",
    gauges: ["heap"],
    members: `
      #kept = []
      broadcast(packet, options) {
        this.#kept.push(Array(100).fill(packet))
        super.broadcast(packet, options)
      }`,
  },
  {
    name: "keeps its subscriptions",
    task: "namespaces",
    gauges: ["subscriptions in Redis", "patterns in Redis", "listeners of Redis clients"],
    members: `
      close() {
        this.pubClient.setMaxListeners(0).on("error", () => this)
      }`,
  },
]

describe("a soak", () => {
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "soak-"))
  })
  after(() => rm(folder, { recursive: true }))

  for (const client of ["redis6", "ioredis5"]) {
    for (const mode of ["pattern", "exact"]) {
      it(`leaves nothing behind: ${client}, ${mode} subscriptions`, { timeout }, async () => {
        const { code, stdout, stderr } = await soak("--client", client, "--mode", mode)
        assert.deepEqual([code, stderr], [0, ""], stdout)
        for (const gauge of ["heap", "wasm memory", "subscriptions in Redis", "requests open"]) {
          assert.match(stdout, new RegExp(`^${gauge} .* ok$`, "m"))
        }
      })
    }
  }

  for (const { name, task, gauges, members } of faults) {
    it(`finds that an adapter ${name}`, { timeout }, async () => {
      const file = join(folder, `${task}.mjs`)
      const original = JSON.stringify(import.meta.resolve("socket.io-redis-edge"))
      await writeFile(
        file,
        `import { RedisAdapter } from ${original}
        class Faulty extends RedisAdapter {${members}
        }
        export const createAdapter = (pub, sub, options) => function (nsp) {
          return new Faulty(nsp, pub, sub, options)
        }`,
      )
      const { code, stdout } = await soak("--only", task, "--package", pathToFileURL(file).href)
      assert.equal(code, 1, stdout)
      for (const gauge of gauges) {
        assert.match(stdout, new RegExp(`^${gauge} .* GROWN$`, "m"))
        assert.match(stdout, new RegExp(`^grown: .*\\b${gauge}\\b`, "m"))
      }
    })
  }
})
