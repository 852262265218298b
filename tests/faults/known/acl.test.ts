// A Redis user without the rights that an adapter needs. The published ones end the process with an
// unhandled rejection; ours serves its clients, says so once, and goes on when it may.
import assert from "node:assert/strict"
import { describe, it, type TestContext } from "node:test"
import { setTimeout as delay } from "node:timers/promises"
import { type FaultError, type RedisAdapter, RequestError } from "socket.io-redis-edge"
import { type ClientName, clientNames } from "../../node/support/clients.ts"
import { refuseUnhandledRejections } from "../../node/support/drivers.ts"
import { startGuardedRedis } from "../support/acl.ts"
import { Ear } from "../support/ear.ts"
import { launch, startProcess } from "../support/process.ts"
import {
  absent,
  type AdapterName,
  allOfOurs,
  nameOf,
  packageOf,
  startServer,
} from "../support/servers.ts"
import { wires } from "../support/wire.ts"

refuseUnhandledRejections()

const timeout = 60_000
/** The longest pause between two attempts to subscribe, and what a loaded machine adds. */
const PAUSE = 6_000
const KEY = "socket.io"

interface Denial {
  readonly rules: readonly string[]
  /** Whether the rights were there at first. */
  readonly later?: true
  readonly faults: readonly string[]
}

const denials: Record<string, Denial> = {
  publish: { rules: ["-publish"], faults: ["ERR_PUBLISH_FAILED"] },
  subscribe: { rules: ["-subscribe", "-psubscribe"], faults: ["ERR_SUBSCRIBE_FAILED"] },
  "use any channel": {
    rules: ["resetchannels"],
    faults: ["ERR_PUBLISH_FAILED", "ERR_SUBSCRIBE_FAILED"],
  },
  "do anything but connect": {
    rules: ["-@all", "+@connection", "+info"],
    faults: ["ERR_COUNT_FAILED", "ERR_PUBLISH_FAILED", "ERR_SUBSCRIBE_FAILED"],
  },
  "use any channel any longer": {
    rules: ["resetchannels"],
    later: true,
    faults: ["ERR_PUBLISH_FAILED", "ERR_SUBSCRIBE_FAILED"],
  },
}

describe("a server process whose user may use no channel", { concurrency: true }, () => {
  for (const client of ["redis6", "ioredis6"] as const) {
    for (const adapter of ["classic", "sharded", "streams"] as const) {
      const skip = absent(adapter)
      it(`ends with ${nameOf(adapter)} and ${client}`, { timeout, skip }, async (t) => {
        const redis = await startGuardedRedis(t)
        await redis.allow("resetchannels")
        await using server = launch({ adapter, client, port: redis.port })
        const { code, reason } = await server.ended
        t.diagnostic(`ended with ${code}: ${reason}, by ${nameOf(adapter)}`)
        assert.equal(code, 1)
        assert.match(reason, /NOPERM/)
      })
    }

    for (const adapter of allOfOurs) {
      it(`lives with ${adapter} and ${client}`, { timeout }, (t) => lives(t, adapter, client))
    }
  }
})

async function lives(t: TestContext, adapter: AdapterName, client: ClientName): Promise<void> {
  const redis = await startGuardedRedis(t)
  await redis.allow("resetchannels")
  await using server = await startProcess({ adapter, client, port: redis.port })
  const ear = new Ear((await server.connect()).socket)
  for (const event of ["one", "two", "three"]) {
    await server.ask("emit", event)
    assert.ok(await ear.hears(event), `${event} is heard there`)
  }
  t.diagnostic(`lives, 3 of 3 delivered there, by ${adapter} with ${packageOf(client)}`)
  assert.equal(server.end, undefined)
}

for (const [what, denial] of Object.entries(denials)) {
  describe(`ours, whose user may not ${what},`, { concurrency: true }, () => {
    for (const client of clientNames) {
      it(`lives and recovers with ${client}`, { timeout }, (t) => survives(t, client, denial))
    }
  })
}

