// The option `parser`: how servers write to each other, beside @socket.io/redis-adapter with the same.
import assert from "node:assert/strict"
import { Buffer } from "node:buffer"
import { randomUUID } from "node:crypto"
import { after, before, describe, it } from "node:test"
import { Redis } from "ioredis5"
import { Packr } from "msgpackr"
import * as notepack from "notepack.io"
import { type Client, hear, type TestServer } from "./support/cluster.ts"
import { type PackageName, start, until } from "./support/packages.ts"
import { type RedisServer, startRedis } from "./support/redis-server.ts"

const timeout = 30_000
/** Published servers keep a timer for so many milliseconds. */
const PATIENT = 2_000
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

interface Parser {
  encode(value: unknown): Buffer
  decode(bytes: Uint8Array): unknown
}

const packr = new Packr({ useRecords: false })

/** JSON, with binary as text, behind a byte that tells it from the JSON of requests. */
const toy: Parser = {
  encode: (value) => Buffer.from(`!${JSON.stringify(asTexts(value))}`),
  decode(bytes) {
    const text = Buffer.from(bytes).toString()
    if (!text.startsWith("!")) throw new Error("this is none of ours")
    return JSON.parse(text.slice(1), (_key, value: unknown) =>
      typeof value === "string" && value.startsWith("hex:")
        ? Buffer.from(value.slice(4), "hex")
        : value,
    )
  },
}

function asTexts(value: unknown): unknown {
  if (value instanceof Uint8Array) return `hex:${Buffer.from(value).toString("hex")}`
  if (Array.isArray(value)) return value.map(asTexts)
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, asTexts(inner)]))
}

const parsers: Record<string, Parser> = {
  msgpackr: { encode: (value) => packr.pack(value), decode: (bytes) => packr.unpack(bytes) },
  "notepack.io": { encode: notepack.encode, decode: notepack.decode },
  "one of JSON": toy,
}

for (const [name, parser] of Object.entries(parsers)) {
  describe(`with a parser: ${name}`, () => {
    const key = randomUUID()
    let ours: TestServer, second: TestServer, published: TestServer
    let clients: [Client, Client, Client]
    const publishers = () => [ours.io, second.io, published.io]
    const hearing = (action: () => unknown) => hear(publishers(), clients, action)

    before(async () => {
      const options = { key, parser }
      ;[ours, second, published] = await Promise.all([
        start("ours", redis.port, options),
        start("ours", redis.port, options),
        start("published", redis.port, options),
      ])
      await until(ours, 3)
      clients = await Promise.all([ours.connect(), second.connect(), published.connect()])
      for (const [index, { socket }] of clients.entries()) {
        socket.on("mirror", (value: unknown, answer: (value: unknown) => void) => answer(value))
        socket.on("who", (answer: (index: number) => void) => answer(index))
      }
    })
    after(() => Promise.all([ours, second, published].map((server) => server.close())))

    it("broadcasts are heard on both sides", { timeout }, async () => {
      const event = ["e", 1, "é😀", null, { list: [true, -0.5], bytes: Buffer.from([0, 200, 255]) }]
      for (const io of publishers()) {
        const heard = await hearing(() => io.emit(...(event as [string])))
        assert.deepEqual(heard, [[event], [event], [event]])
      }
    })

    it("broadcasts reach rooms, and carry their flags", { timeout }, async () => {
      for (const { remote } of clients.slice(1)) void remote.join("room")
      for (const io of publishers()) {
        const heard = await hearing(() => io.to("room").compress(false).emit("e", 1))
        assert.deepEqual(heard, [[], [["e", 1]], [["e", 1]]])
      }
      const writes = clients[1].writes()
      for (const io of [ours.io, published.io]) {
        await hearing(() => io.compress(false).emit("e"))
      }
      assert.equal(writes.filter(({ compress }) => compress === false).length, 2)
    })

    it("acknowledgements go both ways, with binary", { timeout }, async () => {
      for (const io of publishers()) {
        const answers = (await io.timeout(PATIENT).emitWithAck("who")) as number[]
        assert.deepEqual(answers.toSorted(), [0, 1, 2])
        for (const value of [Buffer.from([1, 0, 255]), { deep: [Buffer.from("b")] }, "text", [7]]) {
          const mirrored = await io.timeout(PATIENT).emitWithAck("mirror", value)
          assert.deepEqual(mirrored, [value, value, value])
        }
      }
      for (const client of clients) client.take()
    })

    it("requests go both ways", { timeout }, async () => {
      for (const io of publishers()) {
        assert.equal((await io.fetchSockets()).length, 3)
      }
      published.io.on("ask", (number: number, answer: (number: number) => void) =>
        answer(number + 1),
      )
      second.io.on("ask", (number: number, answer: (number: number) => void) => answer(number + 2))
      const answers = (await ours.io.serverSideEmitWithAck("ask", 1)) as number[]
      assert.deepEqual(answers.toSorted(), [2, 3])
    })
  })
}

function encodeSpeakable(value: unknown): Buffer {
  if (JSON.stringify(value).includes("unspeakable")) throw new RangeError("not that")
  return notepack.encode(value)
}

describe("a parser that fails", () => {
  it("on what arrives harms nobody", { timeout }, async (t) => {
    const key = randomUUID()
    const server = await start("ours", redis.port, { key, parser: toy })
    t.after(() => server.close())
    const client = await server.connect()
    const earlier = server.adapter().stats().malformed
    await control.publish(`${key}#/#`, "none of ours")
    await control.publish(`${key}#/#`, "!{")
    await control.publish(`${key}-request#/#`, "none of ours")
    await control.publish(`${key}#/#`, Buffer.from(toy.encode([1, 2, 3])))
    const message = ["AAAAAA", { type: 2, data: ["e"], nsp: "/" }, { rooms: [], except: [] }]
    await control.publish(`${key}#/#`, Buffer.from(toy.encode(message)))
    await client.until("e")
    assert.deepEqual(client.take(), [["e"]])
    assert.equal(server.adapter().stats().malformed, earlier + 4)
  })

  it("on what is sent keeps only the other servers from hearing it", { timeout }, async (t) => {
    const parser = { encode: encodeSpeakable, decode: notepack.decode }
    const hearing = async (kind: PackageName) => {
      const options = { key: randomUUID(), parser }
      const [a, b] = await Promise.all([
        start(kind, redis.port, options),
        start(kind, redis.port, options),
      ])
      t.after(() => Promise.all([a, b].map((server) => server.close())))
      const clients = await Promise.all([a.connect(), b.connect()])
      await until(a, 2)
      return hear([a.io], clients, () => {
        const emit = () => a.io.emit("unspeakable")
        if (kind === "ours") emit()
        else assert.throws(emit, RangeError)
        a.io.emit("spoken")
      })
    }
    assert.deepEqual(await hearing("ours"), [[["unspeakable"], ["spoken"]], [["spoken"]]])
    assert.deepEqual(await hearing("published"), [[["spoken"]], [["spoken"]]])
  })
})
