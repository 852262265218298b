import assert from "node:assert/strict"
import { once } from "node:events"
import { after, before, describe, it } from "node:test"
import { setImmediate } from "node:timers/promises"
import { Redis } from "ioredis5"
import { Server } from "socket.io"
import { Manager } from "socket.io-client"
import { createAdapter, type RedisAdapter, type RedisAdapterOptions } from "socket.io-redis-edge"
import { type ClientPair, connectPair } from "./support/clients.ts"
import { hear, reached, TestServer } from "./support/cluster.ts"
import { type RedisServer, startRedis } from "./support/redis-server.ts"

const timeout = 30_000
let redis: RedisServer
let pair: ClientPair
let control: Redis

before(async () => {
  redis = await startRedis()
  pair = await connectPair("redis6", redis.port)
  control = new Redis(redis.port)
})
after(async () => {
  control.disconnect()
  pair.close()
  await redis[Symbol.asyncDispose]()
})

const patterns = () => control.pubsub("NUMPAT")

/** The adapter of a server with these options. */
function adapterWith(options?: unknown): RedisAdapter {
  const adapter = createAdapter(pair.pubClient, pair.subClient, options as RedisAdapterOptions)
  return new Server({ adapter }).of("/").adapter as unknown as RedisAdapter
}

/** A server of the cluster with this key. */
const startWith = (key: string) => TestServer.startWithRedis("ioredis6", redis.port, {}, { key })

describe("options", () => {
  const refused: [what: string, options: object, code: string][] = [
    ["a key that is a number", { key: 1 }, "ERR_INVALID_OPTION"],
    ["a key that is true", { key: true }, "ERR_INVALID_OPTION"],
    ["a key that is an object", { key: {} }, "ERR_INVALID_OPTION"],
    ["a time that is text", { requestsTimeout: "5000" }, "ERR_INVALID_OPTION"],
    ["a time that is negative", { requestsTimeout: -1 }, "ERR_INVALID_OPTION"],
    ["a time without end", { requestsTimeout: Infinity }, "ERR_INVALID_OPTION"],
    ["a time longer than timers take", { requestsTimeout: 2 ** 31 }, "ERR_INVALID_OPTION"],
    ["a parser that is text", { parser: "msgpack" }, "ERR_INVALID_OPTION"],
    ["a parser that cannot encode", { parser: { decode() {} } }, "ERR_INVALID_OPTION"],
    ["a parser that cannot decode", { parser: { encode() {} } }, "ERR_INVALID_OPTION"],
    ["a parser whose methods are none", { parser: { encode: 1, decode: 2 } }, "ERR_INVALID_OPTION"],
    ["a mode of subscription", { subscriptionMode: "dynamic" }, "ERR_INVALID_OPTION"],
    ["a mode that is a number", { subscriptionMode: 1 }, "ERR_INVALID_OPTION"],
  ]
  for (const [what, options, code] of refused) {
    it(`are refused: ${what}`, { timeout }, () => {
      const [name = ""] = Object.keys(options)
      assert.throws(() => adapterWith(options), {
        name: "AdapterError",
        code,
        message: new RegExp(name),
      })
    })
  }

  for (const client of [undefined, null, "redis://localhost", {}, Promise.resolve()]) {
    it(`refuse as a client: ${String(client)}`, { timeout }, () => {
      const expected = { name: "AdapterError", code: "ERR_UNKNOWN_REDIS_CLIENT" }
      assert.throws(() => createAdapter(client as never, pair.subClient), expected)
      assert.throws(() => createAdapter(pair.pubClient, client as never), expected)
    })
  }

  const falsy = [undefined, {}, { key: undefined }, { key: null }, { key: "", requestsTimeout: 0 }]
  for (const options of [...falsy, { requestsTimeout: NaN }, { unknown: 1 }]) {
    it(`have defaults: ${JSON.stringify(options)}`, { timeout }, async () => {
      const adapter = adapterWith(options)
      assert.deepEqual([adapter.prefix, adapter.requestsTimeout], ["socket.io", 5_000])
      await adapter.close()
    })
  }

  it("can be read from the adapter", { timeout }, async () => {
    const adapter = adapterWith({ key: "ключ", requestsTimeout: 1_234 })
    assert.deepEqual([adapter.prefix, adapter.requestsTimeout], ["ключ", 1_234])
    assert.equal(adapter.pubClient, pair.pubClient)
    assert.equal(adapter.subClient, pair.subClient)
    await adapter.close()
  })

  it("are joined by a name of each adapter's own", { timeout }, async () => {
    const io = new Server({ adapter: createAdapter(pair.pubClient, pair.subClient) })
    const adapters = ["/", "/a", "/b"].map((nsp) => io.of(nsp).adapter as unknown as RedisAdapter)
    const uids = adapters.map(({ uid }) => uid)
    for (const uid of uids) assert.match(uid, /^[\w-]{6}$/)
    assert.equal(new Set(uids).size, 3)
    await Promise.all(adapters.map((adapter) => adapter.close()))
  })

  it("keep clusters of different keys apart", { timeout }, async (t) => {
    const keys = ["a*", "a*", "ab", "a"]
    const servers = await Promise.all(keys.map(startWith))
    t.after(() => Promise.all(servers.map((server) => server.close())))
    const [one, two, three, four] = await Promise.all(servers.map((server) => server.connect()))
    const [first] = servers
    assert.ok(first && one && two && three && four)
    // The clients of other clusters hear no marker of the first: their own servers tell them the end.
    assert.equal(await reached([first.io], { one, two }, () => first.io.emit("e")), "one two")
    const theirs = servers.slice(2).map((server) => server.io)
    const heard = await Promise.all(
      [three, four].map((client, index) =>
        hear(theirs.slice(index, index + 1), [client], () => {}),
      ),
    )
    assert.deepEqual(heard, [[[]], [[]]])
  })
})

