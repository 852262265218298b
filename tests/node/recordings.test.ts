import assert from "node:assert/strict"
import { Buffer } from "node:buffer"
import { readFileSync } from "node:fs"
import { describe, it } from "node:test"
import { decode as decode3 } from "notepack.io"
import { decode as decode2 } from "notepack.io2"
import { Core } from "../../js/src/boundary.ts"

/** The packages that speak the classic dialect, and the decoder that each has. */
const packages = [
  ["redis-adapter-8.3.0", decode3],
  ["redis-emitter-5.1.0", decode3],
  ["redis-adapter-7.2.0", decode2],
  ["redis-emitter-4.1.1", decode2],
  ["socket.io-redis-6.1.1", decode2],
  ["socket.io-redis-5.4.0", decode2],
  ["socket.io-emitter-3.2.0", decode2],
] as const

const wasm = readFileSync(
  new URL("../../build/wasm/core/socketio_redis_edge_bg.wasm", import.meta.url),
)
const core = new Core(new WebAssembly.Module(wasm), {
  allocate: (length) => Buffer.alloc(length),
  text: (bytes, start, end) => Buffer.from(bytes.subarray(start, end)).toString(),
  binary: (bytes) => Buffer.from(bytes),
})

interface Recorded {
  op: string
  payload: Buffer
}

function* messages(name: string): Iterable<Recorded> {
  const file = new URL(`../wire/${name}.jsonl`, import.meta.url)
  for (const line of readFileSync(file, "utf8").split("\n")) {
    if (!line.includes('"payload_b64"')) continue
    const { op, payload_b64: payload } = JSON.parse(line)
    yield { op, payload: Buffer.from(payload, "base64") }
  }
}

/** What a decoder makes of a message, or `undefined` if it refuses it. */
function decoded(decode: (bytes: Buffer) => unknown, payload: Buffer): unknown {
  try {
    return decode(payload)
  } catch {
    return undefined
  }
}

/** A member named `__proto__` sets the prototype of what notepack decodes; here it is a member. */
const PROTOTYPE = "payload: map __proto__ key"

describe("what was recorded is read as by the package that wrote it", () => {
  for (const [name, decode] of packages) {
    it(name, () => {
      const others = new Set<string>()
      const expected = new Set<string>()
      let count = 0
      for (const { op, payload } of messages(name)) {
        if (payload[0] === 0x7b) continue
        count += 1
        if (op === PROTOTYPE) expected.add(op)
        const theirs = decoded(decode, payload)
        const ours = decoded((bytes) => core.decode(bytes), payload)
        try {
          assert.deepEqual(ours, theirs)
        } catch {
          others.add(op)
        }
      }
      assert.ok(count > 50, `${count} messages`)
      assert.deepEqual(others, expected)
    })
  }
})
