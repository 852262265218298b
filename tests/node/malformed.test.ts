import assert from "node:assert/strict"
import { after, before, describe, it } from "node:test"
import { Redis } from "ioredis5"
import { runChild } from "./support/child.ts"
import { type ClientName, clientNames } from "./support/clients.ts"
import { type Client, TestServer } from "./support/cluster.ts"
import { foreign, malformed, probe, unwanted, wanted } from "./support/messages.ts"
import { type RedisServer, startRedis } from "./support/redis-server.ts"

const timeout = 30_000
const CHANNEL = "socket.io#/#"
let redis: RedisServer
let publisher: Redis
const unhandled: unknown[] = []

process.on("unhandledRejection", (reason) => unhandled.push(reason))
before(async () => {
  redis = await startRedis()
  publisher = new Redis(redis.port)
})
after(async () => {
  publisher.disconnect()
  await redis[Symbol.asyncDispose]()
  assert.deepEqual(unhandled, [])
})

for (const name of clientNames) describe(`bad messages through ${name}`, () => dropped(name))

function dropped(name: ClientName): void {
  let server: TestServer, client: Client
  before(async () => {
    server = await TestServer.startWithRedis(name, redis.port)
    client = await server.connect()
  })
  after(() => server.close())

  /** Publishes messages and a good one after them; what the adapter counted and the client heard. */
  async function counts(channel: string, messages: readonly [string, Buffer][]) {
    const earlier = server.adapter().stats()
    for (const [, message] of messages) void publisher.publish(channel, message)
    await publisher.publish(CHANNEL, wanted("end"))
    await client.until("end")
    const later = server.adapter().stats()
    return {
      malformed: later.malformed - earlier.malformed,
      foreign: later.foreign - earlier.foreign,
      unwanted: later.unwanted - earlier.unwanted,
      delivered: later.delivered - earlier.delivered,
      heard: client.take().join(" "),
    }
  }
  const nothing = { malformed: 0, foreign: 0, unwanted: 0, delivered: 1, heard: "end" }

  if (name === "redis6") {
    for (const message of malformed) {
      it(`are counted as malformed: ${message[0]}`, { timeout }, async () => {
        assert.deepEqual(await counts(CHANNEL, [message]), { ...nothing, malformed: 1 })
      })
    }
  }

  it(
    "are counted and dropped all at once, and the next good one is heard",
    { timeout },
    async () => {
      assert.ok(malformed.length >= 60)
      assert.deepEqual(await counts(CHANNEL, malformed), {
        ...nothing,
        malformed: malformed.length,
      })
      assert.deepEqual(await counts(CHANNEL, foreign), { ...nothing, foreign: foreign.length })
      assert.deepEqual(await counts(CHANNEL, unwanted), { ...nothing, unwanted: unwanted.length })
      assert.deepEqual(await counts(CHANNEL, [probe]), nothing)
    },
  )

  it("are dropped on the channels of rooms too", { timeout }, async () => {
    client.remote.join("room")
    const { malformed: count } = await counts("socket.io#/#room#", malformed)
    assert.equal(count, malformed.length)
    assert.ok(client.socket.connected)
  })
}

describe("with DEBUG=socket.io-redis", () => {
  it("each bad message is told of in one line", { timeout }, async () => {
    const env = { DEBUG: "socket.io-redis", DEBUG_COLORS: "no" }
    const { code, stdout, stderr } = await runChild("bad-messages", [`${redis.port}`], env)
    assert.equal(code, 0, stderr)
    const lines = stderr.trim().split("\n")
    const telling = (text: RegExp) => lines.filter((line) => text.test(line)).length
    assert.equal(telling(/ignoring malformed message: \S+/), malformed.length)
    assert.equal(telling(/ignoring message: different namespace/), foreign.length)
    assert.equal(telling(/ignoring message: no socket here/), unwanted.length)
    assert.equal(JSON.parse(stdout).malformed, malformed.length)
  })
})
