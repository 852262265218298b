// What a driver of shard channels does with one server, with sentinels and with the memory bus.
import assert from "node:assert/strict"
import { Buffer } from "node:buffer"
import { after, before, describe, it } from "node:test"
import { Redis as Ioredis5 } from "ioredis5"
import { createClient as createRedis4 } from "redis4"
import { createClient as createRedis5 } from "redis5"
import { createClient as createRedis6 } from "redis6"
import { driverFor, type RedisDriver } from "../../js/src/redis/driver.ts"
import { memoryBus } from "../../js/src/redis/memory.ts"
import type { NodeRedisNode } from "../../js/src/redis/node-redis.ts"
import { dial } from "../../js/src/redis/node-redis-dial.ts"
import { shardedDriverFor } from "../../js/src/redis/sharded-driver.ts"
import { type ClientName, clientNames, clientNamesFor, makePair } from "./support/clients.ts"
import {
  becomes,
  connect,
  connectDriver,
  Inbox,
  Keeper,
  noop,
  refuseUnhandledRejections,
} from "./support/drivers.ts"
import { type SentinelDeployment, startSentinel } from "./support/redis-sentinel.ts"
import { type RedisServer, startRedis } from "./support/redis-server.ts"

const timeout = 15_000
const names = clientNames.filter((name) => name !== "redis3")

refuseUnhandledRejections()

for (const name of names) describe(`${name} with one server`, () => oneServer(name))

