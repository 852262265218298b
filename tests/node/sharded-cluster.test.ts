// What a driver of shard channels does with a cluster, while its slots move and its servers fail.
import assert from "node:assert/strict"
import { after, before, describe, it } from "node:test"
import { setTimeout as delay } from "node:timers/promises"
import { Redis } from "ioredis5"
import type { RedisDriver } from "../../js/src/redis/driver.ts"
import { shardedDriverFor } from "../../js/src/redis/sharded-driver.ts"
import { slotOf } from "../../js/src/redis/slots.ts"
import { type ClientName, clientNamesFor, makePair } from "./support/clients.ts"
import {
  becomes,
  connectDriver,
  Inbox,
  Keeper,
  noop,
  refuseUnhandledRejections,
} from "./support/drivers.ts"
import { type RedisCluster, startRedisCluster } from "./support/redis-cluster.ts"

const timeout = 30_000
const MASTERS = 3

refuseUnhandledRejections()

/** A driver that subscribes, another one that publishes, and the channels of both. */
interface Subject {
  readonly name: ClientName
  readonly channels: readonly string[]
  readonly keeper: Keeper
  readonly subscriber: RedisDriver
  readonly publisher: RedisDriver
}

describe("a cluster", () => {
  let cluster: RedisCluster
  let nodes: Redis[]

  before(async () => {
    cluster = await startRedisCluster(1)
    nodes = cluster.ports.map((port) => {
      const node = new Redis(port, { retryStrategy: () => 20 })
      node.on("error", noop)
      return node
    })
  })

  after(async () => {
    nodes.forEach((node) => node.disconnect())
    await cluster[Symbol.asyncDispose]()
  })

  /** How many connections subscribe to each channel at each node that runs. */
  async function subscribers(channels: readonly string[]): Promise<number[][]> {
    return Promise.all(
      running().map(async (node) => {
        const reply = (await node.call("PUBSUB", "SHARDNUMSUB", ...channels)) as (number | string)[]
        return channels.map((_, index) => Number(reply[2 * index + 1]))
      }),
    )
  }

  const running = () => nodes.filter(({ status }) => status === "ready")

  /** The slots as Redis has them, with the places of the nodes that have them, the master first. */
  async function ranges(): Promise<{ first: number; last: number; places: number[] }[]> {
    const slots = (await running()[0]?.cluster("SLOTS")) ?? []
    return slots.map(([first, last, ...servers]) => {
      return { first, last, places: servers.map(([, port]) => cluster.ports.indexOf(port)) }
    })
  }

  /** The place of the node that Redis says has the slot of each channel. */
  async function owners(channels: readonly string[]): Promise<(number | undefined)[]> {
    const known = await ranges()
    const slots = channels.map((channel) => running()[0]?.cluster("KEYSLOT", channel))
    return (await Promise.all(slots)).map((slot = -1) => {
      return known.find(({ first, last }) => first <= slot && slot <= last)?.places[0]
    })
  }

  /** How often the nodes have refused a command with an error of this code. */
  async function refusals(code: string): Promise<number> {
    const infos = await Promise.all(running().map((node) => node.info("errorstats")))
    return infos
      .map((info) => Number(new RegExp(`errorstat_${code}:count=(\\d+)`).exec(info)?.[1] ?? 0))
      .reduce((sum, count) => sum + count, 0)
  }

  /** How many connections of all nodes that run subscribe to something. */
  async function connections(): Promise<number> {
    const lists = await Promise.all(
      running().map(async (node) => String(await node.client("LIST", "TYPE", "PUBSUB"))),
    )
    return lists.join("").split("\n").filter(Boolean).length
  }

  async function subject(
    t: Parameters<typeof connectDriver>[0],
    name: ClientName,
    test: string,
    count: number,
  ): Promise<Subject> {
    const [subscriber] = await connectDriver(t, name, cluster, shardedDriverFor)
    const [publisher] = await connectDriver(t, name, cluster, shardedDriverFor)
    const channels = Array.from({ length: count }, (_, index) => `${test}-${name}-${index}#`)
    const keeper = new Keeper(subscriber, channels)
    await keeper.settled()
    return { name, channels, keeper, subscriber, publisher }
  }

  for (const name of clientNamesFor.cluster) {
    describe(name, () => {
      it("subscribes where the slots are, each once, and nowhere else", { timeout }, async (t) => {
        const placed = await subject(t, name, "placed", 1_000)
        const { channels, keeper, subscriber } = placed
        const owned = await owners(channels)
        assert.equal(new Set(owned).size, MASTERS)
        const counts = await subscribers(channels)
        counts.forEach((ofNode, node) =>
          assert.deepEqual(
            ofNode,
            owned.map((owner) => (owner === node ? 1 : 0)),
          ),
        )
        assert.equal(await connections(), MASTERS)
        assert.deepEqual(
          await subscriber.count(channels),
          channels.map(() => 1),
        )
        await exchange(placed)
        assert.equal(await refusals("CROSSSLOT"), 0)

        // Its connections end with what they are needed for.
        const ofOthers = channels.filter((_, index) => owned[index] !== 0)
        const all = (wanted: readonly string[]) =>
          Promise.all(
            wanted.map((one) => subscriber.unsubscribe("channel", one, keeper.inbox.listener)),
          )
        await all(ofOthers)
        while ((await connections()) > 1) await delay(10)
        await all(channels)
        while ((await connections()) > 0) await delay(10)
        assert.deepEqual(keeper.ended, [])
      })

      it("asks in one command for names of one slot alone", { timeout }, async (t) => {
        const [driver] = await connectDriver(t, name, cluster, shardedDriverFor)
        const inbox = new Inbox()
        await Promise.all(nodes.map((node) => node.config("RESETSTAT")))
        const tagged = Array.from({ length: 5_000 }, (_, index) => `{tagged}-${index}`)
        await Promise.all(tagged.map((one) => driver.subscribe("channel", one, inbox.listener)))
        const infos = await Promise.all(nodes.map((node) => node.info("commandstats")))
        const calls = infos.map((info) => /cmdstat_ssubscribe:calls=(\d+)/.exec(info)?.[1])
        assert.deepEqual(calls.filter(Boolean), ["5"])
        await Promise.all(tagged.map((one) => driver.unsubscribe("channel", one, inbox.listener)))
        while ((await connections()) > 0) await delay(10)
      })

      it("is ready once the clients are connected, though made before", { timeout }, async (t) => {
        const pair = makePair(name, cluster)
        t.after(() => pair.close())
        const driver = shardedDriverFor(pair.pubClient, pair.subClient)
        const inbox = new Inbox()
        assert.equal(driver.ready, false)
        await assert.rejects(driver.subscribe("channel", "early", inbox.listener), {
          code: "ERR_NOT_READY",
        })
        const ready = becomes(driver, "ready")
        pair.open()
        await ready
        await driver.subscribe("channel", "early", inbox.listener)
        await pair.ready()
        await driver.publish("early", "end")
        await inbox.until("end")

        const lost = becomes(driver, "lost")
        pair.close()
        await lost
        assert.equal(driver.ready, false)
        while ((await connections()) > 0) await delay(10)
      })

      it("makes other connections when it is told to", { timeout }, async (t) => {
        const one = await subject(t, name, "another", 20)
        const [lost, ready] = [becomes(one.subscriber, "lost"), becomes(one.subscriber, "ready")]
        one.subscriber.reconnect()
        await Promise.all([lost, ready])
        await one.keeper.settled()
        await exchange(one)
        assert.deepEqual(one.keeper.ended, [])
      })
    })
  }

  it("finds the slots that Redis finds, by tags and other texts", { timeout }, async () => {
    const tags = ["{a}b", "x{a}b}", "{}a", "{{a}}", "a{", "}a{", "é{✓}", "{é}✓"]
    for (const channel of ["", "a", "123456789", ...tags]) {
      assert.equal(slotOf(channel), await nodes[0]?.cluster("KEYSLOT", channel), channel)
    }
  })

  it("follows slots that are moved, and disturbs nothing else", { timeout }, async (t) => {
    const all: Subject[] = []
    for (const name of clientNamesFor.cluster) all.push(await subject(t, name, "moved", 100))
    const earlier = await Promise.all(all.map(({ channels }) => owners(channels)))
    const traffic = new AbortController()
    const sending = all.map(async ({ channels, publisher, subscriber }) => {
      const others = new Inbox()
      for (let round = 0; !traffic.signal.aborted; round++) {
        await Promise.all(channels.map((one) => publisher.publish(one, `${round}`).catch(noop)))
        // Something is always being asked for, also where the slots go.
        const one = `passing-${round}`
        await subscriber.subscribe("channel", one, others.listener).catch(noop)
        await subscriber.unsubscribe("channel", one, others.listener)
      }
    })
    await cluster.reshard(0, 1, 1_500)
    traffic.abort()
    await Promise.all(sending)
    await Promise.all(all.map(({ keeper }) => keeper.settled()))

    for (const [index, one] of all.entries()) {
      const { name, channels, keeper } = one
      const owned = await owners(channels)
      const moved = channels.filter((_, place) => owned[place] !== earlier[index]?.[place])
      assert.ok(moved.length > 0)
      assert.deepEqual(keeper.ended.toSorted(), moved.toSorted(), name)
      for (const channel of channels) {
        const heard = keeper.inbox.heard.filter((message) => message.channel === channel)
        const numbers = heard.map(({ message }) => Number(message.toString()))
        assert.deepEqual(
          numbers,
          [...new Set(numbers)].toSorted((a, b) => a - b),
          `${name} heard ${channel} twice, or out of order`,
        )
        const gaps = (numbers.at(-1) ?? 0) - (numbers[0] ?? 0) + 1 - numbers.length
        if (!moved.includes(channel)) assert.equal(gaps, 0, `${name} lost some of ${channel}`)
      }
      await exchange(one)
      const counts = await subscribers(channels)
      counts.forEach((ofNode, node) =>
        assert.deepEqual(
          ofNode,
          owned.map((owner) => (owner === node ? 1 : 0)),
          name,
        ),
      )
    }
    assert.equal(await refusals("CROSSSLOT"), 0)
  })

  it("leaves a master that has become a replica, which would keep it", { timeout }, async (t) => {
    const all: Subject[] = []
    for (const name of clientNamesFor.cluster) all.push(await subject(t, name, "demoted", 60))
    const channels = all.flatMap((one) => one.channels)
    const earlier = await owners(channels)
    const [, heir = -1] = (await ranges()).find(({ places }) => places[0] === 1)?.places ?? []
    await nodes[heir]?.cluster("FAILOVER")
    await cluster.promoted(heir)
    const expected = earlier.map((owner) => (owner === 1 ? heir : owner))
    const isSettled = async () =>
      (await subscribers(channels)).every((ofNode, node) =>
        ofNode.every((count, index) => count === (expected[index] === node ? 1 : 0)),
      )
    while (!(await isSettled())) await delay(20)
    await Promise.all(all.map(({ keeper }) => keeper.settled()))
    const concerned = channels.filter((_, index) => earlier[index] === 1)
    assert.deepEqual(new Set(all.flatMap(({ keeper }) => keeper.ended)), new Set(concerned))
    for (const one of all) await exchange(one)
  })

  it("subscribes at the replica of a master that was killed", { timeout }, async (t) => {
    const all: Subject[] = []
    for (const name of clientNamesFor.cluster) all.push(await subject(t, name, "killed", 60))
    const victim = 2
    const concerned = await Promise.all(
      all.map(async ({ channels }) => {
        const owned = await owners(channels)
        return channels.filter((_, index) => owned[index] === victim)
      }),
    )
    const [, heir = -1] = (await ranges()).find(({ places }) => places[0] === victim)?.places ?? []
    await cluster.kill(victim)
    await cluster.promoted(heir)
    await Promise.all(all.map(({ keeper }) => keeper.settled()))
    for (const [index, one] of all.entries()) {
      const { keeper, name, subscriber, channels } = one
      assert.deepEqual(keeper.ended.toSorted(), concerned[index]?.toSorted(), name)
      assert.ok(subscriber.ready)
      // Nothing else than what is documented, whatever the client says.
      assert.deepEqual([...keeper.refused], ["ERR_CONNECTION_LOST"], name)
      await exchange(one)
      assert.deepEqual(
        await subscriber.count(channels),
        channels.map(() => 1),
        name,
      )
    }
    await cluster.restart(victim)
    for (const one of all) {
      await exchange(one)
      assert.equal(one.keeper.ended.length, new Set(one.keeper.ended).size)
    }
  })
})

/** Sends so many numbered messages to each channel; each must arrive, once and in its order. */
async function exchange({ name, channels, keeper, publisher }: Subject): Promise<void> {
  const { inbox } = keeper
  inbox.heard.length = 0
  const rounds = 20
  const sent = Array.from({ length: rounds }, (_, round) =>
    channels.map((channel) => publisher.publish(channel, `${round}`)),
  )
  assert.ok(
    (await Promise.all(sent.flat())).every((receivers) => receivers === 1),
    name,
  )
  while (inbox.heard.length < rounds * channels.length) await inbox.next()
  const numbers = Array.from({ length: rounds }, (_, round) => String(round))
  for (const channel of channels) {
    const heard = inbox.heard.filter((one) => one.channel === channel)
    assert.deepEqual(
      heard.map(({ message }) => message.toString()),
      numbers,
      `${name} ${channel}`,
    )
  }
}
