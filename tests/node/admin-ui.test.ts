import assert from "node:assert/strict"
import { once } from "node:events"
import { after, before, describe, it } from "node:test"
import { instrument } from "@socket.io/admin-ui"
import type { Server } from "socket.io"
import { type Client, TestServer } from "./support/cluster.ts"
import { type RedisServer, startRedis } from "./support/redis-server.ts"

const timeout = 30_000

interface ServerStats {
  serverId: string
  clientsCount: number
}

describe("@socket.io/admin-ui", () => {
  let redis: RedisServer
  let a: TestServer, b: TestServer, a1: Client, b1: Client, admin: Client

  before(async () => {
    redis = await startRedis()
    ;[a, b] = await Promise.all([
      TestServer.startWithRedis("redis6", redis.port),
      TestServer.startWithRedis("ioredis6", redis.port),
    ])
    for (const [serverId, server] of Object.entries({ a, b })) {
      const io = server.io as Server
      instrument(io, { auth: false, mode: "development", serverId })
    }
    ;[a1, b1] = await Promise.all([a.connect(), b.connect()])
    await Promise.all([a, b].map((server) => server.adapter("/admin").subscribed()))
    admin = await a.connect("/admin")
  })
  after(async () => {
    await Promise.all([a, b].map((server) => server.close()))
    await redis[Symbol.asyncDispose]()
  })

  /** Gives when the administrator has heard an event whose arguments are as they are wanted. */
  const heard = (event: string, isWanted: (args: unknown[]) => boolean = () => true) =>
    new Promise<unknown[]>((resolve) => {
      admin.socket.on(event, function listener(...args: unknown[]) {
        if (!isWanted(args)) return
        admin.socket.off(event, listener)
        resolve(args)
      })
    })

  it("shows the sockets of all servers", { timeout }, async () => {
    const other = await b.connect("/admin")
    try {
      await other.until("all_sockets")
      const [, sockets] = other.take().find(([event]) => event === "all_sockets") ?? []
      const ids = (sockets as { id: string }[]).map(({ id }) => id)
      const all = [a1, b1, admin, other].map(({ remote }) => remote.id)
      assert.deepEqual(ids.toSorted(), all.toSorted())
    } finally {
      other.socket.disconnect()
    }
  })

  it("shows the figures of all servers", { timeout }, async () => {
    const figures = ["a", "b"].map((id) =>
      heard("server_stats", ([stats]) => (stats as ServerStats).serverId === id),
    )
    for (const [stats] of await Promise.all(figures)) {
      assert.ok((stats as ServerStats).clientsCount >= 1)
    }
  })

  it("shows what happens on other servers", { timeout }, async () => {
    const joined = heard("room_joined", ([, room]) => room === "seen")
    await b1.remote.join("seen")
    assert.deepEqual((await joined).slice(0, 3), ["/", "seen", b1.remote.id])
    const connected = heard("socket_connected")
    const later = await b.connect()
    const { id } = later.remote
    assert.equal(((await connected)[0] as { id: string }).id, id)
    const gone = heard("socket_disconnected")
    later.socket.disconnect()
    assert.deepEqual((await gone).slice(0, 3), ["/", id, "client namespace disconnect"])
  })

  it("tells sockets of all servers what to do", { timeout }, async () => {
    const { id } = b1.remote
    const joined = heard("room_joined", ([, , sid]) => sid === id)
    admin.socket.emit("join", "/", "told", id)
    assert.equal((await joined)[1], "told")
    assert.ok(b1.remote.rooms.has("told"))
    assert.ok(!a1.remote.rooms.has("told"))
    admin.socket.emit("emit", "/", "told", "hello", 1)
    await b1.until("hello")
    assert.deepEqual([a1.take(), b1.take()], [[], [["hello", 1]]])
    const left = heard("room_left", ([, , sid]) => sid === id)
    admin.socket.emit("leave", "/", "told", id)
    assert.equal((await left)[1], "told")
    assert.ok(!b1.remote.rooms.has("told"))
    const { remote } = b1
    const gone = once(remote, "disconnect")
    admin.socket.emit("_disconnect", "/", false, id)
    assert.deepEqual((await gone)[0], "server namespace disconnect")
    assert.ok(a1.socket.connected)
  })
})
