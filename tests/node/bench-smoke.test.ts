// The comparison itself: that it measures all it says, and refuses to measure what differs.

import assert from "node:assert/strict"
import { execFile } from "node:child_process"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, before, describe, it } from "node:test"
import { fileURLToPath, pathToFileURL } from "node:url"
import { promisify } from "node:util"

const script = fileURLToPath(new URL("../../bench/run.mjs", import.meta.url))

const bench = (...options: string[]) =>
  promisify(execFile)(process.execPath, ["--expose-gc", script, "--quick", ...options])

interface Report {
  rows: {
    group: string
    name: string
    ours: number
    reference: number
    ratio: { median: number }
  }[]
  bars: { mean: number; bar: number; reached: boolean }[]
  reached: boolean
}

/** Adapters that do one thing wrong, and a row that shows it. */
const faults = [
  {
    name: "delivers twice",
    row: "receive 60 B",
    members: `
      constructor(nsp, pub, sub, options) {
        const { pSubscribe } = sub
        sub.pSubscribe = (pattern, listener) =>
          pSubscribe.call(sub, pattern, (message, channel) => {
            listener(message, channel)
            listener(message, channel)
          })
        super(nsp, pub, sub, options)
      }`,
  },
  {
    name: "publishes something else",
    row: "send 60 B",
    members: `
      broadcast(packet, options) {
        super.broadcast(packet, { ...options, flags: { volatile: false } })
      }`,
  },
  {
    name: "finds a socket too few",
    row: "target room of 100",
    members: `
      apply(options, callback) {
        let skipped = false
        super.apply(options, (socket) => (skipped ? callback(socket) : (skipped = true)))
      }`,
  },
  {
    name: "leaves rooms in silence",
    row: "churn connect",
    members: `
      emit(event, ...names) {
        return event !== "leave-room" && super.emit(event, ...names)
      }`,
  },
]

describe("bench", () => {
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "bench-"))
  })
  after(() => rm(folder, { recursive: true }))

  it("measures every row and judges it", async () => {
    const out = join(folder, "results.json")
    const { stdout } = await bench("--rounds", "1", "--turn", "0.5", "--out", out)
    const report = JSON.parse(await readFile(out, "utf8")) as Report
    const counts: Record<string, number> = {}
    for (const { group } of report.rows) counts[group] = (counts[group] ?? 0) + 1
    assert.deepEqual(counts, {
      receive: 7,
      "receive-room": 7,
      unwanted: 7,
      "unwanted-room": 7,
      echo: 7,
      send: 7,
      "send-room": 7,
      target: 4,
      churn: 1,
      memory: 1,
      subscribe: 3,
    })
    for (const { name, ours, reference } of report.rows) {
      assert.ok(ours > 0 && reference > 0)
      assert.ok(stdout.includes(`  ${name} `))
    }
    for (const { mean, bar, reached } of report.bars) assert.equal(reached, mean >= bar)
    const slower = report.rows.some(({ ratio }) => ratio.median < 1)
    assert.equal(report.reached, !slower && report.bars.every(({ reached }) => reached))
  })

  for (const { name, row, members } of faults) {
    it(`measures no adapter that ${name}`, async () => {
      const file = join(folder, `${name}.mjs`)
      const original = JSON.stringify(import.meta.resolve("socket.io-redis-edge"))
      await writeFile(
        file,
        `import { RedisAdapter } from ${original}
        class Faulty extends RedisAdapter {${members}
        }
        export const createAdapter = (pub, sub) => function (nsp) {
          return new Faulty(nsp, pub, sub)
        }`,
      )
      await assert.rejects(
        bench("--rounds", "1", "--turn", "0.5", "--only", row, "--ours", pathToFileURL(file).href),
        { code: 1, stdout: "", stderr: new RegExp(`the two sides differ: ${row}`) },
      )
    })
  }
})
