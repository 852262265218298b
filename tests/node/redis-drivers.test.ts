// What every driver does, whatever it drives: one Redis server, a cluster, sentinels or the memory bus.
import assert from "node:assert/strict"
import { Buffer } from "node:buffer"
import { after, before, describe, it, type TestContext } from "node:test"
import { setTimeout as delay } from "node:timers/promises"
import { Redis } from "ioredis5"
import { driverFor, type RedisDriver } from "../../js/src/redis/driver.ts"
import { memoryBus } from "../../js/src/redis/memory.ts"
import { clientNamesFor, type ClientPair, connectPair, type Deployment } from "./support/clients.ts"
import {
  becomes,
  connectDriver,
  Inbox,
  noop,
  readyDriver,
  refuseUnhandledRejections,
} from "./support/drivers.ts"
import { startRedisCluster } from "./support/redis-cluster.ts"
import { startSentinel } from "./support/redis-sentinel.ts"
import { startRedis } from "./support/redis-server.ts"

const timeout = 15_000

refuseUnhandledRejections()

/** A driver under test, and the means to look at it. */
interface Subject {
  readonly driver: RedisDriver
  /** Another driver of the same deployment, with connections of its own. */
  another(t: TestContext): Promise<RedisDriver>
  close(): void
}

describe("a memory bus", () => {
  conformance(async () => {
    const driver = memoryBus()
    return { driver, another: async () => driver, close: noop }
  })
})

onRedis("one server", "standalone", async () => {
  const server = await startRedis()
  const stop = () => server[Symbol.asyncDispose]()
  return { topology: "standalone", port: server.port, servers: [server.port], stop }
})

onRedis("a cluster", "cluster", async () => {
  const cluster = await startRedisCluster()
  return { ...cluster, servers: cluster.ports, stop: () => cluster[Symbol.asyncDispose]() }
})

onRedis("sentinels", "sentinel", async () => {
  const sentinel = await startSentinel()
  const servers = [sentinel.masterPort]
  return { ...sentinel, servers, stop: () => sentinel[Symbol.asyncDispose]() }
})

function onRedis(
  what: string,
  topology: Deployment["topology"],
  start: () => Promise<Deployment & { servers: readonly number[]; stop(): Promise<void> }>,
): void {
  describe(what, () => {
    let deployment: Awaited<ReturnType<typeof start>>
    let controls: Redis[]

    before(async () => {
      deployment = await start()
      controls = deployment.servers.map((port) => new Redis(port))
    })

    after(async () => {
      controls.forEach((control) => control.disconnect())
      await deployment.stop()
    })

    async function sum(ask: (control: Redis) => Promise<unknown>): Promise<number> {
      const answers = await Promise.all(controls.map(ask))
      return answers.reduce<number>((total, answer) => total + Number(answer), 0)
    }

    for (const name of clientNamesFor[topology]) {
      describe(name, () => {
        let pair: ClientPair
        const connection = async (): Promise<Subject> => {
          pair = await connectPair(name, deployment)
          return {
            driver: await readyDriver(pair),
            another: async (t) => (await connectDriver(t, name, deployment))[0],
            close: () => pair.close(),
          }
        }
        const subject = conformance(connection)
        subscriptionsInRedis(subject, () => pair, {
          subscribers: (channel) =>
            sum(async (control) => ((await control.pubsub("NUMSUB", channel)) as number[])[1]),
          patterns: () => sum((control) => control.pubsub("NUMPAT")),
        })
      })
    }
  })
}

