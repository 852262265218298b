// Sentinels put a replica in the place of a master that was killed, under load.
import assert from "node:assert/strict"
import { it } from "node:test"
import { clientNamesFor } from "../../node/support/clients.ts"
import { refuseUnhandledRejections } from "../../node/support/drivers.ts"
import { startSentinel } from "../../node/support/redis-sentinel.ts"
import { standing, standingAgain } from "./support/redis.ts"
import { type Mode, modes, RECOVERY_LIMIT, Traffic } from "./support/traffic.ts"

const timeout = 60_000

/**
 * How long delivery may take to resume once all sentinels name the new master, in milliseconds: node-redis
 * asks them each second only (`RedisSentinelInternal.#connect` of 5.12 and 6.3), whatever its options.
 */
const NODE_REDIS_LIMIT = 2_500

refuseUnhandledRejections()

it("goes on at the new master after a failover", { timeout }, async (t) => {
  const sentinel = await startSentinel()
  t.after(() => sentinel[Symbol.asyncDispose]())
  const all = await Promise.all(
    clientNamesFor.sentinel.map(async (client, index) => {
      const mode = modes[index % modes.length] as Mode
      const resends = client.startsWith("io")
      const setting = { client, mode, reconnection: "eager", key: client, resends } as const
      return { client, traffic: await Traffic.start(t, setting, [sentinel, sentinel]) }
    }),
  )
  const expected = await standing([sentinel.masterPort])
  await sentinel.failover()
  const [stand, ...times] = await Promise.all([
    standingAgain([sentinel.masterPort], expected, 2 * NODE_REDIS_LIMIT),
    ...all.map(({ traffic }) => traffic.resumed()),
  ])
  for (const [index, { client, traffic }] of all.entries()) {
    const missed = await traffic.check()
    const took = Math.round(Number(times[index]))
    t.diagnostic(`${client}: delivery after ${took} ms; ${missed} messages missed`)
    const limit = client.startsWith("io") ? RECOVERY_LIMIT : NODE_REDIS_LIMIT
    assert.ok(took < limit, `delivery resumed after ${took} ms with ${client}`)
  }
  assert.ok(Number(stand) < NODE_REDIS_LIMIT, `all subscriptions stood after ${stand} ms`)
})
