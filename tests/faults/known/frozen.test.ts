// One of four servers is frozen. With the published adapters nobody learns anything of anybody then; ours gives
// what the others have answered.
import assert from "node:assert/strict"
import { describe, it, type TestContext } from "node:test"
import type { Redis } from "ioredis6"
import { RequestError } from "socket.io-redis-edge"
import type { ClientPair } from "../../node/support/clients.ts"
import type { TestServer } from "../../node/support/cluster.ts"
import { refuseUnhandledRejections } from "../../node/support/drivers.ts"
import { startRedis } from "../../node/support/redis-server.ts"
import { Ear } from "../support/ear.ts"
import { startProcess } from "../support/process.ts"
import { type AdapterName, nameOf, packageOf, startServer } from "../support/servers.ts"

refuseUnhandledRejections()

const timeout = 60_000
const client = "ioredis6"
/** How long the published adapters wait if they are not told otherwise, in milliseconds; ours too. */
const DEFAULT = 5_000

interface Found {
  readonly ids: readonly string[] | undefined
  readonly error: unknown
  readonly milliseconds: number
  /** Of the servers that are not frozen. */
  readonly known: readonly string[]
}

describe("a question while one of four servers is frozen", { concurrency: true }, () => {
  for (const adapter of ["classic", "sharded"] as const) {
    const name = nameOf(adapter)
    it(
      `is answered by ours with what the others say, by ${name} with nothing`,
      { timeout },
      async (t) => {
        const [ours, theirs] = await Promise.all([asked(t, "ours"), asked(t, adapter)])
        assert.ok(ours.error instanceof RequestError)
        const ids = idsOf(ours.error.responses as Described)
        t.diagnostic(
          `rejected after ${seconds(ours)} with ${ids.length} of the 3 good answers by ours, ` +
            `after ${seconds(theirs)} with 0 of 3 by ${name}, with ${packageOf(client)}`,
        )
        assert.equal(ours.error.code, "ERR_REQUEST_TIMEOUT")
        assert.equal(ours.error.missing, 1)
        assert.deepEqual(ids, ours.known)
        assert.equal(theirs.ids, undefined)
        assert.ok(!("responses" in (theirs.error as object)))
        assert.ok(theirs.milliseconds >= DEFAULT - 100)
      },
    )
  }

  it("is answered by ours, if that is good enough, with what is known", { timeout }, async (t) => {
    const ours = await asked(t, "ours", { partial: true })
    t.diagnostic(`resolved after ${seconds(ours)} with ${ours.ids?.length} good answers by ours`)
    assert.deepEqual(ours.ids, ours.known)
  })

  it("is answered by ours as soon as it is to be", { timeout }, async (t) => {
    const ours = await asked(t, "ours", { partial: true, requestsTimeout: 500 })
    t.diagnostic(`resolved after ${seconds(ours)} with ${ours.ids?.length} good answers by ours`)
    assert.deepEqual(ours.ids, ours.known)
    assert.ok(ours.milliseconds < DEFAULT / 2)
  })
})

type Described = readonly { readonly id: string }[]

const idsOf = (sockets: Described) => sockets.map(({ id }) => id).toSorted()
const seconds = ({ milliseconds }: Found) => `${(milliseconds / 1_000).toFixed(2)} s`

/** What one of three servers finds out about the sockets of all, when a fourth is frozen. */
async function asked(
  t: TestContext,
  adapter: AdapterName,
  options: { partial?: boolean; requestsTimeout?: number } = {},
): Promise<Found> {
  const redis = await startRedis()
  const place = { adapter, client, port: redis.port } as const
  const start = () => startServer({ ...place, ...options })
  const servers = await Promise.all([start(), start(), start()])
  t.after(async () => {
    // Published adapters do not wait until Redis has ended their subscriptions, nor handle that it fails.
    await Promise.all(servers.map(({ io }) => io.close()))
    const pairs = servers.map(({ pair }) => pair as ClientPair)
    await Promise.all(pairs.map(({ subClient }) => (subClient as Redis).ping()))
    for (const pair of pairs) pair.close()
    await redis[Symbol.asyncDispose]()
  })
  const [asking] = servers
  const clients = await Promise.all(servers.map((server) => server.connect()))
  await using frozen = await startProcess({ ...place, ...options })
  const frozenClient = await frozen.connect()
  const before = await all(asking, 4)
  assert.ok(before.includes(frozenClient.id))
  frozen.freeze()

  const begun = performance.now()
  const settling = Promise.allSettled([asking.io.fetchSockets()]).then(([outcome]) => {
    return { ...outcome, milliseconds: performance.now() - begun }
  })
  let broadcasts = 0
  // The servers that are not frozen go on meanwhile.
  const ears = clients.map(({ socket }) => new Ear(socket))
  for (; broadcasts < 20; broadcasts++) {
    const event = `meanwhile ${broadcasts}`
    servers[broadcasts % servers.length]?.io.emit(event)
    const heard = await Promise.all(ears.map((ear) => ear.hears(event, 2_000)))
    assert.deepEqual(heard, [true, true, true])
  }
  assert.ok(performance.now() - begun < DEFAULT)
  const outcome = await settling
  const known = clients.map(({ remote }) => remote.id).toSorted()
  return {
    ids: outcome.status === "fulfilled" ? idsOf(outcome.value) : undefined,
    error: outcome.status === "rejected" ? outcome.reason : undefined,
    milliseconds: outcome.milliseconds,
    known,
  }
}

/** The ids of so many sockets, one on each server, once they are all found. */
async function all({ io }: TestServer, count: number): Promise<string[]> {
  for (;;) {
    const found = await io.fetchSockets()
    if (found.length === count) return idsOf(found)
  }
}
