import assert from "node:assert/strict"
import { Buffer } from "node:buffer"
import { after, before, describe, it, type TestContext } from "node:test"
import { Redis as Ioredis5 } from "ioredis5"
import { Redis as Ioredis6 } from "ioredis6"
import { createClient as createRedis3 } from "redis3"
import type { RedisConnection } from "../../js/src/redis/connection.ts"
import { driverFor, type MessageListener, type RedisDriver } from "../../js/src/redis/driver.ts"
import { Subscriptions } from "../../js/src/redis/subscriptions.ts"
import { type ClientName, clientNames, connectPair, makePair } from "./support/clients.ts"
import { type RedisServer, reserveRedis, startRedis } from "./support/redis-server.ts"

const timeout = 15_000
const unhandled: unknown[] = []

process.on("unhandledRejection", (reason) => unhandled.push(reason))
after(() => assert.deepEqual(unhandled, []))

for (const name of clientNames) describe(name, () => conformance(name))

function conformance(packageName: ClientName): void {
  let server: RedisServer
  let pair: Awaited<ReturnType<typeof connectPair>>
  let driver: RedisDriver
  let control: Ioredis5

  before(async () => {
    server = await startRedis()
    pair = await connectPair(packageName, server.port)
    driver = driverFor(pair.pubClient, pair.subClient)
    control = new Ioredis5(server.port)
  })

  after(async () => {
    control.disconnect()
    pair.close()
    await server[Symbol.asyncDispose]()
  })

  const subscribers = async (channel: string) => (await control.pubsub("NUMSUB", channel))[1]
  const patterns = () => control.pubsub("NUMPAT")

  it("carries bytes exactly", { timeout }, async () => {
    const inbox = new Inbox()
    await driver.subscribe("channel", "bytes", inbox.listener)
    const large = Buffer.alloc(
      1 << 20,
      Uint8Array.from({ length: 256 }, (_, byte) => byte),
    )
    const every = new Uint8Array(large.buffer, large.byteOffset + 256, 256)
    for (const message of [every, large, new Uint8Array(0)]) {
      assert.equal(await driver.publish("bytes", message), 1)
    }
    await driver.publish("bytes", Buffer.from("end"))
    await inbox.until("end")
    assert.deepEqual(
      inbox.heard.map(({ message }) => message.length),
      [256, large.length, 0, 3],
    )
    assert.ok(inbox.heard[0]?.message.equals(every))
    assert.ok(inbox.heard[1]?.message.equals(large))
    await driver.unsubscribe("channel", "bytes", inbox.listener)
  })

  it("tells a pattern's listener the channel that was published to", { timeout }, async () => {
    const inbox = new Inbox()
    await driver.subscribe("pattern", "io#/é#*", inbox.listener)
    await driver.publish("io#/#", Buffer.from("foreign"))
    await driver.publish("io#/é#", Buffer.from("one"))
    await driver.publish("io#/é#room ✓#", Buffer.from("end"))
    await inbox.until("end")
    assert.deepEqual(inbox.texts(), ["io#/é# one", "io#/é#room ✓# end"])
    await driver.unsubscribe("pattern", "io#/é#*", inbox.listener)
  })

  it("takes escaped specials of a pattern as they stand", { timeout }, async () => {
    const inbox = new Inbox()
    await driver.subscribe("pattern", String.raw`a\*\?\[b\]\\#*`, inbox.listener)
    await driver.publish("axyb#", Buffer.from("foreign"))
    await driver.publish(String.raw`a*?[b]\#`, Buffer.from("end"))
    await inbox.until("end")
    assert.deepEqual(inbox.texts(), [String.raw`a*?[b]\# end`])
    await driver.unsubscribe("pattern", String.raw`a\*\?\[b\]\\#*`, inbox.listener)
  })

  it("keeps a channel and a pattern of the same name apart", { timeout }, async () => {
    const [ofChannel, ofPattern] = [new Inbox(), new Inbox()]
    await driver.subscribe("channel", "same*", ofChannel.listener)
    await driver.subscribe("pattern", "same*", ofPattern.listener)
    await driver.publish("same*", Buffer.from("both"))
    await driver.publish("same?", Buffer.from("end"))
    await ofPattern.until("end")
    assert.deepEqual(ofChannel.texts(), ["same* both"])
    assert.deepEqual(ofPattern.texts(), ["same* both", "same? end"])
    await driver.unsubscribe("channel", "same*", ofChannel.listener)
    await driver.unsubscribe("pattern", "same*", ofPattern.listener)
  })

  it("ends a subscription in Redis with its last listener", { timeout }, async () => {
    const [first, second] = [new Inbox(), new Inbox()]
    await driver.subscribe("channel", "shared", first.listener)
    await driver.subscribe("channel", "shared", first.listener)
    await driver.subscribe("channel", "shared", second.listener)
    await driver.publish("shared", Buffer.from("both"))
    await second.until("both")
    await driver.unsubscribe("channel", "shared", first.listener)
    assert.equal(await subscribers("shared"), 1)
    await driver.publish("shared", Buffer.from("end"))
    await second.until("end")
    assert.deepEqual(first.texts(), ["shared both"])
    assert.deepEqual(second.texts(), ["shared both", "shared end"])
    await driver.unsubscribe("channel", "shared", second.listener)
    assert.equal(await subscribers("shared"), 0)

    assert.equal(await patterns(), 0)
    await driver.subscribe("pattern", "shared*", first.listener)
    assert.equal(await patterns(), 1)
    await driver.unsubscribe("pattern", "shared*", second.listener)
    assert.equal(await patterns(), 1)
    await driver.unsubscribe("pattern", "shared*", first.listener)
    assert.equal(await patterns(), 0)
  })

  it("ends up as it was told last, whatever is still in flight", { timeout }, async () => {
    const inbox = new Inbox()
    const subscribe = () => driver.subscribe("pattern", "hasty*", inbox.listener)
    const unsubscribe = () => driver.unsubscribe("pattern", "hasty*", inbox.listener)
    await Promise.all([subscribe(), unsubscribe(), subscribe(), unsubscribe()])
    assert.equal(await patterns(), 0)
    await Promise.all([subscribe(), unsubscribe(), subscribe()])
    assert.equal(await patterns(), 1)
    await driver.publish("hasty", Buffer.from("end"))
    await inbox.until("end")
    assert.deepEqual(inbox.texts(), ["hasty end"])
    await unsubscribe()
  })

  it("loses no message to a listener that throws", { timeout }, async () => {
    const inbox = new Inbox()
    const reported: unknown[] = []
    const failure = new Error("of a listener")
    const throwing = () => {
      throw failure
    }
    const unwatch = driver.watch(noop, noop, (error) => reported.push(error))
    await driver.subscribe("pattern", "throws*", throwing)
    await driver.subscribe("pattern", "throws*", inbox.listener)
    await driver.publish("throws", Buffer.from("one"))
    await driver.publish("throws", Buffer.from("end"))
    await inbox.until("end")
    assert.deepEqual(inbox.texts(), ["throws one", "throws end"])
    assert.deepEqual(reported, [failure, failure])
    unwatch()
    await driver.publish("throws", Buffer.from("unwatched"))
    await inbox.until("unwatched")
    assert.equal(reported.length, 2)
    await driver.unsubscribe("pattern", "throws*", throwing)
    await driver.unsubscribe("pattern", "throws*", inbox.listener)
  })

  it("adds no listener to the clients for another namespace", { timeout }, async () => {
    const clients = [pair.pubClient, pair.subClient]
    const atFirst = clients.map(listenerCounts)
    const inbox = new Inbox()
    const names = Array.from({ length: 200 }, (_, index) => `many-${index}#*`)
    for (const pattern of names) {
      assert.equal(driverFor(pair.pubClient, pair.subClient), driver)
      driver.watch(noop, noop, noop)
      await driver.subscribe("pattern", pattern, inbox.listener)
    }
    assert.deepEqual(clients.map(listenerCounts), atFirst)
    await Promise.all(names.map((name) => driver.publish(name, Buffer.from("end"))))
    while (inbox.heard.length < names.length) await inbox.next()
    assert.deepEqual(new Set(inbox.texts()), new Set(names.map((name) => `${name} end`)))
    await Promise.all(names.map((name) => driver.unsubscribe("pattern", name, inbox.listener)))
    assert.equal(await patterns(), 0)
  })

  it("rejects what Redis refuses, and can ask again", { timeout }, async () => {
    const inbox = new Inbox()
    await control.acl("SETUSER", "default", "resetchannels")
    await assert.rejects(driver.subscribe("pattern", "refused*", inbox.listener), /NOPERM/)
    await control.acl("SETUSER", "default", "allchannels")
    await driver.subscribe("pattern", "refused*", inbox.listener)
    await driver.publish("refused", Buffer.from("end"))
    await inbox.until("end")
    assert.deepEqual(inbox.texts(), ["refused end"])
    await driver.unsubscribe("pattern", "refused*", inbox.listener)
    assert.equal(await patterns(), 0)
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
    await Promise.all([one.until("end"), other.until("end")])
    await mixed.unsubscribe("channel", "mixed", other.listener)
    assert.equal(await subscribers("mixed"), 1)
    await driver.unsubscribe("channel", "mixed", one.listener)
  })

  it("refuses to subscribe before the connection is ready, then does", { timeout }, async (t) => {
    const late = await reserve(t)
    const clients = makePair(packageName, late.port)
    t.after(() => clients.close())
    const waiting = driverFor(clients.pubClient, clients.subClient)
    const inbox = new Inbox()
    const refused = () =>
      assert.rejects(waiting.subscribe("pattern", "late*", inbox.listener), {
        code: "ERR_NOT_READY",
      })
    assert.equal(waiting.ready, false)
    await refused()
    const connected = new Promise<void>((resolve, reject) => {
      clients.subClient.once("connect", () => void refused().then(resolve, reject))
    })
    const ready = becomes(waiting, "ready")
    clients.open()
    await late.start()
    await connected
    await ready
    assert.equal(waiting.ready, true)
    await waiting.subscribe("pattern", "late*", inbox.listener)
    await clients.ready()
    assert.equal(await waiting.publish("later", Buffer.from("end")), 1)
    await inbox.until("end")
    assert.deepEqual(inbox.texts(), ["later end"])
  })

  it("is not ready for a client that has only connected", { timeout }, async (t) => {
    const clients = makePair(packageName, server.port)
    t.after(() => clients.close())
    const connected = new Promise<RedisDriver>((resolve) => {
      const make = () => resolve(driverFor(clients.pubClient, clients.subClient))
      clients.subClient.once("connect", make)
    })
    clients.open()
    const early = await connected
    assert.equal(early.ready, false)
    await becomes(early, "ready")
    assert.equal(early.ready, true)
  })

  it("hears each message once after Redis was killed and is back", { timeout }, async (t) => {
    const [own, clients] = await ownPair(t, packageName)
    const fragile = driverFor(clients.pubClient, clients.subClient)
    const [inbox, gone] = [new Inbox(), new Inbox()]
    await fragile.subscribe("pattern", "restart#*", inbox.listener)
    await fragile.subscribe("channel", "restart", inbox.listener)
    await fragile.subscribe("pattern", "*", gone.listener)
    for (const round of ["first", "second"]) {
      const lost = becomes(fragile, "lost")
      await own.kill()
      await lost
      assert.equal(fragile.ready, false)
      await assert.rejects(fragile.subscribe("pattern", "restart#*", inbox.listener), {
        code: "ERR_NOT_READY",
      })
      await fragile.unsubscribe("pattern", "*", gone.listener)
      const ready = becomes(fragile, "ready")
      await own.start()
      await ready
      await fragile.subscribe("pattern", "restart#*", inbox.listener)
      await fragile.subscribe("channel", "restart", inbox.listener)
      const publisher = connect(t, own.port)
      assert.equal(await publisher.publish("restart#a", round), 1)
      assert.equal(await publisher.publish("restart", `${round} end`), 1)
      await inbox.until(`${round} end`)
      assert.equal(await publisher.pubsub("NUMPAT"), 1)
    }
    assert.deepEqual(inbox.texts(), [
      "restart#a first",
      "restart first end",
      "restart#a second",
      "restart second end",
    ])
    assert.deepEqual(gone.texts(), [])
  })

  it(
    "rejects a subscription that the connection does not live to confirm",
    { timeout },
    async (t) => {
      const [own, clients] = await ownPair(t, packageName)
      const fragile = driverFor(clients.pubClient, clients.subClient)
      const inbox = new Inbox()
      await fragile.subscribe("pattern", "ended*", inbox.listener)
      process.kill(own.pid ?? 0, "SIGSTOP")
      const pending = fragile.subscribe("pattern", "pending*", inbox.listener)
      const ending = fragile.unsubscribe("pattern", "ended*", inbox.listener)
      const rejected = assert.rejects(pending, { code: "ERR_CONNECTION_LOST" })
      await own.kill()
      await Promise.all([rejected, ending])
      const ready = becomes(fragile, "ready")
      await own.start()
      await ready
      await fragile.subscribe("pattern", "pending*", inbox.listener)
      const publisher = connect(t, own.port)
      assert.equal(await publisher.pubsub("NUMPAT"), 1)
      await publisher.publish("ended", "foreign")
      await publisher.publish("pending", "end")
      await inbox.until("end")
      assert.deepEqual(inbox.texts(), ["pending end"])
    },
  )

  it("lets go quietly of clients that were closed", { timeout }, async (t) => {
    const [, clients] = await ownPair(t, packageName)
    const closed = driverFor(clients.pubClient, clients.subClient)
    const inbox = new Inbox()
    await closed.subscribe("channel", "closed", inbox.listener)
    clients.close()
    await closed.unsubscribe("channel", "closed", inbox.listener)
    assert.equal(closed.ready, false)
    await assert.rejects(closed.subscribe("channel", "closed", inbox.listener), {
      code: "ERR_NOT_READY",
    })
    await assert.rejects(closed.publish("closed", Buffer.from("end")))
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

  const forgetful = {
    "ioredis 5 and autoResubscribe: false": (port: number) => {
      const client = new Ioredis5({ port, autoResubscribe: false })
      return { client, close: () => client.disconnect() }
    },
    "redis 3 and disable_resubscribing": (port: number) => {
      const client = createRedis3({ port, disable_resubscribing: true, retry_strategy })
      return { client, close: () => client.end(false) }
    },
  }
  for (const [name, make] of Object.entries(forgetful)) {
    it(`subscribes again with ${name}`, { timeout }, async (t) => {
      const server = await reserve(t)
      await server.start()
      const { client, close } = make(server.port)
      t.after(close)
      client.on("error", noop)
      const driver = driverFor(client, client)
      const inbox = new Inbox()
      await becomes(driver, "ready")
      await driver.subscribe("pattern", "again*", inbox.listener)
      const [lost, ready] = [becomes(driver, "lost"), becomes(driver, "ready")]
      await server.kill()
      await lost
      await server.start()
      await ready
      const publisher = connect(t, server.port)
      assert.equal(await publisher.pubsub("NUMPAT"), 0)
      await driver.subscribe("pattern", "again*", inbox.listener)
      assert.equal(await publisher.publish("again", "end"), 1)
      await inbox.until("end")
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

describe("subscriptions", () => {
  it("forgets no name that was subscribed again before an old answer came", async () => {
    const answers: (() => void)[] = []
    const connection: RedisConnection = {
      ready: true,
      attach: noop,
      publish: () => Promise.resolve(0),
      subscribe: () => Promise.resolve(),
      unsubscribe: () => new Promise((resolve) => answers.push(resolve)),
    }
    const subscriptions = new Subscriptions(connection)
    const subscribe = () => subscriptions.subscribe("channel", "name", noop)
    const unsubscribe = () => subscriptions.unsubscribe("channel", "name", noop)
    await subscribe()
    const first = unsubscribe()
    await subscribe()
    const second = unsubscribe()
    answers.shift()?.()
    await first
    await subscribe()
    answers.shift()?.()
    await second
    const third = unsubscribe()
    assert.equal(answers.length, 1)
    answers.shift()?.()
    await third
  })
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

/** Keeps what its listener hears. */
class Inbox {
  readonly heard: { channel: string; message: Buffer }[] = []
  #wake = noop

  readonly listener: MessageListener = (channel, message) => {
    assert.ok(Buffer.isBuffer(channel) && Buffer.isBuffer(message))
    this.heard.push({ channel: channel.toString(), message })
    this.#wake()
  }

  texts(): string[] {
    return this.heard.map(({ channel, message }) => `${channel} ${message}`)
  }

  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }

  /** Gives when the text is heard: all that Redis sent before it is in `heard` by then. */
  async until(text: string): Promise<void> {
    while (!this.heard.some(({ message }) => message.toString() === text)) await this.next()
  }
}

function becomes(driver: RedisDriver, state: "ready" | "lost"): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      unwatch()
      resolve()
    }
    const unwatch = driver.watch(
      state === "ready" ? done : noop,
      state === "lost" ? done : noop,
      noop,
    )
  })
}

function listenerCounts(client: NodeJS.EventEmitter): [event: string | symbol, count: number][] {
  return client.eventNames().map((event) => [event, client.listenerCount(event)])
}

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

async function ownPair(t: TestContext, packageName: ClientName) {
  const server = await reserve(t)
  await server.start()
  const pair = await connectPair(packageName, server.port)
  t.after(() => pair.close())
  return [server, pair] as const
}

function connect(t: TestContext, port: number): Ioredis5 {
  const client = new Ioredis5(port)
  t.after(() => client.disconnect())
  return client
}

function retry_strategy(): number {
  return 20
}

function noop(): void {}
