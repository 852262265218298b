// Which Redis clients are taken, and what their options change.
import assert from "node:assert/strict"
import { Buffer } from "node:buffer"
import { after, before, describe, it, type TestContext } from "node:test"
import { Redis as Ioredis5 } from "ioredis5"
import { Redis as Ioredis6 } from "ioredis6"
import { createClient as createRedis3 } from "redis3"
import { createClientPool } from "redis5"
import { driverFor, type RedisDriver } from "../../js/src/redis/driver.ts"
import {
  type ClientName,
  type ClientPair,
  clientNames,
  connectPair,
  makePair,
} from "./support/clients.ts"
import { becomes, connect, Inbox, noop, refuseUnhandledRejections } from "./support/drivers.ts"
import { type RedisServer, reserveRedis, startRedis } from "./support/redis-server.ts"

const timeout = 15_000

refuseUnhandledRejections()

for (const name of clientNames) describe(name, () => acceptance(name))

function acceptance(packageName: ClientName): void {
  let server: RedisServer
  let pair: ClientPair
  let driver: RedisDriver

  before(async () => {
    server = await startRedis()
    pair = await connectPair(packageName, server.port)
    driver = driverFor(pair.pubClient, pair.subClient)
  })

  after(async () => {
    pair.close()
    await server[Symbol.asyncDispose]()
  })

  it("rejects what Redis refuses, and can ask again", { timeout }, async (t) => {
    const control = connect(t, server.port)
    const inbox = new Inbox()
    await control.acl("SETUSER", "default", "resetchannels")
    await assert.rejects(driver.subscribe("pattern", "refused*", inbox.listener), /NOPERM/)
    await control.acl("SETUSER", "default", "allchannels")
    await driver.subscribe("pattern", "refused*", inbox.listener)
    await driver.publish("refused", Buffer.from("end"))
    await inbox.until("end")
    assert.deepEqual(inbox.texts(), ["refused end"])
    await driver.unsubscribe("pattern", "refused*", inbox.listener)
    assert.equal(await control.pubsub("NUMPAT"), 0)
  })

  it("subscribes for publishers of any package alike", { timeout }, async (t) => {
    const publisher = new Ioredis6(server.port)
    t.after(() => publisher.disconnect())
    const mixed = driverFor(publisher, pair.subClient)
    assert.notEqual(mixed, driver)
    const [one, other] = [new Inbox(), new Inbox()]
    await driver.subscribe("channel", "mixed", one.listener)
    await mixed.subscribe("channel", "mixed", other.listener)
    assert.equal(await mixed.publish("mixed", Buffer.from("end")), 1)
    assert.deepEqual(await mixed.count(["mixed"]), [2])
    await Promise.all([one.until("end"), other.until("end")])
    await mixed.unsubscribe("channel", "mixed", other.listener)
    assert.deepEqual(await driver.count(["mixed"]), [1])
    await driver.unsubscribe("channel", "mixed", one.listener)
  })

  it("warns once of a client without an error handler, which survives", { timeout }, (t) => {
    const clients = makePair(packageName, server.port)
    t.after(() => clients.close())
    const warn = t.mock.method(console, "warn", noop)
    driverFor(clients.pubClient, clients.subClient)
    clients.subClient.emit("error", new Error("handled by the test's own listener"))
    assert.equal(warn.mock.callCount(), 0)
    for (const client of [clients.pubClient, clients.subClient]) {
      const handlers = client.listeners("error") as (() => void)[]
      client.off("error", handlers[0] ?? noop)
      assert.equal(client.listenerCount("error"), 1)
      client.emit("error", new Error("handled by nobody"))
      client.emit("error", new Error("again"))
    }
    const texts = warn.mock.calls.map((call) => call.arguments[0])
    assert.deepEqual(texts, Array(2).fill("missing 'error' handler on this Redis client"))
  })
}

describe("options of a client", () => {
  const lazy = {
    "ioredis 5": (port: number) => new Ioredis5({ port, lazyConnect: true }),
    "ioredis 6": (port: number) => new Ioredis6({ port, lazyConnect: true }),
  }
  for (const [name, make] of Object.entries(lazy)) {
    it(`connects a lazy client of ${name}`, { timeout }, async (t) => {
      const server = await reserve(t)
      const clients = [make(server.port), make(server.port)] as const
      t.after(() => clients.forEach((client) => client.disconnect()))
      clients.forEach((client) => client.on("error", noop))
      // The first attempt fails; the clients try again as they do once they were told to connect.
      const driver = driverFor(...clients)
      await server.start()
      await hearsBytes(driver)
    })
  }

  for (const option of ["return_buffers", "detect_buffers", "string_numbers"]) {
    it(`hears bytes with ${option} of redis 3`, { timeout }, async (t) => {
      const server = await reserve(t)
      await server.start()
      const make = () => createRedis3({ port: server.port, [option]: true })
      const clients = [make(), make()] as const
      t.after(() => clients.forEach((client) => client.end(false)))
      await hearsBytes(driverFor(...clients))
    })
  }
})

describe("clients that are none", () => {
  const half = { isOpen: true, isReady: true, on() {}, publish() {}, subscribe() {} }
  const values: [what: string, value: unknown, description: RegExp][] = [
    ["null", null, /not null$/],
    ["a missing client", undefined, /not undefined$/],
    ["a URL", "redis://localhost", /not a string$/],
    ["an empty object", {}, /not an object of class Object$/],
    ["an object without a class", Object.create(null), /not an object of class \(none\)$/],
    ["a promise of a client", Promise.resolve(), /not an object of class Promise$/],
    ["a pool of clients", createClientPool(), /not an object of class/],
    ["half a client of node-redis", half, /not an object of class Object$/],
    ["half a client of ioredis", { ...half, status: "ready" }, /not an object of class Object$/],
  ]
  for (const [what, value, description] of values) {
    it(`refuses ${what}`, (t) => {
      const good = new Ioredis5({ lazyConnect: true })
      t.after(() => good.disconnect())
      const code = "ERR_UNKNOWN_REDIS_CLIENT"
      const accepted = /must be a client of node-redis 3-6 or of ioredis 5-6/
      for (const message of [accepted, description, /^pubClient/]) {
        assert.throws(() => driverFor(value, good), { name: "AdapterError", code, message })
      }
      assert.throws(() => driverFor(good, value), { code, message: /^subClient/ })
    })
  }
})

async function hearsBytes(driver: RedisDriver): Promise<void> {
  const inbox = new Inbox()
  if (!driver.ready) await becomes(driver, "ready")
  await driver.subscribe("pattern", "bytes*", inbox.listener)
  await driver.subscribe("channel", "bytes", inbox.listener)
  assert.equal(await driver.publish("bytes", Uint8Array.of(0xff, 0x00, 0xc3)), 2)
  await driver.publish("bytes", Buffer.from("end"))
  await inbox.until("end")
  while (inbox.heard.length < 4) await inbox.next()
  const heard = inbox.heard.map(({ channel, message }) => `${channel} ${message.toString("hex")}`)
  assert.deepEqual(heard.toSorted(), [
    "bytes 656e64",
    "bytes 656e64",
    "bytes ff00c3",
    "bytes ff00c3",
  ])
}

async function reserve(t: TestContext): Promise<RedisServer> {
  const server = await reserveRedis()
  t.after(() => server[Symbol.asyncDispose]())
  return server
}
