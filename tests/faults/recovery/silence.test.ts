// Nothing comes any more, and nobody is told: connections that are dead, and subscriptions that are gone.
import assert from "node:assert/strict"
import { after, before, describe, it, type TestContext } from "node:test"
import { type ClientName, type ClientPair, clientNames } from "../../node/support/clients.ts"
import { refuseUnhandledRejections } from "../../node/support/drivers.ts"
import { type RedisServer, startRedis } from "../../node/support/redis-server.ts"
import { Proxy } from "./support/proxy.ts"
import { at, standing, standingAgain } from "./support/redis.ts"
import { type Mode, modes, RECOVERY_LIMIT, Traffic } from "./support/traffic.ts"

const timeout = 120_000

/**
 * How long a subscription may bring nothing until it is made anew, in milliseconds: it is looked at each
 * 6 to 8 seconds, where the second look in a row finds that nothing came; then three probes have 2 seconds
 * each. That makes 22 seconds.
 */
const DEAF_LIMIT = 27_000

/**
 * How long connections may be dead until there are others, in milliseconds: after that, the subscription is
 * asked for anew three times, with 5 seconds each and pauses between, and ioredis takes 2 to part with a
 * connection. That makes up to 45 seconds; the one that publishes is given up after 20, meanwhile.
 */
const DEAD_LIMIT = 55_000

refuseUnhandledRejections()

describe("nothing comes any more", { concurrency: 12 }, () => {
  let redis: RedisServer

  before(async () => {
    redis = await startRedis()
  })
  after(() => redis[Symbol.asyncDispose]())

  for (const [index, client] of clientNames.entries()) {
    const mode = modes[index % modes.length] as Mode
    const other = modes[(index + 1) % modes.length] as Mode
    // redis 4 subscribes with connections of our own, which nobody else can reach.
    if (client !== "redis4") {
      it(`${client}, ${mode}: somebody else has unsubscribed`, { timeout }, (t) =>
        unsubscribed(t, client, mode),
      )
    }
    it(`${client}, ${other}: connections are dead`, { timeout }, (t) =>
      dead(t, redis, client, other),
    )
  }
})

async function unsubscribed(t: TestContext, client: ClientName, mode: Mode): Promise<void> {
  const redis = await startRedis()
  t.after(() => redis[Symbol.asyncDispose]())
  const setting = { client, mode, reconnection: "default" } as const
  const traffic = await Traffic.start(t, setting, [at(redis), at(redis)])
  const expected = await standing([redis.port])
  await unsubscribe(traffic.pairs[1], Object.keys(expected))
  const [took] = await Promise.all([
    traffic.resumed(),
    standingAgain([redis.port], expected, DEAF_LIMIT),
  ])
  t.diagnostic(`${t.name}: heard again after ${Math.round(took)} ms`)
  await traffic.check()
  assert.ok(took > RECOVERY_LIMIT, "the subscriptions were not gone")
  assert.ok(took < DEAF_LIMIT, `delivery resumed after ${took} ms`)
}

async function dead(
  t: TestContext,
  redis: RedisServer,
  client: ClientName,
  mode: Mode,
): Promise<void> {
  const proxy = await Proxy.start(redis.port)
  t.after(() => proxy.close())
  const setting = {
    client,
    mode,
    reconnection: "default",
    key: client,
    resends: client.startsWith("io"),
  } as const
  const traffic = await Traffic.start(t, setting, [at(redis), at(proxy)])
  proxy.swallow()
  const took = await traffic.resumed()
  t.diagnostic(`${t.name}: heard again after ${Math.round(took)} ms`)
  const missed = await traffic.check()
  assert.ok(missed > 0, "the connections were not dead")
  assert.ok(took < DEAD_LIMIT, `delivery resumed after ${took} ms`)
}

type Unsubscribe = (names: readonly string[]) => unknown

/** Ends the subscriptions of a client as the application could, to the pattern of the namespace "/" too. */
async function unsubscribe({ subClient }: ClientPair, channels: readonly string[]): Promise<void> {
  const methods = subClient as unknown as Record<string, Unsubscribe>
  await methods.unsubscribe?.(channels)
  await (methods.pUnsubscribe ?? methods.punsubscribe)?.call(subClient, ["socket.io#/#*"])
}
