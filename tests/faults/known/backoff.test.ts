// A Redis that refuses what an adapter lives on: it is not to be asked for it again and again.
import assert from "node:assert/strict"
import { describe, it, type TestContext } from "node:test"
import { setTimeout as delay } from "node:timers/promises"
import { type ClientName, clientNames } from "../../node/support/clients.ts"
import { refuseUnhandledRejections } from "../../node/support/drivers.ts"
import { type GuardedRedis, startGuardedRedis } from "../support/acl.ts"
import { startProcess } from "../support/process.ts"
import { absent, nameOf, packageOf, startServer } from "../support/servers.ts"

refuseUnhandledRejections()

const timeout = 60_000
/** How long the commands are counted, in milliseconds. */
const WINDOW = 3_000
/** Six attempts at each of four subscriptions: at once, and after 0.1, 0.2, 0.4, 0.8 and 1.6 seconds. */
const SELDOM = 24
/** What the test itself asks for meanwhile. */
const own = new Set(["acl|setuser", "info"])

/** How often Redis is asked for anything in 3 seconds, and for what. */
async function callsIn(redis: GuardedRedis): Promise<Map<string, number>> {
  const earlier = await redis.calls()
  await delay(WINDOW)
  const later = await redis.calls()
  const calls = new Map<string, number>()
  for (const [command, count] of later) {
    const more = count - (earlier.get(command) ?? 0)
    if (more > 0 && !own.has(command)) calls.set(command, more)
  }
  return calls
}

const sum = (calls: Map<string, number>) => [...calls.values()].reduce((all, more) => all + more, 0)

describe("a Redis that refuses to be read or subscribed to", { concurrency: true }, () => {
  for (const client of ["redis6", "ioredis6"] as const) {
    const skip = absent("streams")
    const name = nameOf("streams")
    it(`is asked without a pause by ${name} with ${client}`, { timeout, skip }, async (t) => {
      const [calls, xreads] = await Promise.all([ofOurs(t, client), ofTheirs(t, client)])
      t.diagnostic(
        `${sum(calls)} commands in 3 s by ours, ${xreads} times XREAD by ${name}, with ${packageOf(client)}`,
      )
      assert.ok(xreads > 1_000)
    })
  }

  for (const client of clientNames) {
    it(`is asked seldom by ours with ${client}`, { timeout }, async (t) => {
      const calls = await ofOurs(t, client)
      const which = [...calls].map(([command, count]) => `${count} ${command}`).join(", ")
      t.diagnostic(`${sum(calls)} commands in 3 s by ours with ${packageOf(client)}: ${which}`)
      assert.ok(sum(calls) > 0, "it goes on trying")
      assert.ok(sum(calls) <= SELDOM, "but not in haste")
    })
  }
})

async function ofOurs(t: TestContext, client: ClientName): Promise<Map<string, number>> {
  const redis = await startGuardedRedis(t)
  await redis.allow("-subscribe", "-psubscribe")
  const server = await startServer({ adapter: "ours", client, port: redis.port })
  t.after(() => server.close())
  return callsIn(redis)
}

async function ofTheirs(t: TestContext, client: ClientName): Promise<number> {
  const redis = await startGuardedRedis(t)
  await redis.allow("-xread")
  await using _ = await startProcess({ adapter: "streams", client, port: redis.port })
  return (await callsIn(redis)).get("xread") ?? 0
}