describe("ours, whose faults nobody listens to,", { concurrency: true }, () => {
  const denial = denials["do anything but connect"] as Denial
  for (const client of ["redis6", "ioredis6"] as const) {
    it(`lives and recovers with ${client}`, { timeout }, (t) => survives(t, client, denial, false))
  }
})

/** Denies, looks, allows, and looks again; `listens` is whether the application wants to know of faults. */
async function survives(
  t: TestContext,
  client: ClientName,
  denial: Denial,
  listens = true,
): Promise<void> {
  const redis = await startGuardedRedis(t)
  if (!denial.later) await redis.allow(...denial.rules)
  const options = { adapter: "ours", client, port: redis.port, key: KEY } as const
  const server = await startServer({ ...options, requestsTimeout: 300 })
  t.after(() => server.close())
  const adapter = server.adapter()
  const faults: FaultError[] = []
  if (listens) adapter.on("error", (fault: FaultError) => faults.push(fault))
  const connected = await server.connectEarly()
  const ear = new Ear(connected.socket)
  if (denial.later) {
    await adapter.subscribed()
    await redis.allow(...denial.rules)
  }
  // Somebody who is counted as a server, and answers nothing.
  const left = new Promise<void>((resolve) => {
    redis.listener.on("messageBuffer", (_channel, message: Buffer) => {
      if (message.includes("recovered")) resolve()
    })
  })
  await redis.listener.subscribe(`${KEY}-request#/#`, `${KEY}#/#`)

  const denied = performance.now()
  for (const event of ["one", "two", "three"]) {
    server.io.emit(event)
    assert.ok(await ear.hears(event), `${event} is heard here`)
  }
  for (let question = 0; question < 2; question++) {
    await assert.rejects(server.io.fetchSockets(), (error: RequestError<{ id: string }[]>) => {
      assert.ok(error instanceof RequestError)
      const found = error.responses.map(({ id }) => id)
      assert.deepEqual(found, [connected.remote.id])
      return true
    })
  }
  while (!failedTwice(adapter, denial)) await delay(20, undefined, { signal: t.signal })
  assert.equal(adapter.stats().degraded, 1)
  if (listens) {
    // node-redis 5 and 6 ask for what they had before they are ready, and tell of its refusal themselves.
    const own = adapter.stats().connected === 0 ? "ERR_SUBSCRIBE_FAILED" : undefined
    const codes = faults.map(({ code }) => code).toSorted()
    assert.deepEqual(
      codes,
      denial.faults.filter((code) => code !== own),
      "each is told of once",
    )
    for (const { cause, occurrences } of faults) {
      assert.match(String(cause), /NOPERM/)
      assert.ok(occurrences >= 1)
    }
  }

  await redis.allow("+@all", "allchannels")
  const allowed = performance.now()
  const call = () => wires.ours.send(redis.control, KEY, wires.ours.event("from another server"))
  const heard = ear.calls("from another server", call, PAUSE)
  const sending = setInterval(() => server.io.emit("recovered"), 20)
  t.after(() => clearInterval(sending))
  const [hears] = await Promise.all([heard, left])
  await adapter.subscribed()
  while (adapter.stats().degraded !== 0) await delay(20, undefined, { signal: t.signal })
  const recovered = performance.now() - allowed
  t.diagnostic(
    `denied for ${Math.round(allowed - denied)} ms, whole again ${Math.round(recovered)} ms after it was allowed`,
  )
  assert.ok(hears, "others are heard again")
  assert.ok(recovered < PAUSE)
}

/** Whether as much was refused that it would be told of twice, if it ever were. */
function failedTwice(adapter: RedisAdapter, { faults }: Denial): boolean {
  const { connected, countFailed, publishFailed, refused } = adapter.stats()
  const counts: Record<string, number> = {
    ERR_COUNT_FAILED: countFailed,
    ERR_PUBLISH_FAILED: publishFailed,
    ERR_SUBSCRIBE_FAILED: connected === 1 ? refused : 2,
  }
  return faults.every((code) => Number(counts[code]) >= 2)
}
