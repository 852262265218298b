import assert from "node:assert/strict"
import { Buffer } from "node:buffer"
import { after, before, describe, it } from "node:test"
import { createAdapter as createAdapter8 } from "@socket.io/redis-adapter"
import { Redis } from "ioredis5"
import { createAdapter as createAdapter7 } from "redis-adapter7"
import { Emitter as Emitter4 } from "redis-emitter4"
import { Emitter as Emitter5 } from "redis-emitter5"
import createEmitter3 from "socket.io-emitter3"
import { connectPair } from "./support/clients.ts"
import { type Cast, type Client, hear, reached, TestServer, times } from "./support/cluster.ts"
import { type RedisServer, startRedis } from "./support/redis-server.ts"
import { values } from "./support/values.ts"

const timeout = 30_000
const numeric = (room: number) => room as unknown as string

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

/** Servers with a published adapter, and how its encoder fails. */
interface Peer {
  readonly name: string
  start(): Promise<TestServer>
  /** Values that it cannot send, or that no two of its receivers read alike. */
  readonly cannotSend: ReadonlySet<string>
  /** Values that it does not read as they are. */
  readonly cannotRead: ReadonlySet<string>
}

const cannotRead = new Set([
  "an own __proto__",
  "lone surrogates",
  "lone surrogates before ASCII",
  "lone surrogates in long text",
])

const peers: Peer[] = [
  {
    name: "@socket.io/redis-adapter 8.3.0",
    async start() {
      const pair = await connectPair("ioredis6", redis.port)
      return TestServer.start({ adapter: createAdapter8(pair.pubClient, pair.subClient) }, pair)
    },
    cannotSend: new Set(["a BigInt64Array", "an own __proto__", "functions and symbols"]),
    cannotRead,
  },
  {
    name: "@socket.io/redis-adapter 7.2.0",
    async start() {
      const pair = await connectPair("ioredis5", redis.port)
      return TestServer.start({ adapter: createAdapter7(pair.pubClient, pair.subClient) }, pair)
    },
    cannotSend: new Set(["an own __proto__", "functions and symbols"]),
    cannotRead,
  },
]

/** The emitters that are published, all with a client of ioredis. */
const emitters: [name: string, make: (client: Redis) => Emitter][] = [
  ["socket.io-emitter 3.2.0", (client) => createEmitter3(client)],
  ["@socket.io/redis-emitter 4.1.1", (client) => new Emitter4(client)],
  ["@socket.io/redis-emitter 5.1.0", (client) => new Emitter5(client)],
]

interface Emitter {
  of(nsp: string): { emit(event: string, ...args: unknown[]): unknown }
  to(room: string): { emit(event: string, ...args: unknown[]): unknown }
  emit(event: string, ...args: unknown[]): unknown
  readonly volatile: { emit(event: string, ...args: unknown[]): unknown }
}

for (const peer of peers) describe(`in a cluster with ${peer.name}`, () => mixed(peer))

