// Connections break in the middle of messages, are taken and never answered, or are ended by Redis.
import assert from "node:assert/strict"
import { describe, it, type TestContext } from "node:test"
import { setTimeout as delay } from "node:timers/promises"
import { type ClientName, clientNames } from "../../node/support/clients.ts"
import { refuseUnhandledRejections } from "../../node/support/drivers.ts"
import { startRedis } from "../../node/support/redis-server.ts"
import { directions, Proxy } from "./support/proxy.ts"
import { at, atEach, standing, standingAgain } from "./support/redis.ts"
import { type Mode, modes, RECOVERY_LIMIT, Traffic } from "./support/traffic.ts"

const timeout = 40_000

/** Bytes that still come through: none, the head of a message, and places in the middle of one. */
const CUTS = [0, 1, 7, 20, 50, 71, 150]

/** The same for new connections, whose first bytes are about their setup and subscriptions. */
const EARLY_CUTS = [0, 10, 80, 150]

/** How long Redis does not answer, in milliseconds. */
const SILENCE = 1_500

/** Redis drops subscribers that have more than this to take. */
const LIMIT = "pubsub 256kb 0 0"

refuseUnhandledRejections()

for (const [index, client] of clientNames.entries()) {
  const mode = modes[index % modes.length] as Mode
  describe(`${client}, ${mode}`, { concurrency: 3 }, () => faults(client, mode))
}

function faults(client: ClientName, mode: Mode): void {
  for (const direction of directions) {
    it(`breaks in the middle of messages ${direction}`, { timeout }, async (t) => {
      const { proxy, recovered, check } = await stage(t)
      for (const bytes of CUTS) {
        await proxy.cutAfter(bytes, direction)
        await recovered()
      }
      await check()
    })

    it(`breaks while it is set up again, ${direction}`, { timeout }, async (t) => {
      const { proxy, recovered, check } = await stage(t)
      for (const bytes of EARLY_CUTS) {
        const broken = proxy.cutNew(2, bytes, direction)
        proxy.cut()
        await broken
        await recovered()
      }
      await check()
    })
  }

  it("takes connections and never answers, then breaks them", { timeout }, async (t) => {
    const { proxy, recovered, check } = await stage(t)
    proxy.mute(true)
    proxy.cut()
    await delay(SILENCE)
    proxy.mute(false)
    proxy.cut()
    await recovered()
    await check()
  })

  it("stops answering, then answers all", { timeout }, async (t) => {
    const { redis, recovered, check } = await stage(t)
    process.kill(redis.pid ?? 0, "SIGSTOP")
    await delay(SILENCE)
    process.kill(redis.pid ?? 0, "SIGCONT")
    await recovered()
    await check()
  })

  it("drops a subscriber that is slow", { timeout }, async (t) => {
    const { redis, proxy, traffic, recovered, check } = await stage(t)
    const subscribers = async ([port] = [redis.port]) => {
      const [list] = await atEach([port], (control) => control.client("LIST", "TYPE", "PUBSUB"))
      return String(list).split("\n").filter(Boolean).length
    }
    await atEach([redis.port], (control) =>
      control.config("SET", "client-output-buffer-limit", LIMIT),
    )
    assert.equal(await subscribers(), 2)
    proxy.stall(true)
    while ((await subscribers()) === 2) {
      // To be received there, and not delivered.
      const audience = traffic.servers[0].io.to("room").except("room")
      audience.emit("filler", Buffer.alloc(1 << 18))
      await delay(5)
    }
    proxy.stall(false)
    await recovered()
    await check()
  })

  /** One of the two servers goes through the proxy. */
  async function stage(t: TestContext) {
    const redis = await startRedis()
    t.after(() => redis[Symbol.asyncDispose]())
    const proxy = await Proxy.start(redis.port)
    t.after(() => proxy.close())
    const setting = {
      client,
      mode,
      reconnection: "default",
      resends: client.startsWith("io"),
    } as const
    const traffic = await Traffic.start(t, setting, [at(redis), at(proxy)])
    const expected = await standing([redis.port])
    const times: number[] = []
    return {
      redis,
      proxy,
      traffic,
      async recovered() {
        const stand = standingAgain([redis.port], expected, RECOVERY_LIMIT)
        times.push(await traffic.resumed())
        await stand
      },
      async check() {
        const missed = await traffic.check()
        const longest = Math.round(Math.max(...times))
        t.diagnostic(`${client}, ${mode}: ${t.name}: at most ${longest} ms; ${missed} missed`)
        assert.ok(longest < RECOVERY_LIMIT, `delivery resumed after ${longest} ms`)
      },
    }
  }
}
