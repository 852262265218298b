// A Redis Cluster moves slots and loses each of its masters in turn, under load.
import assert from "node:assert/strict"
import { execFile } from "node:child_process"
import { it, type TestContext } from "node:test"
import { promisify } from "node:util"
import { clientNamesFor } from "../../node/support/clients.ts"
import { refuseUnhandledRejections } from "../../node/support/drivers.ts"
import { type RedisCluster, startRedisCluster } from "../../node/support/redis-cluster.ts"
import { executable } from "../../node/support/redis-server.ts"
import { atEach, standing, standingAgain } from "./support/redis.ts"
import { type Mode, modes, RECOVERY_LIMIT, Traffic } from "./support/traffic.ts"

const timeout = 90_000

refuseUnhandledRejections()

it("misses nothing while slots move from one master to another", { timeout }, async (t) => {
  const { cluster, all } = await stage(t)
  const [from, to] = await atEach(cluster.ports.slice(0, 2), (node) => node.cluster("MYID"))
  const { port } = { port: cluster.ports[0] }
  const sides = ["--cluster-from", String(from), "--cluster-to", String(to)]
  const move = ["--cluster", "reshard", `127.0.0.1:${port}`, ...sides, "--cluster-slots", "500"]
  await promisify(execFile)(executable("cli"), [...move, "--cluster-yes"])
  for (const { client, traffic } of all) {
    await traffic.resumed()
    assert.equal(await traffic.check(), 0, client)
  }
})

it("goes on elsewhere when a master is killed", { timeout }, async (t) => {
  const { cluster, all } = await stage(t)
  const expected = await standing(cluster.ports)
  const longest = new Map(all.map(({ client }) => [client, 0]))
  for (const victim of cluster.ports.keys()) {
    await cluster.kill(victim)
    const alive = cluster.ports.filter((_, node) => node !== victim)
    const stand = standingAgain(alive, expected, 3 * RECOVERY_LIMIT)
    await Promise.all(
      all.map(async ({ client, traffic }) => {
        longest.set(client, Math.max(Number(longest.get(client)), await traffic.resumed()))
      }),
    )
    t.diagnostic(`without node ${victim}, all subscriptions after ${Math.round(await stand)} ms`)
    assert.ok((await stand) < RECOVERY_LIMIT, `all subscriptions stood after ${await stand} ms`)
    await cluster.restart(victim)
  }
  for (const { client, traffic } of all) {
    const missed = await traffic.check()
    const took = Math.round(Number(longest.get(client)))
    t.diagnostic(`${client}: delivery after at most ${took} ms; ${missed} messages missed`)
  }
  for (const [client, took] of longest) {
    assert.ok(took < RECOVERY_LIMIT, `delivery resumed after ${took} ms with ${client}`)
  }
})

/** Two servers with the clients of each package. */
async function stage(t: TestContext) {
  const cluster: RedisCluster = await startRedisCluster()
  t.after(() => cluster[Symbol.asyncDispose]())
  const all = await Promise.all(
    clientNamesFor.cluster.map(async (client, index) => {
      const mode = modes[index % modes.length] as Mode
      const setting = { client, mode, reconnection: "default", key: client } as const
      return { client, traffic: await Traffic.start(t, setting, [cluster, cluster]) }
    }),
  )
  return { cluster, all }
}
