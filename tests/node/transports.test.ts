import assert from "node:assert/strict"
import { Buffer } from "node:buffer"
import { once } from "node:events"
import { after, before, describe, it } from "node:test"
import { setImmediate } from "node:timers/promises"
import { type Client, hear, TestServer, times } from "./support/cluster.ts"
import { type RedisServer, startRedis } from "./support/redis-server.ts"

const timeout = 30_000

/** What passes each transport another way: text, an attachment, much of both. */
const events: unknown[][] = [
  ["text", "é😀\u2028", { a: [1, null] }],
  ["binary", Buffer.from([0, 255]), "between", Buffer.alloc(0)],
  ["long", "x".repeat(70_000)],
  ["long binary", Buffer.alloc(70_000, 7)],
]

let redis: RedisServer
before(async () => {
  redis = await startRedis()
})
after(() => redis[Symbol.asyncDispose]())

describe("a broadcast reaches", () => {
  let a: TestServer, b: TestServer, deflating: TestServer
  const servers = () => [a.io, b.io, deflating.io]

  before(async () => {
    ;[a, b, deflating] = await Promise.all([
      TestServer.startWithRedis("redis6", redis.port),
      TestServer.startWithRedis("ioredis6", redis.port),
      TestServer.startWithRedis("redis6", redis.port, { perMessageDeflate: { threshold: 0 } }),
    ])
  })
  after(() => Promise.all([a, b, deflating].map((server) => server.close())))

  /** Checks that a client hears what its own server sends, and another one. */
  async function hearsAll(client: Client): Promise<void> {
    for (const { io } of [a, b, deflating]) {
      const [heard] = await hear(servers(), [client], () => {
        for (const [event, ...args] of events) io.emit(event as string, ...args)
      })
      assert.deepEqual(heard, events)
    }
  }

  it("a client that polls", { timeout }, async () => {
    const client = await b.connect("/", { transports: ["polling"] })
    assert.equal(client.remote.conn.transport.name, "polling")
    await hearsAll(client)
    client.socket.disconnect()
  })

  it("a client that compresses", { timeout }, async () => {
    const client = await deflating.connect()
    await hearsAll(client)
    const [heard] = await hear(servers(), [client], () => a.io.compress(false).emit("e", "text"))
    assert.deepEqual(heard, [["e", "text"]])
    client.socket.disconnect()
  })

  it("clients of different transports in one room", { timeout }, async () => {
    const clients = await Promise.all([
      b.connect(),
      b.connect("/", { transports: ["polling"] }),
      b.connect(),
      deflating.connect(),
    ])
    for (const client of clients) client.remote.join("mixed")
    const heard = await hear(servers(), clients, () => {
      for (const [event, ...args] of events) a.io.to("mixed").emit(event as string, ...args)
    })
    assert.deepEqual(heard, times(4, events))
    for (const client of clients) client.socket.disconnect()
  })

  it("a client that changes its transport meanwhile", { timeout }, async () => {
    const client = await b.connect("/", { transports: ["polling", "websocket"] })
    const { conn } = client.remote
    assert.equal(conn.transport.name, "polling", "the upgrade is still to come")
    const upgraded = once(conn, "upgrade")
    let sent = 0
    const [heard] = await hear(servers(), [client], async () => {
      while (conn.transport.name === "polling") {
        for (const { io } of [a, b]) io.emit("e", sent, Buffer.from("b"))
        sent += 1
        await setImmediate()
      }
      await upgraded
    })
    const numbers = heard?.map(([, number]) => number)
    const twice = Array.from({ length: sent }, (_, number) => [number, number]).flat()
    assert.deepEqual(
      numbers?.toSorted((x, y) => Number(x) - Number(y)),
      twice,
    )
    client.socket.disconnect()
  })

  it("an engine that is watched, as strings and bytes", { timeout }, async () => {
    const client = await b.connect()
    const packets: unknown[] = []
    const watch = ({ type, data }: { type: string; data: unknown }) => {
      if (type === "message") packets.push(data)
    }
    client.remote.conn.on("packetCreate", watch)
    await hear([a.io], [client], () => {
      a.io.emit("text", 1)
      a.io.emit("binary", Buffer.from("b"))
    })
    const header = '51-["binary",{"_placeholder":true,"num":0}]'
    assert.deepEqual(packets.slice(0, 3), ['2["text",1]', header, Buffer.from("b")])
    client.remote.conn.off("packetCreate", watch)
    await hearsAll(client)
    client.socket.disconnect()
  })
})
