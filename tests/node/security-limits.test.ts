// However much a message claims, holds or asks for: it takes memory for what it holds, and takes it once.
import assert from "node:assert/strict"
import { Buffer } from "node:buffer"
import { after, before, describe, it } from "node:test"
import { setTimeout } from "node:timers/promises"
import { encode } from "notepack.io"
import { wasmBytes } from "../soak/wasm-memory.ts"
import { createAdapter, type RedisAdapter } from "socket.io-redis-edge"
import { SoakServer } from "../soak/world.ts"
import { connectPair } from "./support/clients.ts"
import { RawPeer } from "./support/raw-peer.ts"
import { type RedisServer, startRedis } from "./support/redis-server.ts"

const timeout = 120_000
const MEGABYTE = 1 << 20
const BROADCASTS = "socket.io#/#"
const REQUESTS = "socket.io-request#/#"
const RESPONSES = "socket.io-response#/#"
const CHANNELS = [BROADCASTS, REQUESTS, RESPONSES]

const raw = (...bytes: number[]) => Buffer.from(bytes)

/** Heads of values that say to be as long as 32 bits can say. */
const claims: readonly [what: string, head: Buffer][] = [
  ["array", raw(0xdd, 0xff, 0xff, 0xff, 0xff)],
  ["map", raw(0xdf, 0xff, 0xff, 0xff, 0xff)],
  ["string", raw(0xdb, 0xff, 0xff, 0xff, 0xff)],
  ["binary", raw(0xc6, 0xff, 0xff, 0xff, 0xff)],
  ["extension", raw(0xc9, 0xff, 0xff, 0xff, 0xff, 0x05)],
  ["short array", raw(0xdc, 0xff, 0xff)],
  ["short map", raw(0xde, 0xff, 0xff)],
]

/** Where such a value stands in a message of each channel: what comes in front of it. */
const places: readonly [channel: string, start: Buffer][] = [
  ...CHANNELS.map((channel): [string, Buffer] => [channel, Buffer.alloc(0)]),
  [BROADCASTS, Buffer.concat([raw(0x93), encode("AAAAAA")])],
  [
    BROADCASTS,
    Buffer.concat([raw(0x93), encode("AAAAAA"), raw(0x83), pairs({ type: 2 }), encode("data")]),
  ],
  [
    BROADCASTS,
    Buffer.concat([
      raw(0x93),
      encode("AAAAAA"),
      encode({ type: 2, data: ["e"], nsp: "/" }),
      raw(0x83),
      encode("rooms"),
    ]),
  ],
  [REQUESTS, Buffer.concat([raw(0x83), pairs({ type: 6 }), encode("data")])],
  [REQUESTS, Buffer.concat([raw(0x83), pairs({ type: 0, requestId: "x" }), encode("rooms")])],
  [RESPONSES, Buffer.concat([raw(0x82), pairs({ requestId: "x" }), encode("sockets")])],
]

let redis: RedisServer
let peer: RawPeer
let server: SoakServer

