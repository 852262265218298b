// What drivers of one Redis server do while that is not there yet, is lost and comes back.
import assert from "node:assert/strict"
import { Buffer } from "node:buffer"
import net, { type Socket } from "node:net"
import { after, before, describe, it, type TestContext } from "node:test"
import { Redis as Ioredis5 } from "ioredis5"
import { createClient as createRedis3 } from "redis3"
import type { RedisConnection } from "../../js/src/redis/connection.ts"
import { driverFor, type RedisDriver } from "../../js/src/redis/driver.ts"
import { Subscriptions } from "../../js/src/redis/subscriptions.ts"
import { type ClientName, clientNames, connectPair, makePair } from "./support/clients.ts"
import {
  becomes,
  connect,
  Inbox,
  noop,
  readyDriver,
  refuseUnhandledRejections,
} from "./support/drivers.ts"
import { type RedisServer, reserveRedis, startRedis } from "./support/redis-server.ts"

const timeout = 15_000

refuseUnhandledRejections()

for (const name of clientNames) describe(name, () => recovery(name))

function recovery(packageName: ClientName): void {
  let server: RedisServer

  before(async () => {
    server = await startRedis()
  })
  after(() => server[Symbol.asyncDispose]())

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
    const fragile = await readyDriver(clients)
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
      const fragile = await readyDriver(clients)
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

  it("asks Redis again only for what is said to be dead", { timeout }, async (t) => {
    const clients = await connectPair(packageName, server.port)
    t.after(() => clients.close())
    const driver = await readyDriver(clients)
    const control = connect(t, server.port)
    const asked = async () => {
      const stats = await control.info("commandstats")
      return Number(/^cmdstat_subscribe:calls=(\d+)/m.exec(stats)?.[1] ?? 0)
    }
    const inbox = new Inbox()
    await driver.subscribe("channel", "dead", inbox.listener)
    const once = await asked()
    await driver.subscribe("channel", "dead", inbox.listener)
    assert.equal(await asked(), once)
    await driver.subscribe("channel", "dead", inbox.listener, true)
    assert.equal(await asked(), once + 1)
    await driver.publish("dead", Buffer.from("end"))
    await inbox.until("end")
    assert.deepEqual(inbox.texts(), ["dead end"])
  })

  it("reconnects, and the application keeps what it hears itself", { timeout }, async (t) => {
    const clients = await connectPair(packageName, server.port)
    t.after(() => clients.close())
    const driver = await readyDriver(clients)
    const [inbox, own] = [new Inbox(), new Inbox()]
    await driver.subscribe("channel", "ours", inbox.listener)
    await subscribeItself(clients.subClient, "theirs", own)
    const [lost, ready] = [becomes(driver, "lost"), becomes(driver, "ready")]
    driver.reconnect()
    await lost
    await ready
    await driver.subscribe("channel", "ours", inbox.listener)
    assert.equal(await driver.publish("ours", "end"), 1)
    assert.equal(await driver.publish("theirs", "end"), 1)
    await Promise.all([inbox.until("end"), own.until("end")])
    assert.deepEqual([...inbox.texts(), ...own.texts()], ["ours end", "theirs end"])
  })

  // With @redis/client 5.12 neither would be ready ever again.
  it("goes on though it was used in the moment of the loss", { timeout }, async (t) => {
    const sockets: Socket[] = []
    for (const name of ["connect", "createConnection"] as const) {
      const connectSocket = net[name] as (...args: unknown[]) => Socket
      t.mock.method(net, name, (...args: unknown[]) => {
        const socket = connectSocket(...args)
        sockets.push(socket)
        return socket
      })
    }
    const [, clients] = await ownPair(t, packageName)
    const driver = await readyDriver(clients)
    const inbox = new Inbox()
    const lost = becomes(driver, "lost")
    driver.publish("moment", "lost").catch(noop)
    driver.subscribe("channel", "moment", inbox.listener).catch(noop)
    for (const socket of sockets) socket.destroy(new Error("reset"))
    await lost
    await becomes(driver, "ready")
    await clients.ready()
    await driver.subscribe("channel", "moment", inbox.listener)
    await driver.publish("moment", "end")
    await inbox.until("end")
  })

  it("lets go quietly of clients that were closed", { timeout }, async (t) => {
    const [, clients] = await ownPair(t, packageName)
    const closed = await readyDriver(clients)
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
}

describe("clients that do not subscribe again by themselves", () => {
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
})

describe("subscriptions", () => {
  it("forgets no name that was subscribed again before an old answer came", async () => {
    const answers: (() => void)[] = []
    const connection: RedisConnection = {
      ready: true,
      publishes: true,
      settingUp: false,
      ordered: true,
      repeats: false,
      attach: noop,
      reconnect: noop,
      publish: () => Promise.resolve(0),
      count: () => Promise.resolve([]),
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

/** Subscribes as an application does that knows nothing of this package. */
async function subscribeItself(
  client: NodeJS.EventEmitter,
  name: string,
  inbox: Inbox,
): Promise<void> {
  const hear = (message: string, channel: string) =>
    inbox.listener(Buffer.from(channel), Buffer.from(message))
  const { subscribe } = client as unknown as { subscribe: (...args: unknown[]) => unknown }
  if ("isOpen" in client) return void (await subscribe.call(client, name, hear))
  client.on(
    "message",
    (channel: string, message: string) => channel === name && hear(message, channel),
  )
  await new Promise((resolve) => subscribe.call(client, name, resolve))
}

function retry_strategy(): number {
  return 20
}
