// What the adapter tells of what goes wrong, and how it says that it stands.
import assert from "node:assert/strict"
import { once } from "node:events"
import { after, before, describe, it } from "node:test"
import { setTimeout as delay } from "node:timers/promises"
import { Redis } from "ioredis5"
import { FaultError } from "socket.io-redis-edge"
import { type Client, TestServer } from "./support/cluster.ts"
import { type RedisServer, startRedis } from "./support/redis-server.ts"

const timeout = 30_000
const CHANNEL = "socket.io#/#"

describe("the event error of an adapter", () => {
  let redis: RedisServer, raw: Redis
  let server: TestServer, client: Client
  const told: FaultError[] = []
  const listener = (error: FaultError) => told.push(error)

  before(async () => {
    redis = await startRedis()
    raw = new Redis(redis.port)
    server = await TestServer.startWithRedis("redis6", redis.port)
    client = await server.connect()
  })
  after(async () => {
    await server.close()
    raw.disconnect()
    await redis[Symbol.asyncDispose]()
  })

  const adapter = () => server.adapter()
  const spoil = async (times: number) => {
    const messages = Array.from({ length: times }, () => raw.publish(CHANNEL, "no message"))
    await Promise.all(messages)
    server.io.emit("end")
    await client.until("end")
    client.take()
    const { malformed } = adapter().stats()
    for (let left = malformed; left < times; left = adapter().stats().malformed) await delay(1)
  }

  it("is not emitted where nobody listens, which would end the process", { timeout }, async () => {
    await spoil(3)
    assert.deepEqual(told, [])
  })

  it("tells of each kind once a minute, with how often it was", { timeout }, async () => {
    adapter().on("error", listener)
    await spoil(5)
    assert.equal(told.length, 1)
    const [first] = told
    assert.ok(first instanceof FaultError)
    assert.equal(first.code, "ERR_MALFORMED_MESSAGE")
    assert.match(first.message, / \(\w+\), on socket\.io#\/#$/)
    // Those before somebody listened, too.
    assert.equal(first.occurrences, 4)
    assert.equal(adapter().stats().malformed, 8)
  })

  it("tells of a room that can be none, which reaches nobody", { timeout }, async () => {
    const room = {} as string
    const names = ["nobody", "\0nobody", "[object Object]", true, null, undefined] as string[]
    client.remote.join([...names, room])
    assert.equal(told.at(-1)?.code, "ERR_INVALID_ROOM")
    assert.equal(client.remote.rooms.has(room), false)
    server.io.to(room).emit("of an object")
    server.io.emit("end")
    await client.until("end")
    assert.deepEqual(client.take(), [["end"]])
  })

  it("tells of a subscription that brings nothing, which is made anew", { timeout }, async () => {
    const subClient = server.pair?.subClient as unknown as { pUnsubscribe(name: string): unknown }
    await subClient.pUnsubscribe("socket.io#/#*")
    const [error] = await once(adapter(), "error")
    assert.equal(error.code, "ERR_DEAF_SUBSCRIPTION")
    await adapter().subscribed()
    assert.equal(adapter().stats().deaf, 1)
    await raw.publish(CHANNEL, "no message")
    while (adapter().stats().malformed === 8) await delay(1)
  })
})

describe("the counters of an adapter", () => {
  it("are plain numbers that say how it stands", { timeout }, async (t) => {
    const redis = await startRedis()
    t.after(() => redis[Symbol.asyncDispose]())
    const server = await TestServer.startWithRedis("ioredis5", redis.port)
    t.after(() => server.close())
    const stats = () => server.adapter().stats()
    for (const [name, value] of Object.entries(stats())) {
      assert.ok(Number.isSafeInteger(value), name)
    }
    const { connected, degraded, subscriptions, messagesOut, bytesOut } = stats()
    assert.deepEqual(
      { connected, degraded, subscriptions },
      {
        connected: 1,
        degraded: 0,
        subscriptions: 4,
      },
    )
    server.io.emit("one")
    assert.equal(stats().messagesOut, messagesOut + 1)
    assert.ok(stats().bytesOut > bytesOut)
    const asking = server.adapter().allRooms()
    assert.equal(stats().openRequests, 1)
    await asking
    assert.equal(stats().openRequests, 0)

    await redis.kill()
    while (stats().connected === 1) await delay(1)
    assert.equal(stats().degraded, 1)
    await redis.start()
    while (stats().degraded === 1) await delay(1)
    assert.equal(stats().connected, 1)
    assert.equal(stats().subscriptions, 4)
  })
})
