import assert from "node:assert/strict"
import { Buffer } from "node:buffer"
import { createRequire } from "node:module"
import { after, before, describe, it } from "node:test"
import { Redis } from "ioredis5"
import { encode } from "notepack.io"
import type { Server } from "socket.io"
import * as msgpackParser from "socket.io-msgpack-parser"
import { runChild } from "./support/child.ts"
import { type Client, hear, TestServer } from "./support/cluster.ts"
import { type RedisServer, startRedis } from "./support/redis-server.ts"
import { binaryValues, plainValues } from "./support/values.ts"

const timeout = 30_000
let redis: RedisServer
let control: Redis

before(async () => {
  redis = await startRedis()
  control = new Redis(redis.port)
})
after(async () => {
  control.disconnect()
  await redis[Symbol.asyncDispose]()
})

/** Publishes a broadcast as @socket.io/redis-adapter 8.3.0 does. */
const publish = (...data: unknown[]) =>
  control.publish(
    "socket.io#/#",
    encode(["AAAAAA", { type: 2, data, nsp: "/" }, { rooms: [], except: [], flags: {} }]),
  )

/** Publishes an event whose argument is a list in a list in a list… */
const publishDeep = (depth: number) =>
  control.publish(
    "socket.io#/#",
    Buffer.concat([
      Buffer.from([0x93]),
      encode("AAAAAA"),
      Buffer.from([0x83]),
      ...["type", 2, "nsp", "/", "data"].map((value) => encode(value)),
      Buffer.from([0x92]),
      encode("deep"),
      Buffer.alloc(depth, 0x91),
      encode(null),
      encode({ rooms: [], except: [], flags: {} }),
    ]),
  )

describe("with socket.io-msgpack-parser", () => {
  let a: TestServer, b: TestServer, a1: Client, b1: Client
  const heardOf = (action: () => unknown) => hear([a.io, b.io], [a1, b1], action)

  before(async () => {
    const parser = msgpackParser
    ;[a, b] = await Promise.all([
      TestServer.startWithRedis("redis6", redis.port, { parser }),
      TestServer.startWithRedis("ioredis5", redis.port, { parser }),
    ])
    ;[a1, b1] = await Promise.all([a.connect("/", { parser }), b.connect("/", { parser })])
  })
  after(() => Promise.all([a, b].map((server) => server.close())))

  /** Values that notepack.io 2.2.0, which the parser is made of, refuses, or makes something else of. */
  const unlike = new Set([
    "a DataView",
    "a Float32Array into a bigger buffer",
    "a view into a bigger buffer",
    "an own __proto__",
    "functions and symbols",
    "lone surrogates",
    "lone surrogates before ASCII",
  ])
  for (const [what, args] of plainValues) {
    if (unlike.has(what)) continue
    it(`is heard on other servers as on its own: ${what}`, { timeout }, async () => {
      const [near, far] = await heardOf(() => a.io.emit("e", ...args))
      assert.equal(near?.length, 1)
      assert.deepEqual(far, near)
    })
  }

  for (const [what, args] of binaryValues) {
    if (unlike.has(what)) continue
    it(`is heard on other servers with the same bytes: ${what}`, { timeout }, async () => {
      const [near, far] = await heardOf(() => a.io.emit("e", ...args))
      assert.equal(near?.length, 1)
      assert.deepEqual(asBuffers(far), asBuffers(near))
    })
  }

  it("keeps dates dates, and binary binary", { timeout }, async () => {
    const args = [new Date(1), [new Date(-1)], { at: new Date(2 ** 40) }, Buffer.from([1, 2])]
    const event = ["e", ...args]
    assert.deepEqual(await heardOf(() => a.io.emit("e", ...args)), [[event], [event]])
  })

  it("takes what servers with other parsers send", { timeout }, async () => {
    await publish("raw", new Date(5), Buffer.from("b"), { a: null })
    await Promise.all([a1.until("raw"), b1.until("raw")])
    const event = ["raw", new Date(5), Buffer.from("b"), { a: null }]
    assert.deepEqual([a1.take(), b1.take()], [[event], [event]])
  })

  it("survives data of any depth", { timeout }, async () => {
    const uncaught: unknown[] = []
    const onUncaught = (error: unknown) => uncaught.push(error)
    process.on("uncaughtException", onUncaught)
    const earlier = b.adapter().stats()
    for (const depth of [100, 500, 1_000, 10_000]) void publishDeep(depth)
    await publish("end")
    await Promise.all([a1.until("end"), b1.until("end")])
    for (const client of [a1, b1]) assert.deepEqual(client.take().at(-1), ["end"])
    process.off("uncaughtException", onUncaught)
    assert.deepEqual(uncaught, [])
    const { delivered, malformed } = b.adapter().stats()
    assert.equal(delivered + malformed - earlier.delivered - earlier.malformed, 5)
    assert.ok(malformed > earlier.malformed)
  })

  it("reaches rooms, and leaves rooms out", { timeout }, async () => {
    b1.remote.join("x")
    assert.deepEqual(await heardOf(() => a.io.to("x").emit("e")), [[], [["e"]]])
    assert.deepEqual(await heardOf(() => b.io.except("x").emit("e")), [[["e"]], []])
  })
})