function mixed(peer: Peer): void {
  let ours: TestServer, ours2: TestServer, theirs: TestServer, theirs2: TestServer
  let alone: TestServer, reference: Client
  let o1: Client, o2: Client, t1: Client, t2: Client
  let cast: Cast
  const servers = () => [ours, ours2, theirs, theirs2].map((server) => server.io)
  const heardOf = (action: () => unknown) => hear(servers(), Object.values(cast), action)
  const reaches = async (names: string, action: () => unknown, whom = cast) =>
    assert.equal(await reached(servers(), whom, action), names)

  before(async () => {
    ;[ours, ours2] = await Promise.all([
      TestServer.startWithRedis("redis6", redis.port),
      TestServer.startWithRedis("ioredis5", redis.port),
    ])
    ;[theirs, theirs2, alone] = await Promise.all([peer.start(), peer.start(), TestServer.start()])
    ;[o1, o2, reference] = await Promise.all([ours.connect(), ours2.connect(), alone.connect()])
    ;[t1, t2] = await Promise.all([theirs.connect(), theirs2.connect()])
    cast = { o1, o2, t1, t2 }
    await subscribedThere("/")
  })
  after(() => Promise.all([ours, ours2, theirs, theirs2, alone].map((server) => server.close())))

  it("broadcasts reach all clients, whoever sends", { timeout }, async () => {
    await reaches("o1 o2 t1 t2", () => ours.io.emit("e"))
    await reaches("o1 o2 t1 t2", () => theirs.io.emit("e"))
    await reaches("o2 t1 t2", () => o1.remote.broadcast.emit("e"))
    await reaches("o1 o2 t2", () => t1.remote.broadcast.emit("e"))
    await reaches("o1", () => ours.io.local.emit("e"))
    await reaches("t1", () => theirs.io.local.emit("e"))
  })

  it("rooms are the same", { timeout }, async () => {
    for (const client of [o1, o2, t2]) client.remote.join("x")
    for (const client of [o2, t1]) client.remote.join(["y", numeric(42)])
    t2.remote.join("42")
    for (const { io } of [ours, theirs]) {
      await reaches("o1 o2 t2", () => io.to("x").emit("e"))
      await reaches("o2 t1", () => io.to("y").emit("e"))
      await reaches("o1 o2 t1 t2", () => io.to("x").to("y").emit("e"))
      await reaches("o1 t2", () => io.to("x").except("y").emit("e"))
      await reaches("o1 t2", () => io.except("y").emit("e"))
      await reaches("o2 t1", () => io.to(numeric(42)).emit("e"))
      await reaches("t2", () => io.to("42").emit("e"))
      await reaches("o1", () => io.to(o1.remote.id).emit("e"))
      await reaches("t1", () => io.to(t1.remote.id).emit("e"))
    }
  })

  it("namespaces are the same", { timeout }, async () => {
    for (const io of servers()) io.of("/chat")
    const [o3, t3] = await Promise.all([ours.connect("/chat"), theirs.connect("/chat")])
    await subscribedThere("/chat")
    const whom = { ...cast, o3, t3 }
    for (const { io } of [ours, theirs]) {
      await reaches("o3 t3", () => io.of("/chat").emit("e"), whom)
      await reaches("o1 o2 t1 t2", () => io.emit("e"), whom)
    }
  })

  for (const [what, args] of values) {
    if (!peer.cannotRead.has(what)) {
      it(`they hear what we send: ${what}`, { timeout }, async () => {
        const [[expected]] = (await hear([alone.io], [reference], () =>
          alone.io.emit("e", ...args),
        )) as [[unknown]]
        assert.ok(expected)
        const heard = await heardOf(() => ours.io.emit("e", ...args))
        assert.deepEqual(heard, times(4, [expected]))
      })
    }
    if (!peer.cannotSend.has(what)) {
      it(`we hear what they send: ${what}`, { timeout }, async () => {
        const [first, second, , theirOwn] = await heardOf(() => theirs.io.emit("e", ...args))
        assert.equal(theirOwn?.length, 1)
        assert.deepEqual([first, second], [theirOwn, theirOwn])
      })
    }
  }
}

describe("the emitters", () => {
  let ours: TestServer, ours2: TestServer
  let cast: Cast, o1: Client, o2: Client, chat: Client

  before(async () => {
    ;[ours, ours2] = await Promise.all([
      TestServer.startWithRedis("redis6", redis.port),
      TestServer.startWithRedis("ioredis6", redis.port),
    ])
    ours.io.of("/chat")
    ;[o1, o2] = await Promise.all([ours.connect(), ours2.connect()])
    chat = await ours.connect("/chat")
    cast = { o1, o2, chat }
    o1.remote.join(["x", numeric(42)])
    o2.remote.join(["y", "42"])
  })
  after(() => Promise.all([ours, ours2].map((server) => server.close())))

  for (const [name, make] of emitters) {
    it(`reach our clients: ${name}`, { timeout }, async () => {
      const emitter = make(control)
      const reaches = async (names: string, action: () => unknown) =>
        assert.equal(await reached([emitter], cast, action), names)
      await reaches("o1 o2", () => emitter.emit("e"))
      await reaches("o1", () => emitter.to("x").emit("e"))
      await reaches("o2", () => emitter.to("42").emit("e"))
      await reaches("o1", () => emitter.to(numeric(42)).emit("e"))
      await reaches("o1 o2", () => emitter.volatile.emit("e"))
      await reaches("chat", () => emitter.of("/chat").emit("e"))
      await reaches("", () => emitter.to("nobody's").emit("e"))
    })

    it(`are heard alike: ${name}`, { timeout }, async () => {
      const args = [1, "é", { at: new Date(0), none: null, list: [true, 0.5] }, Buffer.from("b")]
      const expected = ["e", 1, "é", { at: new Date(0).toJSON(), none: null, list: [true, 0.5] }]
      const heard = await hear([make(control)], [o1, o2, chat], () =>
        make(control).emit("e", ...args),
      )
      const event = [...expected, Buffer.from("b")]
      assert.deepEqual(heard, [[event], [event], []])
    })
  }
})

/** Gives when both of their servers hear the namespace: they subscribe to requests last. */
async function subscribedThere(nsp: string): Promise<void> {
  const channel = `socket.io-request#${nsp}#`
  while (Number((await control.pubsub("NUMSUB", channel))[1]) < 2);
}
