// The sharded adapter under load, while Redis is killed and a Redis Cluster moves slots and loses masters.
import assert from "node:assert/strict"
import { describe, it, type TestContext } from "node:test"
import { clientNames, clientNamesFor } from "../../node/support/clients.ts"
import { refuseUnhandledRejections } from "../../node/support/drivers.ts"
import { startRedisCluster } from "../../node/support/redis-cluster.ts"
import { startRedis } from "../../node/support/redis-server.ts"
import { at, standing, standingAgain } from "./support/redis.ts"
import { RECOVERY_LIMIT, type ShardedMode, shardedModes, Traffic } from "./support/traffic.ts"

const timeout = 90_000

/**
 * How long it may take until all stands again after a master has died, in milliseconds: the others wait a second for
 * it and then elect a replica, for which a loaded machine takes several.
 */
const FAILOVER_LIMIT = 15_000

refuseUnhandledRejections()

describe("Redis is killed and started again", { concurrency: 3 }, () => {
  const clients = clientNames.filter((client) => client !== "redis3")
  for (const [index, client] of clients.entries()) {
    const mode = shardedModes[index % shardedModes.length] as ShardedMode
    it(`${client}, ${mode}`, { timeout }, async (t) => {
      const redis = await startRedis()
      t.after(() => redis[Symbol.asyncDispose]())
      const resends = client.startsWith("io")
      const setting = { client, mode, reconnection: "default", resends } as const
      const traffic = await Traffic.start(t, setting, [at(redis), at(redis)])
      const expected = await standing([redis.port])
      await redis.kill()
      await redis.start()
      const [resumed, stand] = await Promise.all([
        traffic.resumed(),
        standingAgain([redis.port], expected, 2 * RECOVERY_LIMIT),
      ])
      const missed = await traffic.check()
      const times = `delivery after ${Math.round(resumed)} ms, all subscriptions after ${Math.round(stand)} ms`
      t.diagnostic(`${client}, ${mode}: ${times}; ${missed} messages missed`)
      assert.ok(resumed < RECOVERY_LIMIT, `delivery resumed after ${resumed} ms`)
      assert.ok(stand < RECOVERY_LIMIT, `all subscriptions stood after ${stand} ms`)
    })
  }
})

it("a Redis Cluster moves slots from one master to another", { timeout }, async (t) => {
  const { cluster, all } = await stage(t)
  const expected = await standing(cluster.ports)
  await cluster.reshard(0, 1, 2_000)
  await cluster.reshard(2, 0, 2_000)
  await standingAgain(cluster.ports, expected, 2 * RECOVERY_LIMIT)
  for (const { client, traffic } of all) {
    await traffic.resumed()
    t.diagnostic(`${client}: ${await traffic.check()} messages missed while 4,000 slots moved`)
  }
})

it("a Redis Cluster loses a master, whose replica takes its place", { timeout }, async (t) => {
  const { cluster, all } = await stage(t)
  const expected = await standing(cluster.ports)
  await cluster.kill(0)
  const alive = cluster.ports.slice(1)
  const stand = await standingAgain(alive, expected, FAILOVER_LIMIT)
  for (const { client, traffic } of all) {
    const resumed = await traffic.resumed()
    assert.ok(resumed < RECOVERY_LIMIT, `with ${client}, delivery resumed after ${resumed} ms`)
  }
  t.diagnostic(`all subscriptions stood ${Math.round(stand)} ms after the master was killed`)
  for (const { client, traffic } of all) {
    t.diagnostic(`${client}: ${await traffic.check()} messages missed`)
  }
})

/** Two servers with the clients of each package, on three masters with a replica each. */
async function stage(t: TestContext) {
  const cluster = await startRedisCluster(1)
  t.after(() => cluster[Symbol.asyncDispose]())
  const all = await Promise.all(
    clientNamesFor.cluster.map(async (client, index) => {
      const mode = shardedModes[index % shardedModes.length] as ShardedMode
      const setting = {
        client,
        mode,
        reconnection: "default",
        key: client,
        unordered: true,
      } as const
      return { client, traffic: await Traffic.start(t, setting, [cluster, cluster]) }
    }),
  )
  return { cluster, all }
}