describe("an adapter that is closed", () => {
  it("hears nothing more, and is still heard", { timeout }, async (t) => {
    const [a, b] = await Promise.all([startWith("closing"), startWith("closing")])
    t.after(() => Promise.all([a.close(), b.close()]))
    const [a1, b1] = await Promise.all([a.connect(), b.connect()])
    const subscribed = await control.publish("closing#/#", "")
    assert.equal(subscribed, 2)
    const closing = a.adapter().close()
    assert.equal(a.adapter().close(), closing)
    await closing
    assert.equal(a.adapter().close(), closing)
    assert.equal(await control.publish("closing#/#", ""), 1)
    assert.equal(await reached([b.io], { b1 }, () => b.io.emit("e")), "b1")
    assert.equal(await reached([a.io], { a1, b1 }, () => a.io.emit("e")), "a1 b1")
    assert.deepEqual([...a.adapter().rooms.keys()], [a1.remote.id])
    const { remote } = a1
    a1.socket.disconnect()
    await once(remote, "disconnect")
    assert.equal(a.adapter().rooms.size, 0)
  })

  it("leaves nothing behind: five hundred namespaces", { timeout }, async (t) => {
    const server = await TestServer.startWithRedis("redis6", redis.port, {
      cleanupEmptyChildNamespaces: true,
    })
    t.after(() => server.close())
    server.io.of(/^\/dynamic-\d+$/)
    const clients = [server.pair?.pubClient, server.pair?.subClient]
    const listeners = () =>
      clients.map((client) =>
        client?.eventNames().map((event) => [event, client.listenerCount(event)]),
      )
    const [patternsBefore, listenersBefore] = [await patterns(), listeners()]
    const manager = new Manager(server.url, { transports: ["websocket"], reconnection: false })
    const names = Array.from({ length: 500 }, (_, index) => `/dynamic-${index}`)
    const sockets = names.map((name) => manager.socket(name))
    await Promise.all(
      sockets.map((socket) => new Promise<void>((resolve) => socket.once("connect", resolve))),
    )
    const ours = names.map((name) => server.adapter(name))
    await Promise.all(ours.map((adapter) => adapter.subscribed()))
    assert.equal(await patterns(), Number(patternsBefore) + 500)
    assert.deepEqual(listeners(), listenersBefore)
    for (const socket of sockets) socket.disconnect()
    while ((await patterns()) !== patternsBefore) await setImmediate()
    assert.deepEqual(listeners(), listenersBefore)
    // A namespace that is made anew has another adapter.
    assert.ok(names.every((name, index) => server.adapter(name) !== ours[index]))
  })
})
