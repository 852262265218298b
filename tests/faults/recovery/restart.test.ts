// Redis is killed, and started again, under load.
import assert from "node:assert/strict"
import { describe, it, type TestContext } from "node:test"
import { setTimeout as delay } from "node:timers/promises"
import { type ClientName, clientNames } from "../../node/support/clients.ts"
import { refuseUnhandledRejections } from "../../node/support/drivers.ts"
import { startRedis } from "../../node/support/redis-server.ts"
import { at, standing, standingAgain } from "./support/redis.ts"
import { type Mode, modes, RECOVERY_LIMIT, type Setting, Traffic } from "./support/traffic.ts"

const timeout = 30_000

/** How long Redis is away, in milliseconds: clients that slow down by themselves have hardly begun. */
const SHORT = 0

/** So long that they would pause for seconds by then. */
const LONG = 5_000

refuseUnhandledRejections()

describe("after a short outage, with the clients' own options", { concurrency: 3 }, () => {
  for (const mode of modes) {
    for (const client of clientNames) test(client, mode, "default", SHORT)
  }
})

describe("after a long outage, with short pauses between attempts", { concurrency: 6 }, () => {
  for (const [index, client] of clientNames.entries()) {
    test(client, modes[index % modes.length] as Mode, "eager", LONG)
  }
})

function test(client: ClientName, mode: Mode, reconnection: Setting["reconnection"], away: number) {
  it(`${client}, ${mode}`, { timeout }, async (t: TestContext) => {
    const redis = await startRedis()
    t.after(() => redis[Symbol.asyncDispose]())
    const resends = client.startsWith("io")
    const traffic = await Traffic.start(t, { client, mode, reconnection, resends }, [
      at(redis),
      at(redis),
    ])
    const expected = await standing([redis.port])
    await redis.kill()
    await delay(away)
    await redis.start()
    const [resumed, stand] = await Promise.all([
      traffic.resumed(),
      standingAgain([redis.port], expected, 2 * RECOVERY_LIMIT),
    ])
    const missed = await traffic.check()
    const times = `delivery after ${Math.round(resumed)} ms, all subscriptions after ${Math.round(stand)} ms`
    t.diagnostic(`${client}, ${mode}, ${reconnection}: ${times}; ${missed} messages missed`)
    assert.ok(resumed < RECOVERY_LIMIT, `delivery resumed after ${resumed} ms`)
    assert.ok(stand < RECOVERY_LIMIT, `all subscriptions stood after ${stand} ms`)
  })
}
