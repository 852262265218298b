// What a driver does for clients of a Redis Cluster beyond what it does for all.
import assert from "node:assert/strict"
import { Buffer } from "node:buffer"
import { after, before, describe, it, type TestContext } from "node:test"
import { setTimeout as delay } from "node:timers/promises"
import { Redis } from "ioredis5"
import { driverFor, type RedisDriver } from "../../js/src/redis/driver.ts"
import { type ClientName, clientNamesFor, type ClientPair, makePair } from "./support/clients.ts"
import {
  becomes,
  connectDriver,
  Inbox,
  noop,
  refuseUnhandledRejections,
} from "./support/drivers.ts"
import { type RedisCluster, startRedisCluster } from "./support/redis-cluster.ts"

const timeout = 20_000
const names = clientNamesFor.cluster

refuseUnhandledRejections()

describe("a cluster of three masters", () => {
  let cluster: RedisCluster
  let nodes: Redis[]

  before(async () => {
    cluster = await startRedisCluster()
    nodes = cluster.ports.map((port) => new Redis(port))
  })

  after(async () => {
    nodes.forEach((node) => node.disconnect())
    await cluster[Symbol.asyncDispose]()
  })

  /** How often each node was told to publish, so far. */
  const published = () =>
    Promise.all(
      nodes.map(async (node) => {
        const calls = /cmdstat_publish:calls=(\d+)/.exec(await node.info("commandstats"))
        return Number(calls?.[1] ?? 0)
      }),
    )

  /** The node that the client of this driver publishes at. */
  async function publishedAt(driver: RedisDriver): Promise<number> {
    const earlier = await published()
    await driver.publish("where", Buffer.from("here"))
    const later = await published()
    return later.findIndex((calls, node) => calls > (earlier[node] ?? 0))
  }

  /** The nodes that somebody is subscribed to a channel at. */
  async function subscribedAt(channel: string): Promise<number[]> {
    const counts = await Promise.all(nodes.map((node) => node.pubsub("NUMSUB", channel)))
    return counts.flatMap(([, count], node) => (count ? [node] : []))
  }

  /** How many clients of all nodes are subscribed to something. */
  async function subscribing(): Promise<number> {
    const lists = await Promise.all(
      nodes.map(async (node) => String(await node.client("LIST", "TYPE", "PUBSUB"))),
    )
    return lists.join("").split("\n").filter(Boolean).length
  }

  for (const name of names) {
    describe(name, () => {
      it(
        "publishes at one node, where the package itself loses the order",
        { timeout },
        async (t) => {
          const [driver, pair] = await connectDriver(t, name, cluster)
          const inbox = new Inbox()
          await driver.subscribe("pattern", "sent-*", inbox.listener)
          const send = async (publish: (channel: string, message: Buffer) => Promise<unknown>) => {
            inbox.heard.length = 0
            const numbers = Array.from({ length: 2_000 }, (_, index) => String(index))
            for (const number of numbers) {
              publish(`sent-${Number(number) % 5}`, Buffer.from(number)).catch(noop)
            }
            while (inbox.heard.length < numbers.length) await inbox.next()
            return inbox.heard.every(({ message }, index) => message.toString() === numbers[index])
          }
          const earlier = await published()
          assert.ok(await send((channel, message) => driver.publish(channel, message)))
          const later = await published()
          const rises = later.map((calls, node) => calls - (earlier[node] ?? 0))
          assert.deepEqual(rises.toSorted(), [0, 0, 2_000])

          const client = pair.pubClient as {
            publish(channel: string, message: Buffer): Promise<unknown>
          }
          while (await send((channel, message) => client.publish(channel, message)));
        },
      )

      it("is ready once the clients are connected, though made before", { timeout }, async (t) => {
        const pair = makePair(name, cluster)
        t.after(() => pair.close())
        const driver = driverFor(pair.pubClient, pair.subClient)
        const inbox = new Inbox()
        assert.equal(driver.ready, false)
        await assert.rejects(driver.subscribe("channel", "early", inbox.listener), {
          code: "ERR_NOT_READY",
        })
        const ready = becomes(driver, "ready")
        pair.open()
        await ready
        assert.equal(driver.ready, true)
        await driver.subscribe("channel", "early", inbox.listener)
        await pair.ready()
        await driver.publish("early", Buffer.from("end"))
        await inbox.until("end")
      })

      it("keeps no connection of its own once the clients are closed", { timeout }, async (t) => {
        const [driver, pair] = await connectDriver(t, name, cluster)
        const inbox = new Inbox()
        await driver.subscribe("channel", "closing", inbox.listener)
        while ((await subscribing()) > 1) await delay(10) // Those of the tests before are going.
        assert.deepEqual(await driver.count(["closing"]), [1])
        const lost = becomes(driver, "lost")
        pair.close()
        await lost
        assert.equal(driver.ready, false)
        await driver.unsubscribe("channel", "closing", inbox.listener)
        await assert.rejects(driver.count(["closing"]), { code: "ERR_NOT_READY" })
        while ((await subscribing()) > 0) await delay(10)
      })
    })
  }

  it("publishes and subscribes elsewhere when its node is killed", { timeout }, async (t) => {
    const victim = 0
    const atVictim = async (name: ClientName) => {
      const channel = `moving-${name}`
      const inbox = new Inbox()
      let publisher: RedisDriver
      let subscriber: RedisDriver
      let pair: ClientPair
      do {
        ;[publisher] = await connectDriver(t, name, cluster)
      } while ((await publishedAt(publisher)) !== victim)
      for (;;) {
        ;[subscriber, pair] = await connectDriver(t, name, cluster)
        await subscriber.subscribe("channel", channel, inbox.listener)
        if ((await subscribedAt(channel)).includes(victim)) break
        pair.close()
      }
      return { channel, inbox, publisher, subscriber }
    }
    const all: Awaited<ReturnType<typeof atVictim>>[] = []
    for (const name of names) all.push(await atVictim(name))

    const lost = all.map(({ subscriber }) => becomes(subscriber, "lost"))
    const ready = all.map(({ subscriber }) => becomes(subscriber, "ready"))
    await cluster.kill(victim)
    await Promise.all(lost)
    await Promise.all(ready)
    for (const { channel, inbox, publisher, subscriber } of all) {
      await subscriber.subscribe("channel", channel, inbox.listener)
      await publisher.publish(channel, Buffer.from("end"))
      await inbox.until("end")
      assert.deepEqual(inbox.texts(), [`${channel} end`])
      assert.deepEqual(await publisher.count([channel]), [1])
    }
  })
})

