// What no server sends costs the published adapters what comes with it, or the process. Ours counts it.
import assert from "node:assert/strict"
import { after, before, describe, it, type TestContext } from "node:test"
import { Redis } from "ioredis5"
import { type ClientName, clientNames } from "../../node/support/clients.ts"
import { refuseUnhandledRejections } from "../../node/support/drivers.ts"
import { type RedisServer, startRedis } from "../../node/support/redis-server.ts"
import { Ear } from "../support/ear.ts"
import { startProcess } from "../support/process.ts"
import {
  type AdapterName,
  type allOfOurs,
  nameOf,
  packageOf,
  startServer,
} from "../support/servers.ts"
import { wires } from "../support/wire.ts"
import { endless, malformedMessages, wrongForOurs, wrongForSharded } from "./poison.ts"

refuseUnhandledRejections()

const timeout = 60_000
const BAD = 1_700
const goodEvents = Array.from({ length: 170 }, (_, number) => `good ${number}`)

let redis: RedisServer
let control: Redis

before(async () => {
  redis = await startRedis()
  control = new Redis(redis.port)
})
after(async () => {
  control.disconnect()
  await redis[Symbol.asyncDispose]()
})

/** A message, and what follows the key in its channel. */
type Load = readonly (readonly [channel: string, message: Buffer])[]

/** So many messages, each of them in turn. */
const repeated = (messages: Load): Load =>
  Array.from({ length: BAD }, (_, index) => messages[index % messages.length] as Load[number])

const everything: Load = malformedMessages(BAD, 7).map((message) => ["#/#", message])
const json: Load = repeated(
  Object.entries(wrongForOurs).flatMap(([channel, messages]) =>
    messages.map((message) => [channel, message] as const),
  ),
)
const jsonForSharded: Load = repeated(wrongForSharded.map((message) => ["#/#", message]))

/** Sends good messages in one go, each behind as many of the bad ones as there are for it. */
async function send(adapter: AdapterName, key: string, load: Load): Promise<void> {
  const { event } = wires[adapter]
  const command = adapter.endsWith("sharded") ? "spublish" : "publish"
  const burst = control.pipeline()
  goodEvents.forEach((name, number) => {
    const each = BAD / goodEvents.length
    for (const [channel, message] of load.slice(number * each, (number + 1) * each)) {
      burst[command](`${key}${channel}`, message)
    }
    burst[command](`${key}#/#`, event(name))
  })
  await burst.exec()
}

/** How many good messages ours delivers among bad ones, and how many bad ones it counts. */
async function ofOurs(
  t: TestContext,
  client: ClientName,
  load: Load,
  adapter: (typeof allOfOurs)[number] = "ours",
) {
  const key = `${adapter} with ${client}`
  const server = await startServer({ adapter, client, port: redis.port, key })
  t.after(() => server.close())
  const connected = await server.connect()
  await connected.remote.join("room")
  const ear = new Ear(connected.socket)
  const earlier = server.adapter().stats()
  await send(adapter, key, load)
  await wires[adapter].send(control, key, wires[adapter].event("end"))
  assert.ok(await ear.hears("end"), "ours is not deaf afterwards")
  assert.ok(connected.socket.connected)
  const { malformed, delivered } = server.adapter().stats()
  assert.equal(delivered - earlier.delivered, goodEvents.length + 1)
  return { delivered: ear.count(goodEvents), malformed: malformed - earlier.malformed }
}

/** The like of a published adapter, in a process of its own. */
async function ofTheirs(
  adapter: AdapterName,
  client: ClientName,
  load: Load,
  { survives = false, patience = 2_000 } = {},
) {
  const key = `${adapter} with ${client} that ${survives ? "survives" : "dies"}`
  await using server = await startProcess({ adapter, client, port: redis.port, key, survives })
  const connected = await server.connect()
  const ear = new Ear(connected.socket)
  const say = (name: string) => wires[adapter].send(control, key, wires[adapter].event(name))
  assert.ok(await ear.calls("begin", () => say("begin")), `${adapter} hears`)
  await send(adapter, key, load)
  const heard = ear.calls("end", () => say("end"), patience)
  await Promise.race([heard, server.ended])
  const uncaught = survives ? (await server.ask("uncaught")).length : 0
  const kept = connected.socket.connected
  return { delivered: ear.count(goodEvents), uncaught, kept, end: server.end }
}

