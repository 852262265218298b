// The in-process bus that takes the place of Redis: what it has in common with it, and its entry.
import assert from "node:assert/strict"
import { Buffer } from "node:buffer"
import { createRequire } from "node:module"
import { describe, it } from "node:test"
import { Redis } from "ioredis5"
import { createAdapter } from "socket.io-redis-edge"
import { memoryBus } from "socket.io-redis-edge/memory"
import { driverFor } from "../../js/src/redis/driver.ts"
import { memoryBus as memoryBusOfSource } from "../../js/src/redis/memory.ts"
import { hear, TestServer } from "./support/cluster.ts"
import { Inbox } from "./support/drivers.ts"
import { startRedis } from "./support/redis-server.ts"

const timeout = 15_000
const require = createRequire(import.meta.url)

describe("a memory bus", () => {
  it("delivers what was published, later and to whoever is still subscribed", async () => {
    const bus = memoryBus()
    const heard: string[] = []
    const gone = () => heard.push("gone")
    const message = new Uint8Array([1, 2, 3])
    let received: Uint8Array | undefined
    await bus.subscribe("channel", "room", gone)
    await bus.subscribe("channel", "room", (_, bytes) => {
      received = bytes
      heard.push("heard")
    })
    const publishing = bus.publish("room", message)
    const leaving = bus.unsubscribe("channel", "room", gone)
    const joining = bus.subscribe("channel", "room", () => heard.push("late"))
    assert.deepEqual(heard, [])
    assert.equal(await publishing, 2)
    await Promise.all([leaving, joining])
    assert.deepEqual(heard, ["heard"])
    assert.equal(received, message)
  })

  it("matches patterns as Redis does", { timeout }, async (t) => {
    const server = await startRedis()
    const [publisher, subscriber] = [new Redis(server.port), new Redis(server.port)]
    t.after(async () => {
      publisher.disconnect()
      subscriber.disconnect()
      await server[Symbol.asyncDispose]()
    })
    const random = numbers(20_261_122)
    const text = (alphabet: readonly string[], most: number) =>
      Array.from({ length: random(most) }, () => alphabet[random(alphabet.length)]).join("")
    const specials = ["*", "?", "[", "]", "^", "-", "\\", "a", "b", "c", "é", "b", "[a-c]", "[^a]"]
    // Which bytes lie between an ASCII one and another depends on the machine that Redis was made for.
    const patterns = Array.from({ length: 3_000 }, () => `#${text(specials, 8)}`).filter(
      (pattern) => !/é-|-é/.test(pattern),
    )
    const channels = Array.from({ length: 60 }, () => `#${text(specials, 4)}`)
    const bus = memoryBus()
    const redis = driverFor(publisher, subscriber)
    const own = new Inbox()
    const actual = new Map<string, Set<string>>()
    await Promise.all(
      patterns.map((pattern) =>
        bus.subscribe("pattern", pattern, (channel) => {
          const name = Buffer.from(channel).toString()
          actual.set(name, (actual.get(name) ?? new Set()).add(pattern))
        }),
      ),
    )
    await subscriber.psubscribe(...patterns)
    const expected = new Map<string, Set<string>>()
    let matches = 0
    subscriber.on("pmessage", (pattern: string, channel: string) => {
      matches += 1
      expected.set(channel, (expected.get(channel) ?? new Set()).add(pattern))
    })
    await redis.subscribe("channel", "end", own.listener)
    for (const channel of channels) {
      await bus.publish(channel, Buffer.from("x"))
      await publisher.publish(channel, "x")
    }
    await publisher.publish("end", "end")
    await own.until("end")
    assert.ok(matches > 500)
    for (const channel of channels) {
      assert.deepEqual(actual.get(channel), expected.get(channel), channel)
    }
  })

  it("is its own driver, from whatever copy of the package it comes", () => {
    const required = require("socket.io-redis-edge/memory") as { memoryBus: typeof memoryBus }
    for (const bus of [memoryBus(), required.memoryBus(), memoryBusOfSource()]) {
      assert.equal(driverFor(bus, bus), bus)
      assert.equal(typeof createAdapter(bus), "function")
      assert.equal(typeof createAdapter(bus, bus, { key: "app" }), "function")
    }
    const code = "ERR_UNKNOWN_REDIS_CLIENT"
    assert.throws(() => driverFor(memoryBus(), memoryBus()), { code })
  })

  it("makes servers of one process a cluster", { timeout }, async (t) => {
    const bus = memoryBus()
    const start = async (options = {}) => {
      const server = await TestServer.start({ adapter: createAdapter(bus, options) })
      t.after(() => server.close())
      return server
    }
    const [first, second, other] = [await start(), await start(), await start({ key: "other" })]
    const [near, far] = [await first.connect(), await second.connect()]
    const stranger = await other.connect()
    await far.remote.join("room")
    const toAll = () => first.io.emit("hello", Buffer.from([0xff]))
    assert.deepEqual(await hear([first.io], [near, far], toAll), [
      [["hello", Buffer.from([0xff])]],
      [["hello", Buffer.from([0xff])]],
    ])
    assert.deepEqual(await hear([first.io], [near, far], () => first.io.to("room").emit("in")), [
      [],
      [["in"]],
    ])
    assert.deepEqual(stranger.take(), [])
  })
})

/** Integers below a bound, the same ones for the same seed. */
function numbers(seed: number): (bound: number) => number {
  let state = seed
  return (bound) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * bound)
  }
}