type ParserEncoder = Server["encoder"]
type Packet = Parameters<ParserEncoder["encode"]>[0]

// The one that socket.io itself depends on, of whichever version that is.
const { Decoder, Encoder } = createRequire(import.meta.resolve("socket.io"))(
  "socket.io-parser",
) as {
  Decoder: new () => object
  Encoder: new (replacer?: (key: string, value: unknown) => unknown) => ParserEncoder
}

/** JSON knows no big integers, and MessagePack, which servers speak to each other, none either. */
const written = (_key: string, value: unknown): unknown =>
  typeof value === "bigint" ? `${value}n` : value === "secret" ? "***" : value

class WithReplacer extends Encoder {
  constructor() {
    super(written)
  }
}

class WithEncode extends Encoder {
  override encode(packet: Packet) {
    const data: unknown = packet.data && JSON.parse(JSON.stringify(packet.data, written))
    return super.encode({ ...packet, data })
  }
}

for (const CustomEncoder of [WithReplacer, WithEncode]) {
  describe(`with an encoder of socket.io-parser's that is extended: ${CustomEncoder.name}`, () => {
    let a: TestServer, b: TestServer, a1: Client, b1: Client
    const heardOf = (action: () => unknown) => hear([a.io, b.io], [a1, b1], action)

    before(async () => {
      const parser = { Encoder: CustomEncoder, Decoder }
      ;[a, b] = await Promise.all([
        TestServer.startWithRedis("redis6", redis.port, { parser }),
        TestServer.startWithRedis("ioredis5", redis.port, { parser }),
      ])
      ;[a1, b1] = await Promise.all([a.connect(), b.connect()])
    })
    after(() => Promise.all([a, b].map((server) => server.close())))

    it("is used on other servers as on its own", { timeout }, async () => {
      const event = ["e", "***", { deep: ["***", "x"] }]
      const heard = await heardOf(() => a.io.emit("e", "secret", { deep: ["secret", "x"] }))
      assert.deepEqual(heard, [[event], [event]])
    })

    it("is used for what servers with other parsers send", { timeout }, async () => {
      await publish("raw", "secret")
      await Promise.all([a1.until("raw"), b1.until("raw")])
      assert.deepEqual([a1.take(), b1.take()], [[["raw", "***"]], [["raw", "***"]]])
    })

    it("decides alone what can be sent locally", { timeout }, async () => {
      assert.deepEqual(await heardOf(() => a.io.local.emit("e", 7n)), [[["e", "7n"]], []])
    })
  })
}

describe("an outgoing listener on a receiving server", () => {
  let a: TestServer, b: TestServer, b1: Client, b2: Client

  before(async () => {
    ;[a, b] = await Promise.all([
      TestServer.startWithRedis("redis6", redis.port),
      TestServer.startWithRedis("redis6", redis.port),
    ])
    ;[b1, b2] = await Promise.all([b.connect(), b.connect()])
  })
  after(() => Promise.all([a, b].map((server) => server.close())))

  it("sees the decoded values", { timeout }, async () => {
    const seen: unknown[][] = []
    b1.remote.onAnyOutgoing((...args: unknown[]) => seen.push(args))
    const binary = new Uint8Array([1, 2])
    await hear([a.io], [b1, b2], () => {
      a.io.emit("mixed", 1, "é", { at: new Date(0), a: [binary] }, null)
      a.io.emit("text", [undefined, -0, 1e20])
      a.io.to("nobody's").emit("unseen")
    })
    assert.deepEqual(seen.slice(0, 2), [
      ["mixed", 1, "é", { at: new Date(0).toJSON(), a: [Buffer.from(binary)] }, null],
      ["text", [null, 0, 1e20]],
    ])
    assert.match(String(seen[2]), /^marker/)
    seen.length = 0
    await publish("raw", new Date(7), Buffer.from("b"))
    await Promise.all([b1.until("raw"), b2.until("raw")])
    assert.deepEqual(seen, [["raw", new Date(7), Buffer.from("b")]])
    const heard = ["raw", new Date(7).toJSON(), Buffer.from("b")]
    assert.deepEqual([b1.take(), b2.take()], [[heard], [heard]])
  })

  it("keeps nobody else from hearing when it throws", { timeout }, async () => {
    const { code, stdout, stderr } = await runChild("throwing-listener", [`${redis.port}`])
    assert.equal(code, 0, stderr)
    assert.deepEqual(JSON.parse(stdout), {
      heard: ["one two three", "three", "one two three"],
      uncaught: ["of the listener on one", "of the listener on two"],
    })
  })
})

/** The same values, with a Buffer for each form of binary data. */
function asBuffers(value: unknown): unknown {
  if (value instanceof ArrayBuffer) return Buffer.from(value)
  if (Buffer.isBuffer(value)) return value
  if (Array.isArray(value)) return value.map(asBuffers)
  if (typeof value !== "object" || value === null || value instanceof Date) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, asBuffers(inner)]))
}
