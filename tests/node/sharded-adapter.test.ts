// What the sharded adapter does better than the published one, with what that does beside it.
import assert from "node:assert/strict"
import { Buffer } from "node:buffer"
import { randomUUID } from "node:crypto"
import { after, before, describe, it, type TestContext } from "node:test"
import { setTimeout as delay } from "node:timers/promises"
import { createShardedAdapter as createPublished } from "@socket.io/redis-adapter"
import type { Redis } from "ioredis6"
import { AdapterError, createShardedAdapter, RequestError } from "socket.io-redis-edge"
import {
  type ClientName,
  clientNamesFor,
  connectPair,
  type Deployment,
  makePair,
} from "./support/clients.ts"
import { type Client, TestServer } from "./support/cluster.ts"
import { refuseUnhandledRejections } from "./support/drivers.ts"
import { type RedisCluster, startRedisCluster } from "./support/redis-cluster.ts"
import { type RedisServer, startRedis } from "./support/redis-server.ts"

const timeout = 30_000
const ROUNDS = 200
/** How long what may never come is waited for, in milliseconds. */
const PATIENCE = 1_000

type Options = Parameters<typeof createPublished>[2] & {
  partial?: boolean
  requestsTimeout?: number
}

interface Start {
  readonly published?: boolean
  readonly client?: ClientName
  readonly place: Deployment | number
  readonly options: Options
}

let redis: RedisServer
let cluster: RedisCluster

before(async () => {
  ;[redis, cluster] = await Promise.all([startRedis(), startRedisCluster()])
})
after(() => Promise.all([redis[Symbol.asyncDispose](), cluster[Symbol.asyncDispose]()]))
refuseUnhandledRejections()

async function start(
  t: TestContext,
  { published = false, client = "ioredis6", place, options }: Start,
): Promise<TestServer> {
  const pair = await connectPair(client, place)
  const create = published ? createPublished : createShardedAdapter
  const adapter = create(pair.pubClient as never, pair.subClient as never, options)
  const server = await TestServer.start({ adapter: adapter as never }, pair)
  t.after(async () => {
    await server.io.close()
    // The published adapter lets nobody wait for the end of its subscriptions, nor handles that it fails.
    if (published) await (pair.subClient as Redis).ping()
    await server.close()
  })
  return server
}

/** Two servers, each with a client, that hear each other. */
async function twoServers(t: TestContext, setup: Omit<Start, "options">, options: Options = {}) {
  const all = { ...setup, options: { channelPrefix: randomUUID(), ...options } }
  const [a, b] = await Promise.all([start(t, all), start(t, all)])
  const [a1, b1] = await Promise.all([a.connect(), b.connect()])
  while ((await a.io.of("/").adapter.serverCount()) < 2);
  return { a, b, a1, b1 }
}

/**
 * In how many of so many rooms, that all sockets were told to join, a client of the other server hears what is sent
 * right after: `await io.socketsJoin()` waits for nothing, as socket.io gives nothing to wait for.
 */
async function heardAtOnce(a: TestServer, b1: Client): Promise<number> {
  return heardOf(b1, async (room, round) => {
    await a.io.socketsJoin(room)
    a.io.to(room).emit("joined", round)
  })
}

/** The same where the adapter's promise was awaited, of what any server sends. */
async function heardFromAll(a: TestServer, b: TestServer, listener: Client): Promise<number> {
  return heardOf(listener, async (room, round) => {
    await a.adapter().addSockets({ rooms: new Set(), except: new Set() }, [room])
    const sender = round % 2 ? a : b
    sender.io.to(room).emit("joined", round)
  })
}

async function heardOf(
  listener: Client,
  joinAndSend: (room: string, round: number) => Promise<void>,
): Promise<number> {
  const heard = new Set<number>()
  listener.socket.on("joined", (round: number) => heard.add(round))
  const prefix = randomUUID()
  for (let round = 0; round < ROUNDS; round++) await joinAndSend(`${prefix} ${round}`, round)
  const deadline = performance.now() + PATIENCE
  while (heard.size < ROUNDS && performance.now() < deadline) await delay(5)
  listener.socket.off("joined")
  return heard.size
}