/** What all subjects have in common; gives the subject of the moment. */
function conformance(connection: () => Promise<Subject>): () => Subject {
  let subject: Subject
  let driver: RedisDriver

  before(async () => {
    subject = await connection()
    driver = subject.driver
  })
  after(() => subject.close())

  it("carries bytes exactly", { timeout }, async () => {
    const inbox = new Inbox()
    await driver.subscribe("channel", "bytes", inbox.listener)
    const large = Buffer.alloc(
      1 << 20,
      Uint8Array.from({ length: 256 }, (_, byte) => byte),
    )
    const every = new Uint8Array(large.buffer, large.byteOffset + 256, 256)
    const messages = [every, large, new Uint8Array(0), Buffer.from("end")]
    for (const message of messages) await driver.publish("bytes", message)
    await inbox.until("end")
    assert.equal(inbox.heard.length, messages.length)
    messages.forEach((message, index) => assert.ok(inbox.heard[index]?.message.equals(message)))
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

  it("takes one of several listeners off a name", { timeout }, async () => {
    const [first, second] = [new Inbox(), new Inbox()]
    await driver.subscribe("channel", "shared", first.listener)
    await driver.subscribe("channel", "shared", first.listener)
    await driver.subscribe("channel", "shared", second.listener)
    await driver.publish("shared", Buffer.from("both"))
    await second.until("both")
    await driver.unsubscribe("channel", "shared", first.listener)
    await driver.publish("shared", Buffer.from("end"))
    await second.until("end")
    assert.deepEqual(first.texts(), ["shared both"])
    assert.deepEqual(second.texts(), ["shared both", "shared end"])
    await driver.unsubscribe("channel", "shared", second.listener)
  })

  it("ends up as it was told last, whatever is still in flight", { timeout }, async () => {
    const [inbox, other] = [new Inbox(), new Inbox()]
    await driver.subscribe("pattern", "h*", other.listener)
    const subscribe = () => driver.subscribe("pattern", "hasty*", inbox.listener)
    const unsubscribe = () => driver.unsubscribe("pattern", "hasty*", inbox.listener)
    await Promise.all([subscribe(), unsubscribe(), subscribe(), unsubscribe()])
    await driver.publish("hasty", Buffer.from("nobody"))
    await other.until("nobody")
    await Promise.all([subscribe(), unsubscribe(), subscribe()])
    await driver.publish("hasty", Buffer.from("end"))
    await Promise.all([inbox.until("end"), other.until("end")])
    assert.deepEqual(inbox.texts(), ["hasty end"])
    await driver.unsubscribe("pattern", "h*", other.listener)
    await unsubscribe()
  })

  it(
    "counts the subscribers of channels, adapters of one connection apart",
    { timeout },
    async (t) => {
      const other = await subject.another(t)
      const listeners = [new Inbox(), new Inbox(), new Inbox()].map(({ listener }) => listener)
      const [first = noop, second = noop, third = noop] = listeners
      assert.deepEqual(await driver.count([]), [])
      await driver.subscribe("channel", "counted é", first)
      await driver.subscribe("channel", "counted é", second)
      await other.subscribe("channel", "counted é", third)
      await driver.subscribe("channel", "alone", first)
      await driver.subscribe("pattern", "unsubscribed*", first)
      const names = ["counted é", "unsubscribed", "alone", "counted é"]
      assert.deepEqual(await driver.count(names), [3, 0, 1, 3])
      await driver.unsubscribe("channel", "counted é", first)
      assert.deepEqual(await driver.count(names), [2, 0, 1, 2])
      await driver.unsubscribe("channel", "counted é", second)
      await driver.unsubscribe("channel", "alone", first)
      assert.deepEqual(await driver.count(names), [1, 0, 0, 1])
      await driver.unsubscribe("pattern", "unsubscribed*", first)
      await other.unsubscribe("channel", "counted é", third)
    },
  )

  it("keeps the order of one publisher's messages, from the first one", { timeout }, async (t) => {
    const inbox = new Inbox()
    await driver.subscribe("pattern", "order-*", inbox.listener)
    const publisher = await subject.another(t)
    const expected = Array.from({ length: 2_000 }, (_, index) => `order-${index % 7} ${index}`)
    for (const text of expected) {
      const [channel = "", number = ""] = text.split(" ")
      publisher.publish(channel, Buffer.from(number)).catch(noop)
    }
    await inbox.until("1999")
    assert.deepEqual(inbox.texts(), expected)
    await driver.unsubscribe("pattern", "order-*", inbox.listener)
  })

  return () => subject
}

/** What shows in Redis: one subscription for a name, and one set of listeners on the clients. */
function subscriptionsInRedis(
  subject: () => Subject,
  clients: () => ClientPair,
  {
    subscribers,
    patterns,
  }: { subscribers(channel: string): Promise<number>; patterns(): Promise<number> },
): void {
  it("makes another connection when it is told to", { timeout }, async () => {
    const { driver } = subject()
    const inbox = new Inbox()
    await driver.subscribe("pattern", "another*", inbox.listener)
    const [lost, ready] = [becomes(driver, "lost"), becomes(driver, "ready")]
    driver.reconnect()
    driver.reconnect()
    await lost
    await ready
    await driver.subscribe("pattern", "another*", inbox.listener)
    await driver.publish("another", Buffer.from("end"))
    await inbox.until("end")
    assert.deepEqual(inbox.texts(), ["another end"])
    await driver.unsubscribe("pattern", "another*", inbox.listener)
    while ((await patterns()) > 0) await delay(10) // Those of the lost connection are going.
  })

  it("ends a subscription in Redis with its last listener", { timeout }, async () => {
    const { driver } = subject()
    const [first, second] = [new Inbox(), new Inbox()]
    await driver.subscribe("channel", "shared", first.listener)
    await driver.subscribe("channel", "shared", second.listener)
    assert.equal(await subscribers("shared"), 1)
    await driver.unsubscribe("channel", "shared", first.listener)
    assert.equal(await subscribers("shared"), 1)
    await driver.unsubscribe("channel", "shared", second.listener)
    assert.equal(await subscribers("shared"), 0)

    assert.equal(await patterns(), 0)
    await driver.subscribe("pattern", "shared*", first.listener)
    await driver.unsubscribe("pattern", "shared*", second.listener)
    assert.equal(await patterns(), 1)
    await driver.unsubscribe("pattern", "shared*", first.listener)
    assert.equal(await patterns(), 0)
  })

  it("adds no listener to the clients for another namespace", { timeout }, async () => {
    const { driver } = subject()
    const { pubClient, subClient } = clients()
    const counts = () => [pubClient, subClient].map(listenerCounts)
    const atFirst = counts()
    const inbox = new Inbox()
    const names = Array.from({ length: 200 }, (_, index) => `many-${index}#*`)
    for (const pattern of names) {
      assert.equal(driverFor(pubClient, subClient), driver)
      driver.watch(noop, noop)
      await driver.subscribe("pattern", pattern, inbox.listener)
    }
    assert.deepEqual(counts(), atFirst)
    await Promise.all(names.map((name) => driver.publish(name, Buffer.from("end"))))
    while (inbox.heard.length < names.length) await inbox.next()
    assert.deepEqual(new Set(inbox.texts()), new Set(names.map((name) => `${name} end`)))
    await Promise.all(names.map((name) => driver.unsubscribe("pattern", name, inbox.listener)))
    assert.equal(await patterns(), 0)
  })
}

function listenerCounts(client: NodeJS.EventEmitter): [event: string | symbol, count: number][] {
  return client.eventNames().map((event) => [event, client.listenerCount(event)])
}
