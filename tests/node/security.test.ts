// What is in a message stays a value: no key reaches a prototype, nothing is evaluated, no name means more than itself.
import assert from "node:assert/strict"
import { readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { after, afterEach, before, describe, it } from "node:test"
import { type Client, TestServer } from "./support/cluster.ts"
import { runNode } from "./support/child.ts"
import { forms, RawPeer, type RawRequest, written } from "./support/raw-peer.ts"
import { type RedisServer, startRedis } from "./support/redis-server.ts"

const timeout = 30_000

/** Names that lead to prototypes where a name is looked up without care. */
const NAMES = ["__proto__", "constructor", "prototype", "hasOwnProperty", "toString", "then"]

/** As `JSON.parse` makes it: `__proto__` is a property like any other. */
const poison = (): Record<string, unknown> =>
  JSON.parse(`{
    "__proto__": { "polluted": 1, "__proto__": { "polluted": 2 } },
    "constructor": { "polluted": 3, "prototype": { "polluted": 4 } },
    "prototype": { "polluted": 5 },
    "deep": [{ "__proto__": { "polluted": [{ "__proto__": 6 }] } }],
    "toString": "not a function", "hasOwnProperty": 7, "then": 8, "toJSON": 9
  }`)

const prototypes = [Object, Array, Function, String, Number, Map, Set, Promise, Error].map(
  (constructor) => constructor.prototype as object,
)
const keysOf = () => prototypes.map((prototype) => Reflect.ownKeys(prototype))
const untouched = keysOf()

let redis: RedisServer
let peer: RawPeer
let server: TestServer, other: TestServer
let client: Client

describe("what is in a message", () => {
  before(async () => {
    redis = await startRedis()
    peer = new RawPeer(redis.port)
    const start = () => TestServer.startWithRedis("redis6", redis.port)
    ;[server, other] = await Promise.all([start(), start()])
    client = await server.connect()
  })
  after(async () => {
    peer.close()
    await Promise.all([server.close(), other.close()])
    await redis[Symbol.asyncDispose]()
  })
  afterEach(() => {
    assert.deepEqual(keysOf(), untouched)
    assert.equal(Reflect.get({}, "polluted"), undefined)
    assert.equal(
      Reflect.get(() => {}, "polluted"),
      undefined,
    )
    client.take()
  })

  for (const form of forms) {
    it(`is what listeners of outgoing packets see: ${form}`, { timeout }, async () => {
      const seen: unknown[] = []
      const listener = (...args: unknown[]) => seen.push(...args)
      client.remote.onAnyOutgoing(listener)
      await peer.broadcast(form, { data: ["event", poison()] })
      await client.until("event")
      client.remote.offAnyOutgoing(listener)
      assert.deepEqual(seen[0], "event")
      assertSame(seen[1], poison())
      const [heard] = client.take()
      assertSame(heard?.[1], poison())
    })

    it(`is no option, flag or member of a packet: ${form}`, { timeout }, async () => {
      client.remote.join("room")
      const evil = { rooms: ["nobody's"], flags: { volatile: true }, polluted: 1 }
      const opts = { ...own("__proto__", evil), ...own("constructor", evil) }
      await peer.broadcast(
        form,
        { ...own("__proto__", { data: ["evil"] }), data: ["event", 1] },
        opts,
      )
      await peer.broadcast(form, { data: ["event", 2] }, { flags: { ...own("__proto__", evil) } })
      await peer.broadcast(form, { data: ["end"] }, { rooms: ["room"] })
      await client.until("end")
      assert.deepEqual(client.take(), [["event", 1], ["event", 2], ["end"]])
    })

    it(`is what listeners of servers get: ${form}`, { timeout }, async () => {
      const heard = new Promise<unknown[]>((resolve) => {
        server.io.once("event", (...args: unknown[]) => resolve(args))
      })
      await peer.request(form, { type: 6, data: ["event", poison(), [poison()]] })
      const [first, second] = await heard
      assertSame(first, poison())
      assertSame(second, [poison()])
    })

    it(`is what describes the sockets of others: ${form}`, { timeout }, async () => {
      const socket = { id: "__proto__", handshake: poison(), rooms: NAMES, data: poison() }
      const answer = ({ requestId }: RawRequest) => [
        written(form, { ...own("__proto__", { requestId: "?" }), requestId, sockets: [socket] }),
      ]
      const sockets = await peer.answering(answer, () => server.io.fetchSockets())
      const found = sockets.find(({ id }) => id === "__proto__")
      assert.ok(found)
      assertSame(found.data, poison())
      assertSame(found.handshake, poison())
      assert.deepEqual([...found.rooms], NAMES)
    })

    it(`is what servers and clients of others answer: ${form}`, { timeout }, async () => {
      other.io.once("ask", (callBack: (value: unknown) => void) => callBack("ours"))
      const answer = ({ requestId }: RawRequest) => [
        written(form, { type: 6, requestId, data: poison() }),
      ]
      const answers = await peer.answering(answer, () => server.io.serverSideEmitWithAck("ask"))
      assertSame(
        answers.find((value) => value !== "ours"),
        poison(),
      )

      const acknowledge = ({ requestId }: RawRequest) => [
        written(form, { type: 8, requestId, clientCount: 1 }),
        written(form, { type: 9, requestId, packet: poison() }),
      ]
      const [value] = await peer.answering(acknowledge, () =>
        server.io.to("nobody's").timeout(5_000).emitWithAck("ask"),
      )
      assertSame(value, poison())
    })

    it(`is no member of a request or an answer: ${form}`, { timeout }, async () => {
      const request = { type: 2, opts: { rooms: [], except: [] }, rooms: ["joined"] }
      const taken = server.adapter().stats().requests
      for (const name of NAMES) {
        await peer.request(form, own(name, request))
        await peer.request(form, { ...own(name, request), type: 1, requestId: "r", uid: "AAAAAA" })
        await peer.request(form, {
          type: 3,
          opts: own(name, request.opts),
          rooms: own(name, ["x"]),
        })
      }
      await peer.broadcast(form, { data: ["end"] })
      await client.until("end")
      assert.equal(client.remote.rooms.has("joined"), false)
      assert.equal(server.adapter().stats().requests - taken, NAMES.length)
    })
  }

  it("names rooms, and no more than these", { timeout }, async () => {
    for (const name of NAMES) {
      assert.equal(server.adapter().rooms.has(name), false)
      assert.equal(server.adapter().rooms.get(name), undefined)
      other.io.to(name).emit("too early")
      await other.io.in("__proto__").fetchSockets()
      client.remote.join(name)
      assert.deepEqual([...(server.adapter().rooms.get(name) ?? [])], [client.remote.id])
      other.io.to(name).emit(name)
      await client.until(name)
      const found = await other.io.in(name).fetchSockets()
      assert.deepEqual(
        found.map(({ id }) => id),
        [client.remote.id],
      )
      client.remote.leave(name)
      assert.equal(server.adapter().rooms.has(name), false)
    }
    assert.deepEqual(client.take().flat(), NAMES)
  })

  it("names sockets, and no more than these", { timeout }, async () => {
    for (const name of NAMES) {
      const request = { uid: "AAAAAA", requestId: "AAAAAA1", sid: name }
      for (const type of [2, 3]) await peer.request("JSON", { ...request, type, room: "joined" })
      await peer.request("JSON", { ...request, type: 4, close: true })
      assert.equal(server.adapter().sids.has(name), false)
    }
    const known = (await server.adapter().sockets(new Set())).size
    const sockets = await peer.answering(
      ({ requestId }) => [JSON.stringify({ requestId, sockets: NAMES })],
      () => server.adapter().sockets(new Set()),
    )
    assert.equal(sockets.size, known + NAMES.length)
    assert.equal(server.adapter().rooms.has("joined"), false)
  })

  it("names namespaces, and no more than these", { timeout }, async () => {
    for (const name of NAMES) {
      for (const { io } of [server, other]) io.of(name)
      const one = await server.connect(`/${name}`)
      await other.adapter(`/${name}`).subscribed()
      other.io.of(name).emit(name, poison())
      await one.until(name)
      assertSame(one.take()[0]?.[1], poison())
      await peer.publish(`socket.io#/${name}#`, written("JSON", ["AAAAAA", poison(), poison()]))
      const found = await other.io.of(name).fetchSockets()
      assert.deepEqual(
        found.map(({ id }) => id),
        [one.remote.id],
      )
    }
  })

  it("is what clients acknowledge with, of whatever shape", { timeout }, async () => {
    const values: unknown[] = [poison(), null, 0, "", [], {}, [[poison()]], Buffer.from("bytes")]
    for (const value of values) {
      client.socket.once("ask", (callBack: (value: unknown) => void) => callBack(value))
      const [answer] = await other.io.timeout(5_000).emitWithAck("ask")
      assertSame(answer, value)
    }
    // Deeper than anything that is read here: it counts as an answer without a value.
    const deep = JSON.parse("[".repeat(3_000) + "]".repeat(3_000)) as unknown
    client.socket.once("ask", (callBack: (value: unknown) => void) => callBack(deep))
    assert.deepEqual(await other.io.timeout(5_000).emitWithAck("ask"), [undefined])
  })

  it("is never a program", { timeout }, async () => {
    const sources = fileURLToPath(new URL("../../js/src", import.meta.url))
    const built = fileURLToPath(new URL("../../pkg/dist", import.meta.url))
    const files = [sources, built].flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: "utf8" })
        .filter((name) => /\.(?:c?ts|c?js)$/.test(name))
        .map((name) => `${folder}/${name}`),
    )
    assert.ok(files.length > 30)
    const evaluates =
      /\beval\s*\(|\bnew\s+Function\b|(?<![.\w`])Function\s*\(|\bimport\s*\(\s*[^"')\s]/
    for (const file of files) assert.doesNotMatch(readFileSync(file, "utf8"), evaluates, file)
    assert.match("return new Function(code)", evaluates)

    const child = fileURLToPath(new URL("support/children/every-message.ts", import.meta.url))
    const flag = "--disallow-code-generation-from-strings"
    const { code, stderr, stdout } = await runNode([
      flag,
      "--import",
      "tsx",
      child,
      `${redis.port}`,
    ])
    assert.deepEqual([code, stdout.trim(), stderr], [0, "EvalError, then all was done", ""])
  })
})

/** An object with one own property, whatever its name. */
function own(name: string, value: unknown): Record<string, unknown> {
  return JSON.parse(`{${JSON.stringify(name)}:${JSON.stringify(value)}}`)
}

/** Checks that a value is the same, with the same own properties and ordinary prototypes throughout. */
function assertSame(actual: unknown, expected: unknown): void {
  assert.deepStrictEqual(JSON.stringify(entries(actual)), JSON.stringify(entries(expected)))
}

/** A value with each object as the list of its own properties; throws for one with another prototype. */
function entries(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value
  if (Buffer.isBuffer(value)) return ["bytes", value.toString("hex")]
  const prototype: unknown = Object.getPrototypeOf(value)
  if (Array.isArray(value)) {
    assert.equal(prototype, Array.prototype)
    return value.map(entries)
  }
  assert.equal(prototype, Object.prototype)
  return Object.entries(value).map(([name, member]) => [name, entries(member)])
}
