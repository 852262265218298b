// Clients that were ended or never opened, that throw, and that lose their rights: nobody waits for them,
// and no error is left over.
import assert from "node:assert/strict"
import { after, before, describe, it } from "node:test"
import { setTimeout as delay } from "node:timers/promises"
import { createAdapter } from "socket.io-redis-edge"
import { driverFor, type RedisDriver } from "../../../js/src/redis/driver.ts"
import { within } from "../../../js/src/redis/deployment.ts"
import {
  type ClientName,
  clientNames,
  clientNamesFor,
  connectPair,
  type Deployment,
  makePair,
} from "../../node/support/clients.ts"
import {
  becomes,
  noop,
  readyDriver,
  refuseUnhandledRejections,
} from "../../node/support/drivers.ts"
import { startRedisCluster } from "../../node/support/redis-cluster.ts"
import { type RedisServer, startRedis } from "../../node/support/redis-server.ts"
import { TestServer } from "../../node/support/cluster.ts"
import { at, atEach, standing, standingAgain } from "./support/redis.ts"
import { type Mode, modes, Traffic } from "./support/traffic.ts"

const timeout = 30_000

/** How long what was refused may take once it is allowed: the longest pause between attempts, in milliseconds. */
const REFUSAL_LIMIT = 6_000

/** How soon all must be refused, in milliseconds, and what is said where it is not. */
const SOON = 2_000
const LATE = /^no answer of a Redis server/

/** How applications end their clients. */
const endings: Record<ClientName, readonly string[]> = {
  redis3: ["end", "quit"],
  redis4: ["disconnect", "quit"],
  redis5: ["close", "destroy"],
  redis6: ["close", "destroy"],
  ioredis5: ["disconnect", "quit"],
  ioredis6: ["disconnect", "quit"],
}

refuseUnhandledRejections()

describe("one server", () => {
  let redis: RedisServer

  before(async () => {
    redis = await startRedis()
  })
  after(() => redis[Symbol.asyncDispose]())

  for (const name of clientNames) {
    describe(name, () => {
      ended(name, () => ({ topology: "standalone", port: redis.port }))

      it("refuses all while it was never opened", { timeout }, async (t) => {
        const pair = makePair(name, redis.port)
        t.after(() => pair.close())
        const { pubClient, subClient } = pair
        // Those that open themselves do so later.
        if ("isOpen" in pubClient) await refuses(driverFor(pubClient, subClient))
      })

      it("rejects what a client throws, and what is no promise", { timeout }, async (t) => {
        const pair = await connectPair(name, redis.port)
        t.after(() => pair.close())
        const driver = driverFor(pair.pubClient, pair.subClient)
        // redis 3 calls back, whatever it returns.
        for (const publish of name === "redis3" ? [throwing] : [throwing, noop]) {
          Object.assign(pair.pubClient, { publish })
          await assert.rejects(within(driver.publish("any", "text"), SOON))
        }
      })

      it("has no more listeners with a thousand adapters than with one", { timeout }, async (t) => {
        const pair = await connectPair(name, redis.port)
        t.after(() => pair.close())
        const server = await TestServer.start({
          adapter: createAdapter(pair.pubClient, pair.subClient),
        })
        t.after(() => server.close())
        const listeners = () =>
          [pair.pubClient, pair.subClient].map((client) =>
            client.eventNames().map((event) => [event, client.listenerCount(event)]),
          )
        await server.adapter().subscribed()
        const [alone, expected] = [listeners(), await standing([redis.port])]
        const adapters = Array.from({ length: 1_000 }, (_, index) => server.adapter(`/${index}`))
        await Promise.all(adapters.map((adapter) => adapter.subscribed()))
        assert.deepEqual(listeners(), alone)
        assert.ok(
          Object.keys(await standing([redis.port])).length > 1_000,
          "nothing was subscribed to",
        )
        await Promise.all(adapters.map((adapter) => adapter.close()))
        assert.deepEqual(listeners(), alone)
        await standingAgain([redis.port], expected, SOON)
      })
    })
  }
})

describe("a cluster", () => {
  let cluster: Awaited<ReturnType<typeof startRedisCluster>>

  before(async () => {
    cluster = await startRedisCluster()
  })
  after(() => cluster[Symbol.asyncDispose]())

  for (const name of clientNamesFor.cluster) describe(name, () => ended(name, () => cluster))
})

describe("rights are taken and given back", { concurrency: 6 }, () => {
  for (const [index, client] of clientNames.entries()) {
    const mode = modes[index % modes.length] as Mode
    it(`${client}, ${mode}`, { timeout }, async (t) => {
      const redis = await startRedis()
      t.after(() => redis[Symbol.asyncDispose]())
      const traffic = await Traffic.start(t, { client, mode, reconnection: "eager" }, [
        at(redis),
        at(redis),
      ])
      const expected = await standing([redis.port])
      const allow = (channels: string) =>
        atEach([redis.port], (control) => control.acl("SETUSER", "default", channels))
      await allow("resetchannels")
      await delay(500)
      assert.deepEqual(await standing([redis.port]), {})
      await allow("allchannels")
      const [took] = await Promise.all([
        traffic.resumed(),
        standingAgain([redis.port], expected, REFUSAL_LIMIT),
      ])
      const missed = await traffic.check()
      t.diagnostic(`${client}, ${mode}: delivery after ${Math.round(took)} ms; ${missed} missed`)
      assert.ok(took < REFUSAL_LIMIT, `delivery resumed after ${took} ms`)
    })
  }
})

function ended(name: ClientName, deployment: () => Deployment): void {
  for (const ending of endings[name]) {
    it(`refuses all after ${ending}()`, { timeout }, async (t) => {
      const pair = await connectPair(name, deployment())
      t.after(() => pair.close())
      const driver = await readyDriver(pair)
      // After `end()`, redis 3 says nothing any more.
      const lost = ending === "end" ? undefined : becomes(driver, "lost")
      for (const client of [pair.pubClient, pair.subClient]) {
        const methods = client as unknown as Record<string, (flush?: false) => unknown>
        // redis 3 takes what `end()` is to do with what waits for an answer.
        await (ending === "end" ? methods.end?.(false) : methods[ending]?.())
      }
      await lost
      await refuses(driver)
    })
  }
}

function throwing(): never {
  throw new Error("at once")
}

/** Checks that nothing is done, and nobody waits for it. */
async function refuses(driver: RedisDriver): Promise<void> {
  const asking: (() => Promise<unknown>)[] = [
    () => driver.publish("any", "text"),
    () => driver.count(["any"]),
  ]
  for (const ask of asking) {
    await assert.rejects(within(ask(), SOON), (error: Error) => !LATE.test(error.message))
  }
  await assert.rejects(driver.subscribe("channel", "any", noop), { code: "ERR_NOT_READY" })
  await within(driver.unsubscribe("channel", "any", noop), SOON)
  driver.reconnect()
  assert.equal(driver.ready, false)
}
