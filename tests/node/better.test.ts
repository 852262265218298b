// What this package does better than @socket.io/redis-adapter, with what that does beside it.
import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import { after, before, describe, it, type TestContext } from "node:test"
import type { RedisAdapter } from "socket.io-redis-edge"
import { type Running, startChild } from "./support/child.ts"
import { type Client, reached, type TestServer } from "./support/cluster.ts"
import { type PackageName, start, until } from "./support/packages.ts"
import { type RedisServer, startRedis } from "./support/redis-server.ts"

const timeout = 30_000
const PATIENT = 20_000
let redis: RedisServer

before(async () => {
  redis = await startRedis()
})
after(() => redis[Symbol.asyncDispose]())

interface Failure extends Error {
  code?: string
  responses?: { id: string }[]
  missing?: number
}

interface Scene {
  a: TestServer
  b: TestServer
  a1: Client
  b1: Client
  /** A third server, if it is wanted. */
  child: Running | undefined
}

interface SceneOptions {
  requestsTimeout?: number
  partial?: boolean
  child?: boolean
}

/** Two servers of one package with a client each, and perhaps one in a process of its own. */
async function scene(
  t: TestContext,
  name: PackageName,
  { child: wanted = false, ...options }: SceneOptions = {},
): Promise<Scene> {
  const key = randomUUID()
  const begin = async () => {
    const server = await start(name, redis.port, { key, ...options })
    t.after(() => server.close())
    return server
  }
  const [a, b] = await Promise.all([begin(), begin()])
  const [a1, b1] = await Promise.all([a.connect(), b.connect()])
  const child = wanted ? await startChild("peer", [name, `${redis.port}`, key]) : undefined
  t.after(() => child?.kill())
  await until(a, wanted ? 3 : 2)
  return { a, b, a1, b1, child }
}

/** How a promise was settled, and after how many milliseconds. */
async function settled(promise: Promise<unknown>) {
  const begun = performance.now()
  const [outcome] = await Promise.allSettled([promise])
  return { ...outcome, milliseconds: performance.now() - begun }
}

const idsOf = (sockets: { id: string }[] | undefined) => sockets?.map(({ id }) => id).toSorted()

describe("a server that does not answer", { concurrency: true }, () => {
  const requestsTimeout = 500

  /** What the sockets of all servers are found to be while one server is frozen. */
  async function fetching(t: TestContext, name: PackageName, partial = false) {
    const { a, a1, b1, child } = await scene(t, name, { child: true, requestsTimeout, partial })
    await child?.freeze()
    const [fetched, asked] = await Promise.all([
      settled(a.io.fetchSockets()),
      settled(a.io.serverSideEmitWithAck("ask")),
    ])
    return { fetched, asked, known: [a1.remote.id, b1.remote.id].toSorted() }
  }

  it("keeps nobody from knowing the answers of the others", { timeout }, async (t) => {
    const [ours, published] = await Promise.all([fetching(t, "ours"), fetching(t, "published")])
    const [mine, theirs] = [ours, published].map(({ fetched }) => {
      assert.equal(fetched.status, "rejected")
      return fetched.reason as Failure
    }) as [Failure, Failure]
    assert.equal(mine.code, "ERR_REQUEST_TIMEOUT")
    assert.deepEqual(idsOf(mine.responses), ours.known)
    assert.equal(mine.missing, 1)
    assert.deepEqual(
      [theirs.code, theirs.responses, theirs.missing],
      [undefined, undefined, undefined],
    )
    // Whoever looks for the published text finds it.
    assert.ok(mine.message.startsWith(theirs.message), `${mine.message}; ${theirs.message}`)
  })

  it("is named by the published text where there is an answer of each", { timeout }, async (t) => {
    const [ours, published] = await Promise.all([fetching(t, "ours"), fetching(t, "published")])
    const [mine, theirs] = [ours, published].map(({ asked }) => {
      assert.equal(asked.status, "rejected")
      return asked.reason as Failure
    }) as [Failure, Failure]
    assert.equal(mine.message, theirs.message)
    assert.deepEqual(mine.responses, theirs.responses)
    assert.equal(mine.missing, 2)
  })

  it("can be left out of what is found", { timeout }, async (t) => {
    const { fetched, known } = await fetching(t, "ours", true)
    assert.equal(fetched.status, "fulfilled")
    assert.deepEqual(idsOf(fetched.value as { id: string }[]), known)
  })
})