describe("a room that sockets were just told to join", () => {
  for (const mode of ["dynamic", "dynamic-private", "static"] as const) {
    it(`is reached, ${mode}`, { timeout }, async (t) => {
      const options = { subscriptionMode: mode }
      const ours = await twoServers(t, { place: redis.port }, options)
      const theirs = await twoServers(t, { place: redis.port, published: true }, options)
      const found = await Promise.all([
        heardAtOnce(ours.a, ours.b1),
        heardAtOnce(theirs.a, theirs.b1),
      ])
      t.diagnostic(`${mode}: ${found[0]} of ${ROUNDS} by ours, ${found[1]} by the published one`)
      assert.equal(found[0], ROUNDS)
      assert.equal(await heardFromAll(ours.a, ours.b, ours.a1), ROUNDS)
      assert.equal(await heardFromAll(ours.a, ours.b, ours.b1), ROUNDS)
    })
  }

  for (const client of clientNamesFor.cluster) {
    it(`is reached on a cluster with ${client}`, { timeout }, async (t) => {
      const { a, b, a1, b1 } = await twoServers(t, { place: cluster, client })
      assert.equal(await heardAtOnce(a, b1), ROUNDS)
      assert.equal(await heardFromAll(a, b, a1), ROUNDS)
      assert.equal(await heardFromAll(a, b, b1), ROUNDS)
    })

    it(`is heard as soon as it is joined, on a cluster with ${client}`, { timeout }, async (t) => {
      const { a, b1 } = await twoServers(t, { place: cluster, client })
      const rooms = Array.from({ length: ROUNDS }, (_, round) => `own ${round}`)
      for (const room of rooms) {
        await b1.remote.join(room)
        a.io.to(room).emit("own", room)
      }
      await b1.until("own", ROUNDS)
      const heard = b1.take().map(([, room]) => room)
      assert.deepEqual(heard.toSorted(), rooms.toSorted())
    })
  }
})

describe("binary data", () => {
  it("comes whole in what servers tell of sockets and call back with", { timeout }, async (t) => {
    const { a, b, b1 } = await twoServers(t, { place: redis.port })
    const bytes = Buffer.from([0, 1, 254, 255])
    b1.remote.data = { bytes, list: [1, { bytes }] }
    b.io.on("mirror", (value: unknown, answer: (value: unknown) => void) => answer(value))
    const fetched = (await a.io.fetchSockets()).find(({ id }) => id === b1.remote.id)
    assert.deepEqual(fetched?.data, { bytes, list: [1, { bytes }] })
    const mirrored = await a.io.serverSideEmitWithAck("mirror", { bytes })
    assert.deepEqual(mirrored, [{ bytes }])
  })
})

describe("a server that does not answer", () => {
  it("is told of with what the others have said", { timeout }, async (t) => {
    const channelPrefix = randomUUID()
    const options = { channelPrefix, requestsTimeout: 300 }
    const { a, a1, b1 } = await twoServers(t, { place: redis.port }, options)
    // Somebody who is counted, and answers nothing.
    const silent = await connectPair("ioredis6", redis.port)
    t.after(() => silent.close())
    await (silent.subClient as Redis).ssubscribe(`${channelPrefix}#/#`)
    const ids = [a1.remote.id, b1.remote.id].toSorted()
    await assert.rejects(a.io.fetchSockets(), (error: unknown) => {
      assert.ok(error instanceof RequestError)
      const found = (error.responses as { id: string }[]).map(({ id }) => id).toSorted()
      assert.deepEqual([error.code, error.missing, found], ["ERR_REQUEST_TIMEOUT", 1, ids])
      return true
    })
    const lenient = await start(t, { place: redis.port, options: { ...options, partial: true } })
    await lenient.adapter().subscribed()
    assert.equal((await lenient.io.fetchSockets()).length, 2)
    assert.equal(await lenient.adapter().count(), 2)
  })
})

describe("clients that know no shard channels", () => {
  it("are refused at once, and what to do is said", (t) => {
    const pair = makePair("redis3", redis.port)
    t.after(() => pair.close())
    assert.throws(
      () => createShardedAdapter(pair.pubClient, pair.subClient),
      (error) => error instanceof AdapterError && error.code === "ERR_UNSUPPORTED_CLIENT",
    )
  })

  it("and modes that there are not, when the server is made", { timeout }, async (t) => {
    const pair = await connectPair("ioredis6", redis.port)
    t.after(() => pair.close())
    const options = { subscriptionMode: "exact" as never }
    const adapter = createShardedAdapter(pair.pubClient, pair.subClient, options)
    await assert.rejects(TestServer.start({ adapter: adapter as never }), {
      code: "ERR_INVALID_OPTION",
      message: 'option "subscriptionMode" must be "dynamic", "dynamic-private" or "static"',
    })
  })
})
