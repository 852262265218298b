import assert from "node:assert/strict"
import { Buffer } from "node:buffer"
import { after, before, describe, it } from "node:test"
import { type ClientName, clientNames } from "./support/clients.ts"
import {
  type Cast,
  type Client,
  hear,
  reached,
  TestServer,
  times,
  type WriteOptions,
} from "./support/cluster.ts"
import { type RedisServer, startRedis } from "./support/redis-server.ts"
import { values } from "./support/values.ts"

const timeout = 30_000
let redis: RedisServer

before(async () => {
  redis = await startRedis()
})
after(() => redis[Symbol.asyncDispose]())

for (const name of clientNames) describe(`a broadcast through ${name}`, () => broadcasts(name))

const start = (name: ClientName) => TestServer.startWithRedis(name, redis.port, {}, { key: name })

/** Rooms may be named by numbers, whatever the types of socket.io say. */
const numeric = (room: number) => room as unknown as string

/** The engine makes true of what is not false, in the object that it is given. */
const flags = ({ compress, volatile }: WriteOptions) => `${compress !== false} ${volatile === true}`

function broadcasts(name: ClientName): void {
  let a: TestServer, b: TestServer, c: TestServer, alone: TestServer
  let a1: Client, a2: Client, b1: Client, b2: Client, c1: Client, reference: Client
  let cast: Cast
  const servers = () => [a, b, c].map((server) => server.io)

  before(async () => {
    ;[a, b, c, alone] = await Promise.all([
      start(name),
      start(name),
      start(name),
      TestServer.start(),
    ])
    ;[a1, a2, reference] = await Promise.all([a.connect(), a.connect(), alone.connect()])
    ;[b1, b2, c1] = await Promise.all([b.connect(), b.connect(), c.connect()])
    cast = { a1, a2, b1, b2, c1 }
  })
  after(() => Promise.all([a, b, c, alone].map((server) => server.close())))

  /** What a1, a2, b1, b2 and c1 hear. */
  const heardOf = (action: () => unknown) => hear(servers(), Object.values(cast), action)

  async function reaches(names: string, action: () => unknown, whom = cast): Promise<void> {
    assert.equal(await reached(servers(), whom, action), names)
  }

  it("reaches all clients of all servers", { timeout }, async () => {
    for (const server of [a, b, c]) {
      await reaches("a1 a2 b1 b2 c1", () => server.io.emit("e"))
    }
    await reaches("a2 b1 b2 c1", () => a1.remote.broadcast.emit("e"))
  })

  it("reaches the clients in a room, and in several rooms once", { timeout }, async () => {
    a1.remote.join("x")
    b1.remote.join(["x", "y"])
    c1.remote.join("y")
    await reaches("a1 b1", () => c.io.to("x").emit("e"))
    await reaches("b1 c1", () => a.io.to("y").emit("e"))
    await reaches("a1 b1 c1", () => b.io.to("x").to("y").emit("e"))
    await reaches("a1 c1", () => b1.remote.to(["x", "y"]).emit("e"))
    await reaches("", () => a.io.to("nobody's").emit("e"))
    b1.remote.leave("x")
    await reaches("a1", () => c.io.in("x").emit("e"))
  })

  it("leaves out the clients in excepted rooms", { timeout }, async () => {
    a2.remote.join("out")
    b2.remote.join(["in", "out too"])
    c1.remote.join("in")
    await reaches("a1 b1 b2 c1", () => b.io.except("out").emit("e"))
    await reaches("a1 b1 c1", () => c.io.except(["out", "out too"]).emit("e"))
    await reaches("c1", () => a.io.to("in").except("out too").emit("e"))
    await reaches("a1 a2 b1 b2", () => a.io.except(c1.remote.id).emit("e"))
  })

  it("reaches a socket by its id", { timeout }, async () => {
    await reaches("b2", () => a.io.to(b2.remote.id).emit("e"))
    await reaches("a1 c1", () => b.io.to([a1.remote.id, c1.remote.id]).emit("e"))
  })

  it("keeps the room 42 and the room named 42 apart", { timeout }, async () => {
    for (const client of [a1, b1, c1]) client.remote.join(numeric(42))
    for (const client of [a2, b2, c1]) client.remote.join("42")
    await reaches("a1 b1 c1", () => a.io.to(numeric(42)).emit("e"))
    await reaches("a2 b2 c1", () => b.io.to("42").emit("e"))
    await reaches("a1 a2 b1 b2 c1", () => c.io.to([numeric(42), "42"]).emit("e"))
    await reaches("a2 b2", () => c.io.except(numeric(42)).emit("e"))
    b2.remote.join(numeric(-0.5))
    await reaches("b2", () => a.io.to(numeric(-0.5)).emit("e"))
  })

  it("takes any text for a room", { timeout }, async () => {
    for (const room of ["", "#", "a#b#", "é😀", "*", "null", "x".repeat(2_000)]) {
      b1.remote.join(room)
      await reaches("b1", () => a.io.to(room).emit("e"))
    }
  })

  it("keeps rooms apart that differ in a lone surrogate", { timeout }, async () => {
    b1.remote.join("\uD800")
    b2.remote.join("\uD801")
    await reaches("b1", () => a.io.to("\uD800").emit("e"))
    await reaches("b2", () => a.io.to("\uD801").emit("e"))
  })

  it("takes any name of an event", { timeout }, async () => {
    for (const event of ["", "é😀", "__proto__", "x".repeat(2_000), 42 as unknown as string]) {
      const heard = await heardOf(() => a.io.emit(event, 1))
      assert.deepEqual(heard, times(5, [[event, 1]]))
    }
  })

  const namespaces = ["/chat", "/dynamic-1", String.raw`/[a]*?\ `, "/é"]
  for (const nsp of namespaces) {
    it(`stays in its namespace: ${nsp}`, { timeout }, async () => {
      for (const server of [a, b]) {
        if (nsp.startsWith("/dynamic")) server.io.of(/^\/dynamic-\d+$/)
        else server.io.of(nsp)
      }
      const [a3, b3] = await Promise.all([a.connect(nsp), b.connect(nsp)])
      const whom = { ...cast, a3, b3 }
      const all = [a, b].map((server) => server.io)
      const reachesAll = async (names: string, action: () => unknown) =>
        assert.equal(await reached(all, whom, action), names)
      b3.remote.join("z")
      b1.remote.join("z")
      await reachesAll("a3 b3", () => a.io.of(nsp).emit("e"))
      await reachesAll("b3", () => a.io.of(nsp).to("z").emit("e"))
      await reachesAll("a1 a2 b1 b2 c1", () => a.io.emit("e"))
      for (const client of [a3, b3]) client.socket.disconnect()
    })
  }

  it("stays on its server when it is local", { timeout }, async () => {
    const { published } = a.adapter().stats()
    await reaches("a1 a2", () => a.io.local.emit("e"))
    await reaches("", () => a.io.local.to(b1.remote.id).emit("e"))
    assert.equal(a.adapter().stats().published, published + 2, "one marker after each")
  })

  it("is missed by a client that is not ready when it is volatile", { timeout }, async () => {
    const { transport } = b1.remote.conn
    const heard = await heardOf(async () => {
      transport.writable = false
      a.io.volatile.emit("volatile")
      a.io.emit("sure")
      await b2.until("sure")
      transport.writable = true
    })
    const both = [["volatile"], ["sure"]]
    assert.deepEqual(heard, [both, both, [["sure"]], both, both])
  })

  it("carries its flags to the engines of other servers", { timeout }, async () => {
    const [near, far] = [a2.writes(), b2.writes()]
    await heardOf(async () => {
      a.io.emit("e")
      a.io.compress(false).emit("e")
      a.io.compress(true).volatile.emit("e")
      a.io.to([a2.remote.id, b2.remote.id]).compress(false).emit("last", new Uint8Array(1))
      await b2.until("last")
    })
    const expected = ["true false", "false false", "true true", "false false"]
    for (const writes of [near, far]) assert.deepEqual(writes.map(flags).slice(0, 4), expected)
  })

  it("finds the holes of long strings whatever its namespace is called", { timeout }, async () => {
    const nsp = "/dynamic-\u0001-\u0001\u0001"
    for (const server of [a, b]) server.io.of(/^\/dynamic-\W/)
    const clients = await Promise.all([a.connect(nsp), b.connect(nsp)])
    const long = "\u0001é".repeat(200)
    const events = [
      ["one", long],
      ["two", 1, { long, short: "\u0001" }, long],
      ["none", "\u0001"],
      ["binary", long, Buffer.from(long)],
    ] as const
    const heard = await hear([a.io], clients, () => {
      for (const [event, ...args] of events) a.io.of(nsp).emit(event, ...args)
    })
    assert.deepEqual(heard, times(2, events))
    for (const client of clients) client.socket.disconnect()
  })

  it("stays on its server when it is nested too deeply", { timeout }, async () => {
    const levels = 1_100
    const deep = JSON.parse("[".repeat(levels) + "]".repeat(levels)) as unknown
    const earlier = a.adapter().stats()
    const near = [["deep", deep]]
    const heard = await hear([a.io], Object.values(cast), () => a.io.emit("deep", deep))
    assert.deepEqual(heard, [near, near, [], [], []])
    const { published, unpublished } = a.adapter().stats()
    assert.equal(unpublished, earlier.unpublished + 1)
    assert.equal(published, earlier.published + 1, "the marker")
  })

  for (const [what, args] of values) {
    it(`is heard on other servers as on its own: ${what}`, { timeout }, async () => {
      const [[expected]] = (await hear([alone.io], [reference], () =>
        alone.io.emit("e", ...args),
      )) as [[unknown]]
      assert.ok(expected)
      assert.deepEqual(await heardOf(() => a.io.emit("e", ...args)), times(5, [expected]))
      const inRoom = await heardOf(() => c.io.to(b1.remote.id).emit("e", ...args))
      assert.deepEqual(inRoom, [[], [], [expected], [], []])
    })
  }

  it("throws what the parser throws, and reaches nobody", { timeout }, async () => {
    const cycle: unknown[] = []
    cycle.push(cycle)
    await reaches("", () => {
      assert.throws(() => a.io.emit("e", 1n), TypeError)
      assert.throws(() => a.io.emit("e", cycle))
    })
  })
}