const all = goodEvents.length
/** The clients that the published adapters are not tried with here. */
const others = clientNames.filter((name) => !name.endsWith("redis6"))

describe("1,700 malformed messages among 170 good ones", { concurrency: true }, () => {
  for (const client of ["redis6", "ioredis6"] as const) {
    it(
      `cost the published adapter messages or exceptions with ${client}`,
      { timeout },
      async (t) => {
        const [ours, theirs] = await Promise.all([
          ofOurs(t, client, everything),
          ofTheirs("classic", client, everything, { survives: true }),
        ])
        t.diagnostic(
          `${ours.delivered} of ${all} delivered by ours, ${theirs.delivered} of ${all} by ${nameOf("classic")}, ` +
            `${theirs.uncaught} uncaught exceptions and a client ${theirs.kept ? "kept" : "lost"} there, with ${packageOf(client)}`,
        )
        assert.deepEqual(ours, { delivered: all, malformed: BAD })
        if (client === "redis6") assert.ok(theirs.delivered < all / 10)
        else assert.ok(theirs.uncaught > BAD / 10)
      },
    )
  }

  for (const client of clientNames.filter((name) => name !== "redis3")) {
    it(`cost the sharded one of ours nothing with ${client}`, { timeout }, async (t) => {
      const { delivered } = await ofOurs(t, client, everything, "ours sharded")
      assert.equal(delivered, all)
    })
  }

  for (const client of others) {
    it(`cost nothing with ${client}`, { timeout }, async (t) => {
      assert.deepEqual(await ofOurs(t, client, everything), { delivered: all, malformed: BAD })
    })
  }
})

it("seven bytes keep the published adapter busy for good", { timeout }, async (t) => {
  const load: Load = [["#/#", endless]]
  const [ours, theirs] = await Promise.all([
    ofOurs(t, "ioredis6", load),
    ofTheirs("classic", "ioredis6", load),
  ])
  t.diagnostic(
    `${ours.delivered} of ${all} delivered by ours after them, ${theirs.delivered} of ${all} by ${nameOf("classic")}`,
  )
  assert.deepEqual(ours, { delivered: all, malformed: 1 })
  assert.deepEqual(theirs, { delivered: 0, uncaught: 0, kept: true, end: undefined })
})

describe("JSON of the wrong shape", { concurrency: true }, () => {
  for (const client of ["redis6", "ioredis6"] as const) {
    it(`costs the sharded adapter messages or its life with ${client}`, { timeout }, async (t) => {
      const [ours, sharded, theirs] = await Promise.all([
        ofOurs(t, client, json),
        ofOurs(t, client, jsonForSharded, "ours sharded"),
        ofTheirs("sharded", client, jsonForSharded),
      ])
      const fate = theirs.end ? `ended with ${theirs.end.code}: ${theirs.end.reason}` : "lives"
      t.diagnostic(
        `${sharded.delivered} of ${all} delivered by ours, ${theirs.delivered} of ${all} by ${nameOf("sharded")}, ` +
          `with ${packageOf(client)}; that one ${fate}`,
      )
      assert.deepEqual(ours, { delivered: all, malformed: BAD })
      assert.equal(sharded.delivered, all)
      assert.ok(sharded.malformed > BAD / 2, "the others are of no type or namespace that is known")
      assert.ok(theirs.delivered < all / 10)
      if (client === "ioredis6") assert.ok(theirs.end, "it ends")
    })
  }

  for (const client of others) {
    it(`costs nothing on any channel with ${client}`, { timeout }, async (t) => {
      assert.deepEqual(await ofOurs(t, client, json), { delivered: all, malformed: BAD })
    })
  }
})