describe("a cluster with replicas", () => {
  it("counts who is subscribed at a replica, while that answers", { timeout }, async (t) => {
    const cluster = await startRedisCluster(1)
    t.after(() => cluster[Symbol.asyncDispose]())
    // A master of several ranges of slots is one server all the same, where node-redis 4 lists it twice.
    await cluster.reshard(0, 1, 100)
    const replica = cluster.ports.length - 1
    const strangers = [0, replica].map((node) => connectTo(t, cluster, node))
    await Promise.all(strangers.map((stranger) => stranger.subscribe("somewhere")))
    const drivers: RedisDriver[] = []
    for (const name of names) {
      const [driver] = await connectDriver(t, name, cluster)
      assert.deepEqual(await driver.count(["somewhere", "nowhere"]), [2, 0], name)
      drivers.push(driver)
    }
    await cluster.kill(replica)
    for (const driver of drivers) assert.deepEqual(await driver.count(["somewhere"]), [1])
    await cluster.restart(replica) // where its subscriber comes back by itself
    for (const driver of drivers) {
      while ((await driver.count(["somewhere"]))[0] !== 2) await delay(50)
    }
  })
})

function connectTo(t: TestContext, { ports }: RedisCluster, node: number): Redis {
  const client = new Redis(ports[node] ?? 0)
  client.on("error", noop)
  t.after(() => client.disconnect())
  return client
}