function oneServer(name: ClientName): void {
  let server: RedisServer

  before(async () => {
    server = await startRedis()
  })
  after(() => server[Symbol.asyncDispose]())

  it("carries bytes exactly, by SPUBLISH", { timeout }, async (t) => {
    const [driver] = await connectDriver(t, name, server.port, shardedDriverFor)
    const control = connect(t, server.port)
    const inbox = new Inbox()
    await driver.subscribe("channel", "bytes é", inbox.listener)
    const every = Uint8Array.from({ length: 256 }, (_, byte) => byte)
    const messages = [every, Buffer.alloc(1 << 20, every), new Uint8Array(0)]
    for (const message of messages) assert.equal(await driver.publish("bytes é", message), 1)
    assert.equal(await control.publish("bytes é", "not of a shard"), 0)
    await driver.publish("bytes é", "end ✓")
    await inbox.until("end ✓")
    assert.equal(inbox.heard.length, messages.length + 1)
    messages.forEach((message, index) => assert.ok(inbox.heard[index]?.message.equals(message)))
    assert.equal(inbox.heard[0]?.channel, "bytes é")
    assert.equal(driver.heard, messages.length + 1)
    const stats = await control.info("commandstats")
    assert.match(stats, /cmdstat_spublish:calls=4,/)
  })

  it("keeps apart from the classic driver of the same clients", { timeout }, async (t) => {
    const [driver, pair] = await connectDriver(t, name, server.port, shardedDriverFor)
    assert.equal(shardedDriverFor(pair.pubClient, pair.subClient), driver)
    const classic = driverFor(pair.pubClient, pair.subClient)
    assert.notEqual(classic, driver)
    if (!classic.ready) await becomes(classic, "ready")
    const [sharded, plain] = [new Inbox(), new Inbox()]
    await driver.subscribe("channel", "same", sharded.listener)
    await classic.subscribe("channel", "same", plain.listener)
    assert.deepEqual([await driver.count(["same"]), await classic.count(["same"])], [[1], [1]])
    await driver.publish("same", "to the shard")
    await classic.publish("same", "to all")
    await Promise.all([sharded.until("to the shard"), plain.until("to all")])
    assert.deepEqual(sharded.texts(), ["same to the shard"])
    assert.deepEqual(plain.texts(), ["same to all"])
  })

  it("counts subscribers, adapters of one connection apart", { timeout }, async (t) => {
    const [driver] = await connectDriver(t, name, server.port, shardedDriverFor)
    const [other] = await connectDriver(t, name, server.port, shardedDriverFor)
    const [first, second] = [new Inbox(), new Inbox()]
    await driver.subscribe("channel", "counted", first.listener)
    await driver.subscribe("channel", "counted", second.listener)
    await other.subscribe("channel", "counted", first.listener)
    assert.deepEqual(await driver.count(["counted", "nobody's"]), [3, 0])
    await driver.unsubscribe("channel", "counted", first.listener)
    await other.unsubscribe("channel", "counted", first.listener)
    assert.deepEqual(await driver.count(["counted"]), [1])
  })

  it("asks for thousands of names in few commands", { timeout }, async (t) => {
    const [driver] = await connectDriver(t, name, server.port, shardedDriverFor)
    const control = connect(t, server.port)
    await control.config("RESETSTAT")
    const inbox = new Inbox()
    const many = Array.from({ length: 5_000 }, (_, index) => `many-${index}#`)
    const ofAll = (act: "subscribe" | "unsubscribe") =>
      Promise.all(many.map((one) => driver[act]("channel", one, inbox.listener)))
    const callsOf = async (command: string) => {
      const stats = await control.info("commandstats")
      return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1])
    }
    await ofAll("subscribe")
    assert.equal(((await control.call("PUBSUB", "SHARDCHANNELS")) as string[]).length, 5_000)
    assert.equal(await callsOf("ssubscribe"), 5)
    await Promise.all(many.map((one) => driver.publish(one, one)))
    while (inbox.heard.length < many.length) await inbox.next()
    assert.deepEqual(inbox.texts().toSorted(), many.map((one) => `${one} ${one}`).toSorted())
    await ofAll("unsubscribe")
    assert.equal(((await control.call("PUBSUB", "SHARDCHANNELS")) as string[]).length, 0)
    assert.equal(await callsOf("sunsubscribe"), 5)
  })

  it("ends up as it was told last, whatever is still in flight", { timeout }, async (t) => {
    const [driver] = await connectDriver(t, name, server.port, shardedDriverFor)
    const inbox = new Inbox()
    const subscribe = () => driver.subscribe("channel", "hasty", inbox.listener)
    const unsubscribe = () => driver.unsubscribe("channel", "hasty", inbox.listener)
    await Promise.all([subscribe(), unsubscribe(), subscribe(), unsubscribe()])
    assert.deepEqual(await driver.count(["hasty"]), [0])
    await Promise.all([subscribe(), unsubscribe(), subscribe()])
    assert.deepEqual(await driver.count(["hasty"]), [1])
    await driver.publish("hasty", "end")
    await inbox.until("end")
    assert.deepEqual(inbox.texts(), ["hasty end"])
  })

  it("refuses what Redis refuses, and nothing that was asked with it", { timeout }, async (t) => {
    const [driver] = await connectDriver(t, name, server.port, shardedDriverFor)
    const control = connect(t, server.port)
    const inbox = new Inbox()
    await control.acl("SETUSER", "default", "resetchannels", "&mine-*")
    const asked = ["mine-1", "yours", "mine-2"].map((one) =>
      driver.subscribe("channel", one, inbox.listener),
    )
    const outcomes = await Promise.allSettled(asked)
    await control.acl("SETUSER", "default", "allchannels")
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ["fulfilled", "rejected", "fulfilled"],
    )
    assert.match(String((outcomes[1] as PromiseRejectedResult).reason), /NOPERM/)
    assert.deepEqual(await driver.count(["mine-1", "yours", "mine-2"]), [1, 0, 1])
    await driver.publish("mine-2", "end")
    await inbox.until("end")
  })

  it("is lost with the server, and takes all names when it is back", { timeout }, async (t) => {
    const [driver] = await connectDriver(t, name, server.port, shardedDriverFor)
    const lost = becomes(driver, "lost")
    const keeper = new Keeper(driver, ["back-1", "back-2"])
    await keeper.settled()
    await server.kill()
    await lost
    assert.equal(driver.ready, false)
    const ready = becomes(driver, "ready")
    await server.start()
    await ready
    await keeper.settled()
    assert.deepEqual(await driver.count(["back-1", "back-2"]), [1, 1])
    await driver.publish("back-1", "once")
    await driver.publish("back-2", "end")
    await keeper.inbox.until("end")
    assert.deepEqual(keeper.inbox.texts(), ["back-1 once", "back-2 end"])
    assert.deepEqual(keeper.ended, [])
  })
}

