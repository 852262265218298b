// While Redis is away, the published adapters that are based on ClusterAdapter of socket.io-adapter deliver
// nothing even to clients of the same server: they publish first. Ours delivers first.
import assert from "node:assert/strict"
import { describe, it, type TestContext } from "node:test"
import { type ClientName, clientNames } from "../../node/support/clients.ts"
import { refuseUnhandledRejections } from "../../node/support/drivers.ts"
import { type RedisServer, startRedis } from "../../node/support/redis-server.ts"
import { Ear } from "../support/ear.ts"
import { startProcess } from "../support/process.ts"
import {
  absent,
  type AdapterName,
  allOfOurs,
  nameOf,
  packageOf,
  startServer,
} from "../support/servers.ts"

refuseUnhandledRejections()

const timeout = 60_000
const events = Array.from({ length: 5 }, (_, number) => `event ${number}`)
/** How long the events have, in milliseconds; Redis is away until then. */
const PATIENCE = 2_000
/** Within how many milliseconds ours delivers each of them; a loaded machine needs a few. */
const SOON = 500

interface Sender {
  emit(event: string): unknown
  /** What one of its clients hears. */
  readonly ear: Ear
}

/** What the published adapters did with each client. */
const byTheirs = new Map<ClientName, string[]>()

describe(
  "five broadcasts while Redis is away, by published adapters,",
  { concurrency: true },
  () => {
    for (const client of ["redis6", "ioredis6"] as const) {
      const lines: string[] = []
      byTheirs.set(client, lines)
      for (const adapter of ["sharded", "streams"] as const) {
        const skip = absent(adapter)
        const name = nameOf(adapter)
        it(`are kept from local clients: ${name} with ${client}`, { timeout, skip }, async (t) => {
          const found = await during(t, (redis) => theirs(t, adapter, client, redis))
          lines.push(`${found.length} of 5 in ${PATIENCE} ms by ${name}`)
          assert.deepEqual(found, [])
        })
      }
    }
  },
)

for (const adapter of allOfOurs) {
  describe(`five broadcasts while Redis is away, by ${adapter}`, () => {
    for (const client of clientNames) {
      if (adapter === "ours sharded" && client === "redis3") continue
      it(`reach local clients at once with ${client}`, { timeout }, async (t) => {
        const found = await during(t, (redis) => ours(t, adapter, client, redis))
        const times = found.map((latency) => latency.toFixed(1)).join(", ")
        const mine = `${found.length} of 5 after ${times} ms by ${adapter}`
        const figures = [mine, ...(byTheirs.get(client) ?? [])].join(", ")
        t.diagnostic(`${figures}, with ${packageOf(client)}`)
        assert.equal(found.length, events.length)
        assert.ok(found.every((latency) => latency < SOON))
      })
    }
  })
}

/** After how many milliseconds a client heard the events that its server sent while Redis was away. */
async function during(
  t: TestContext,
  start: (redis: RedisServer) => Promise<Sender>,
): Promise<number[]> {
  const redis = await startRedis()
  t.after(() => redis[Symbol.asyncDispose]())
  const { emit, ear } = await start(redis)
  assert.ok(await ear.calls("begin", async () => emit("begin")), "it serves its clients before")
  await redis.kill()
  const sent = performance.now()
  for (const event of events) emit(event)
  await Promise.all(events.map((event) => ear.hears(event, PATIENCE)))
  return ear.latencies(events, sent).filter(Number.isFinite)
}

async function theirs(
  t: TestContext,
  adapter: AdapterName,
  client: ClientName,
  { port }: RedisServer,
): Promise<Sender> {
  const server = await startProcess({ adapter, client, port, patient: true })
  t.after(() => server[Symbol.asyncDispose]())
  const { socket } = await server.connect()
  return { emit: (event) => server.ask("emit", event), ear: new Ear(socket) }
}

async function ours(
  t: TestContext,
  adapter: AdapterName,
  client: ClientName,
  { port }: RedisServer,
): Promise<Sender> {
  const server = await startServer({ adapter, client, port, patient: true })
  t.after(() => server.close())
  const { socket } = await server.connect()
  return { emit: (event) => server.io.emit(event), ear: new Ear(socket) }
}