describe("what a message claims, holds or asks for", () => {
  before(async () => {
    // By default, Redis lets go of a subscriber that it owes more than 32 MB.
    redis = await startRedis(["--client-output-buffer-limit", "pubsub 0 0 0"])
    peer = new RawPeer(redis.port)
    const pair = await connectPair("redis6", redis.port)
    const { pubClient, subClient } = pair
    server = new SoakServer(pair, createAdapter(pubClient, subClient, { requestsTimeout: 2_000 }))
    await adapter().subscribed()
    server.connect("/", "answers")
    await heardAll()
  })
  after(async () => {
    peer.close()
    await server.close()
    await redis[Symbol.asyncDispose]()
  })

  it("allocates nothing where it claims more than it holds", { timeout }, async () => {
    const messages = places.flatMap(([channel, start]) =>
      claims.map(([, head]) => [channel, Buffer.concat([start, head, raw(0xa1, 0x41)])] as const),
    )
    const round = async () => {
      for (const [channel, message] of messages) await peer.publish(channel, message)
    }
    const { malformed } = adapter().stats()
    const grown = await assertStable(round)
    assert.equal(adapter().stats().malformed - malformed, 2 * messages.length)
    assert.ok(grown <= MEGABYTE, `${grown} bytes`)
  })

  it("has a bounded depth", { timeout }, async () => {
    const json = `["AAAAAA",{"type":2,"nsp":"/","data":["e",${"[".repeat(1_000_000)}`
    const messages = [
      Buffer.alloc(100_000, 0x91),
      Buffer.alloc(1_000_000, 0x91),
      Buffer.alloc(1_000_000, 0x81),
      Buffer.concat([raw(0x93), encode("AAAAAA"), Buffer.alloc(1_000_000, 0x91)]),
      Buffer.concat([raw(0x83), pairs({ type: 6 }), encode("data"), Buffer.alloc(1_000_000, 0x91)]),
      json,
      `${json}${"]".repeat(1_000_000)}]},{"rooms":[]}]`,
      `${"[".repeat(1_000_000)}${"]".repeat(1_000_000)}`,
      `{"type":6,"data":["e",${"[".repeat(1_000_000)}${"]".repeat(1_000_000)}]}`,
      `{"type":6,"data":["e",${'{"a":'.repeat(1_000_000)}1${"}".repeat(1_000_000)}]}`,
      `{"requestId":"x","sockets":${"[".repeat(1_000_000)}${"]".repeat(1_000_000)}}`,
    ]
    const round = async () => {
      for (const message of messages) {
        for (const channel of CHANNELS) await peer.publish(channel, message)
      }
    }
    // The longest of these messages has 2 MB.
    const grown = await assertStable(round)
    assert.ok(grown <= 32 * MEGABYTE, `${grown} bytes`)
  })

  it("takes memory once, and gives back what can be given back: 100 MB", { timeout }, async (t) => {
    const data = ["event", "x".repeat(100 * MEGABYTE)]
    const opts = { rooms: [], except: [], flags: {} }
    const broadcast = encode(["AAAAAA", { type: 2, data, nsp: "/" }, opts])
    const request = encode({ type: 6, data })
    let heard = 0
    server.io.on("event", (text: string) => (heard += text.length))
    const [{ delivered }, marked] = [adapter().stats(), markers]
    const grown = await assertStable(async () => {
      await peer.publish(BROADCASTS, broadcast)
      await heardAll()
      await peer.publish(REQUESTS, request)
    })
    server.io.removeAllListeners("event")
    assert.equal(adapter().stats().delivered - delivered - (markers - marked), 2)
    assert.equal(heard, 2 * 100 * MEGABYTE)
    t.diagnostic(`WebAssembly's memory grew by ${grown / MEGABYTE} MB`)
  })

  it("is as cheap as it is short: 200,000 messages", { timeout }, async () => {
    const messages = [raw(0xc0), raw(0x90), Buffer.from("{}"), encode(["AAAAAA"])]
    const grown = await assertStable(async () => {
      for (let batch = 0; batch < 10; batch++) {
        const publishing = Array.from({ length: 10_000 }, (_, index) =>
          peer.publish(CHANNELS[index % 3] as string, messages[index % 4] as Buffer),
        )
        await Promise.all(publishing)
      }
    })
    assert.ok(grown <= MEGABYTE, `${grown} bytes`)
  })
})

function adapter(): RedisAdapter {
  return server.nsp.adapter as unknown as RedisAdapter
}

/** Gives when the server has done what was published before. */
async function heardAll(): Promise<void> {
  const marker = ++markers
  await peer.broadcast("MessagePack", { data: ["marker", marker] })
  await server.witness.heard(marker, never)
}

const never = new AbortController().signal

let markers = 0

/** What is held once nothing is under way, in bytes. */
async function held(): Promise<{ wasm: number; others: number }> {
  await heardAll()
  for (let round = 0; round < 5; round++) {
    globalThis.gc?.()
    await setTimeout(20)
  }
  const { heapUsed, external } = process.memoryUsage()
  return { wasm: wasmBytes(), others: heapUsed + external - wasmBytes() }
}

/**
 * Checks that nothing is held after a second time that was not held after the first; gives the bytes
 * by which the memory of WebAssembly has grown the first time.
 */
async function assertStable(act: () => Promise<unknown>): Promise<number> {
  const start = await held()
  await act()
  const first = await held()
  await act()
  const second = await held()
  assert.equal(second.wasm, first.wasm)
  assert.ok(second.others - first.others < 2 * MEGABYTE, `${second.others - first.others} bytes`)
  return first.wasm - start.wasm
}

/** The members of a map, without its head. */
function pairs(members: object): Buffer {
  return encode(members).subarray(1)
}