describe("sentinels", () => {
  let sentinel: SentinelDeployment

  before(async () => {
    sentinel = await startSentinel()
  })
  after(() => sentinel[Symbol.asyncDispose]())

  it("subscribes at the new master after a failover", { timeout: 30_000 }, async (t) => {
    const all: { driver: RedisDriver; keeper: Keeper; channel: string }[] = []
    for (const name of clientNamesFor.sentinel) {
      const [driver] = await connectDriver(t, name, sentinel, shardedDriverFor)
      const keeper = new Keeper(driver, [name])
      await keeper.settled()
      await driver.publish(name, "before")
      await keeper.inbox.until("before")
      all.push({ driver, keeper, channel: name })
    }
    const lost = all.map(({ driver }) => becomes(driver, "lost"))
    const ready = all.map(({ driver }) => becomes(driver, "ready"))
    await sentinel.failover()
    await Promise.all([...lost, ...ready])
    for (const { driver, keeper, channel } of all) {
      await keeper.settled()
      await driver.publish(channel, "end")
      await keeper.inbox.until("end")
      assert.deepEqual(keeper.inbox.texts(), [`${channel} before`, `${channel} end`])
      assert.deepEqual(await driver.count([channel]), [1])
    }
  })
})

describe("a memory bus", () => {
  it("keeps its shard channels apart from the others", async () => {
    const bus = memoryBus()
    const driver = shardedDriverFor(bus, bus)
    assert.equal(shardedDriverFor(bus, bus), driver)
    assert.notEqual(driver, driverFor(bus, bus))
    const [sharded, plain] = [new Inbox(), new Inbox()]
    await driver.subscribe("channel", "same", sharded.listener)
    await bus.subscribe("pattern", "s*", plain.listener)
    assert.equal(await driver.publish("same", "to the shard"), 1)
    assert.equal(await bus.publish("same", "to all"), 1)
    assert.deepEqual(sharded.texts(), ["same to the shard"])
    assert.deepEqual(plain.texts(), ["same to all"])
    assert.deepEqual([await driver.count(["same"]), await bus.count(["same"])], [[1], [0]])
    assert.deepEqual([driver.heard, bus.heard], [1, 1])
  })
})

describe("a connection in place of one of node-redis", () => {
  const makers: [name: string, make: (options: object) => unknown][] = [
    ["redis4", createRedis4],
    ["redis5", createRedis5],
    ["redis6", createRedis6],
  ]
  for (const [name, make] of makers) {
    it(`is let in as a client of ${name} is`, { timeout }, async (t) => {
      const server = await startRedis()
      t.after(() => server[Symbol.asyncDispose]())
      const control = connect(t, server.port)
      await control.acl("SETUSER", "edge", "on", ">secret", "allchannels", "+@all")
      const socket = { host: "127.0.0.1", port: server.port }
      const options = { socket, username: "edge", password: "secret", name: "of-edge" }
      const wire = await dial(make(options) as NodeRedisNode)
      const closed = new Promise<void>((resolve) => wire.take(noop, resolve))
      assert.match(String(await control.client("LIST")), / name=of-edge .* user=edge /)
      wire.close()
      await closed
      const stranger = make({ ...options, password: "wrong" }) as NodeRedisNode
      await assert.rejects(dial(stranger), /WRONGPASS/)
    })
  }
})

describe("clients that cannot", () => {
  it("refuses node-redis 3 and older ioredis, and says what can", (t) => {
    const pair = makePair("redis3", 1)
    t.after(() => pair.close())
    assert.throws(() => shardedDriverFor(pair.pubClient, pair.subClient), {
      code: "ERR_UNSUPPORTED_CLIENT",
      message: /use redis 4\.7 or newer, or ioredis/,
    })
    const old = new Ioredis5({ lazyConnect: true })
    Object.assign(old, { ssubscribe: undefined })
    assert.throws(() => shardedDriverFor(old, old), {
      code: "ERR_UNSUPPORTED_CLIENT",
      message: /use ioredis 5\.11 or newer/,
    })
    assert.equal(old.listenerCount("error"), 0)
  })

  it("refuses a keyPrefix that would rename channels", () => {
    const client = new Ioredis5({ lazyConnect: true, keyPrefix: "app:" })
    assert.throws(() => shardedDriverFor(client, client), {
      code: "ERR_UNSUPPORTED_CLIENT",
      message: /without this option/,
    })
  })

  it("refuses what is no client", () => {
    for (const value of [undefined, "redis://", {}, memoryBus()]) {
      assert.throws(() => shardedDriverFor(value, noop), { code: "ERR_UNKNOWN_REDIS_CLIENT" })
    }
  })
})