it("a server that is killed is not waited for", { timeout }, async (t) => {
  const requestsTimeout = 2_500
  const [ours, published] = await Promise.all(
    (["ours", "published"] as const).map(async (name) => {
      const { a, child } = await scene(t, name, { child: true, requestsTimeout })
      await child?.freeze()
      const fetched = settled(a.io.fetchSockets())
      // The question has been asked when this one is answered.
      await until(a, 3)
      await child?.kill()
      return fetched
    }),
  )
  assert.equal(ours?.status, "fulfilled")
  assert.equal((ours.value as unknown[]).length, 2)
  assert.ok(ours.milliseconds < 1_000, `${ours.milliseconds} ms`)
  assert.equal(published?.status, "rejected")
  assert.ok(published.milliseconds > requestsTimeout - 10, `${published.milliseconds} ms`)
})

it("sockets join at once where they are told to", { timeout }, async (t) => {
  const reaches = async (name: PackageName) => {
    const { a, b, a1, b1 } = await scene(t, name)
    return reached([a.io, b.io], { a1, b1 }, () => {
      a.io.socketsJoin("room")
      a.io.to("room").emit("e")
    })
  }
  assert.equal(await reaches("ours"), "a1 b1")
  assert.equal(await reaches("published"), "b1")
})

it("one can wait until sockets have joined everywhere", { timeout }, async (t) => {
  const reaches = async (name: PackageName) => {
    const { a, b, a1, b1 } = await scene(t, name)
    const all = { rooms: new Set<string>(), except: new Set<string>() }
    const adapter = a.io.of("/").adapter as { addSockets(...args: unknown[]): unknown }
    return reached([a.io, b.io], { a1, b1 }, async () => {
      await adapter.addSockets(all, ["room"])
      b.io.to("room").emit("e")
    })
  }
  assert.equal(await reaches("ours"), "a1 b1")
  // Its method gives nothing to wait for, so the other server does not know of it yet.
  assert.notEqual(await reaches("published"), "a1 b1")
})

it("sockets are counted without being fetched", { timeout }, async (t) => {
  const [ours, published] = await Promise.all([scene(t, "ours"), scene(t, "published")])
  await Promise.all([ours.a1, ours.b1].map(({ remote }) => remote.join("room")))
  const adapter = ours.a.adapter()
  assert.deepEqual([await adapter.count(), await adapter.count(["room", "other"])], [2, 2])
  assert.equal(await adapter.count([ours.b1.remote.id]), 1)
  assert.equal("count" in published.a.io.of("/").adapter, false)
  const stats = () => (ours.b.io.of("/").adapter as unknown as RedisAdapter).stats()
  const { requests } = stats()
  await adapter.count()
  assert.equal(stats().requests, requests + 1)
})

it(
  "a local broadcast is over when the clients here have acknowledged it",
  { timeout },
  async (t) => {
    const asking = async (name: PackageName, limit: number) => {
      const { a, a1 } = await scene(t, name)
      a1.socket.on("ask", (answer: (text: string) => void) => answer("a1"))
      return settled(a.io.local.timeout(limit).emitWithAck("ask"))
    }
    const ours = await asking("ours", PATIENT)
    assert.deepEqual([ours.status, "value" in ours && ours.value], ["fulfilled", ["a1"]])
    const published = await asking("published", 300)
    assert.equal(published.status, "rejected")
    assert.deepEqual((published.reason as { responses: unknown }).responses, ["a1"])
  },
)

it("a broadcast to be acknowledged at once is not heard twice", { timeout }, async (t) => {
  const hearing = async (name: PackageName) => {
    const { a, b, a1, b1 } = await scene(t, name)
    return reached([a.io, b.io], { a1, b1 }, () => {
      a.io.timeout(1).emit("ask", () => {})
      // The time is over before anything can come back through Redis.
      const end = performance.now() + 5
      while (performance.now() < end);
    })
  }
  assert.equal(await hearing("ours"), "a1 b1")
  assert.equal(await hearing("published"), "a1 a1 b1")
})
