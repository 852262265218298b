// Broadcasts as JSON, from those who can publish text alone.
import assert from "node:assert/strict"
import { after, before, describe, it } from "node:test"
import { Redis } from "ioredis5"
import * as msgpackParser from "socket.io-msgpack-parser"
import { type Client, type Heard, TestServer } from "./support/cluster.ts"
import { type RedisServer, startRedis } from "./support/redis-server.ts"

const timeout = 30_000
const packet = { type: 2, data: ["bad", 1], nsp: "/" }
const opts = { rooms: [], except: [], flags: {} }

describe("a broadcast as JSON", () => {
  let redis: RedisServer
  let control: Redis
  let text: TestServer, packed: TestServer
  let t1: Client, t2: Client, p1: Client

  before(async () => {
    redis = await startRedis()
    control = new Redis(redis.port)
    const parser = msgpackParser
    ;[text, packed] = await Promise.all([
      TestServer.startWithRedis("redis6", redis.port),
      TestServer.startWithRedis("ioredis6", redis.port, { parser }),
    ])
    ;[t1, t2, p1] = await Promise.all([
      text.connect(),
      text.connect(),
      packed.connect("/", { parser }),
    ])
  })
  after(async () => {
    control.disconnect()
    await Promise.all([text, packed].map((server) => server.close()))
    await redis[Symbol.asyncDispose]()
  })

  const publish = (message: unknown, room = "") =>
    control.publish(`socket.io#/#${room}`, JSON.stringify(message))
  const emit = (data: unknown[], options: object = opts) =>
    publish(["emitter", { type: 2, data, nsp: "/" }, options])

  /** What t1, t2 and p1 hear of what an action publishes. */
  async function hearing(action: () => unknown): Promise<Heard[][]> {
    await action()
    await emit(["end"])
    const clients = [t1, t2, p1]
    await Promise.all(clients.map((client) => client.until("end")))
    return clients.map((client) => client.take("end"))
  }

  it("reaches everybody", { timeout }, async () => {
    const event = ["e", 1, 'é😀 "\\\u0001', null, { deep: [true, [-0.5, 1e-7]], empty: {} }]
    assert.deepEqual(await hearing(() => emit(event)), [[event], [event], [event]])
    const long = ["long", "x".repeat(70_000), Array.from({ length: 1_000 }, (_, n) => ({ n }))]
    assert.deepEqual(await hearing(() => emit(long)), [[long], [long], [long]])
  })

  it("keeps whole numbers that are no safe integers", { timeout }, async () => {
    const event = ["e", 2 ** 53, -(2 ** 63), 2 ** 64, 1e20, 1e300]
    // socket.io-msgpack-parser makes other numbers of the last ones itself.
    const [one, two] = await hearing(() => emit(event))
    assert.deepEqual([one, two], [[event], [event]])
  })

  it("reaches rooms, and leaves rooms out", { timeout }, async () => {
    await Promise.all([t1.remote.join("x"), p1.remote.join(["x", "y"])])
    const event = ["e", 1]
    const x = { ...opts, rooms: ["x"] }
    assert.deepEqual(await hearing(() => emit(event, x)), [[event], [], [event]])
    const inRoom = ["emitter", { type: 2, data: event, nsp: "/" }, x]
    assert.deepEqual(await hearing(() => publish(inRoom, "x#")), [[event], [], [event]])
    const notY = { ...opts, except: ["y"] }
    assert.deepEqual(await hearing(() => emit(event, notY)), [[event], [event], []])
    assert.deepEqual(await hearing(() => emit(event, {})), [[event], [event], [event]])
  })

  it("carries its flags to the engines", { timeout }, async () => {
    const writes = t2.writes()
    await hearing(() => emit(["e"], { ...opts, flags: { volatile: true, compress: false } }))
    assert.deepEqual([writes[0]?.volatile, writes[0]?.compress], [true, false])
  })

  it("shows its values to listeners of outgoing packets", { timeout }, async () => {
    const seen: unknown[][] = []
    const listener = (...args: unknown[]) => void seen.push(args)
    const remotes = [t1.remote, p1.remote]
    for (const remote of remotes) remote.onAnyOutgoing(listener)
    const event = ["e", { list: [1, "two", null] }]
    await hearing(() => emit(event))
    for (const remote of remotes) remote.offAnyOutgoing(listener)
    const names = seen.toSorted(([one], [other]) => String(one).localeCompare(String(other)))
    assert.deepEqual(names, [event, event, ["end"], ["end"]])
  })

  const malformed: [what: string, message: unknown][] = [
    ["no options", ["emitter", packet]],
    ["an object", { type: 3 }],
    ["a text", "emitter"],
    ["a sender that is no text", [1, packet, opts]],
    ["a packet that is null", ["emitter", null, opts]],
    ["a packet without data", ["emitter", { type: 2, nsp: "/" }, opts]],
    ["data that is no list", ["emitter", { ...packet, data: {} }, opts]],
    ["no event", ["emitter", { ...packet, data: [] }, opts]],
    ["an event that is no name", ["emitter", { ...packet, data: [{}] }, opts]],
    ["a reserved event", ["emitter", { ...packet, data: ["disconnect"] }, opts]],
    ["another type", ["emitter", { ...packet, type: 3 }, opts]],
    ["rooms that are no list", ["emitter", packet, { ...opts, rooms: "x" }]],
    ["except that is no list", ["emitter", packet, { ...opts, except: {} }]],
    ["flags that are a list", ["emitter", packet, { ...opts, flags: [] }]],
  ]
  const sound = JSON.stringify(["emitter", packet, opts])
  const broken: [what: string, message: string][] = [
    ...malformed.map(([what, message]): [string, string] => [what, JSON.stringify(message)]),
    ["all but a character", sound.slice(0, -1)],
    ["half a message", sound.slice(0, sound.length >> 1)],
    ["something after the end", `${sound},`],
    ["two messages", `${sound}${sound}`],
    ["nesting without end", `["emitter",${"[".repeat(100_000)}`],
    ["a number that is none", sound.replace("1", "01")],
  ]
  for (const [what, message] of broken) {
    it(`harms nobody: ${what}`, { timeout }, async () => {
      const earlier = [text, packed].map((server) => server.adapter().stats().malformed)
      const heard = await hearing(() => control.publish("socket.io#/#", message))
      assert.deepEqual(heard, [[], [], []])
      const refused = [text, packed].map((server) => server.adapter().stats().malformed)
      assert.deepEqual(
        refused,
        earlier.map((count) => count + 1),
      )
    })
  }

  it("is ignored where it is another namespace's", { timeout }, async () => {
    const earlier = text.adapter().stats()
    const message = ["emitter", { ...packet, nsp: "/other" }, opts]
    assert.deepEqual(await hearing(() => publish(message)), [[], [], []])
    assert.equal(text.adapter().stats().foreign, earlier.foreign + 1)
    assert.equal(text.adapter().stats().malformed, earlier.malformed)
  })
})
