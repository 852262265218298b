import assert from "node:assert/strict"
import { after, before, beforeEach, describe, it } from "node:test"
import { type Client, TestServer } from "./support/cluster.ts"
import { type RedisServer, startRedis } from "./support/redis-server.ts"

const timeout = 30_000
let redis: RedisServer
let inMemory: TestServer, withRedis: TestServer

before(async () => {
  redis = await startRedis()
  inMemory = await TestServer.start()
  withRedis = await TestServer.startWithRedis("ioredis6", redis.port)
})
after(async () => {
  await Promise.all([inMemory.close(), withRedis.close()])
  await redis[Symbol.asyncDispose]()
})

describe("on its own sockets, as the in-memory adapter", () => {
  let both: { server: TestServer; clients: Client[]; names: Map<string, string> }[]

  beforeEach(async () => {
    both = await Promise.all(
      [inMemory, withRedis].map(async (server) => {
        const connecting = ["one", "two", "three"].map(() => server.connectEarly())
        const clients = await Promise.all(connecting)
        const names = clients.map((client, index): [string, string] => [
          client.remote.id,
          ["one", "two", "three"][index] ?? "",
        ])
        clients[0]?.remote.join(["x", "y"])
        clients[1]?.remote.join("x")
        return { server, clients, names: new Map(names) }
      }),
    )
  })

  /** What an operation leaves in both has to be the same; sockets are named, since their ids differ. */
  async function same(
    operate: (io: TestServer["io"], clients: Client[]) => unknown,
  ): Promise<void> {
    const [expected, actual] = await Promise.all(
      both.map(async ({ server, clients, names }) => {
        const gone = clients.map(
          (client) => new Promise((end) => client.socket.once("disconnect", end)),
        )
        const found = await operate(server.io, clients)
        const left = clients.filter(({ socket }) => server.io.of("/").sockets.has(socket.id ?? ""))
        // Both ends of those that were disconnected have to know it.
        await Promise.all(gone.filter((_, index) => !left.includes(clients[index] as Client)))
        const named = (ids: Iterable<string>) =>
          Array.from(ids, (id) => names.get(id) ?? id).toSorted()
        const { rooms, sids } = server.io.of("/").adapter
        const result = {
          found: Array.isArray(found) ? named(found.map(({ id }) => id)) : undefined,
          rooms: Array.from(rooms, ([room, ids]) => [names.get(room) ?? room, named(ids)]),
          sids: Array.from(sids, ([sid, ids]) => [names.get(sid), named(ids)]),
          sockets: left.map(({ remote }) => [names.get(remote.id), named(remote.rooms)]),
        }
        for (const { socket } of clients) socket.disconnect()
        return result
      }),
    )
    assert.ok(expected && actual)
    assert.deepEqual(actual, expected)
  }

  it("fetches sockets", { timeout }, () => same((io) => io.local.fetchSockets()))
  it("fetches sockets of rooms", { timeout }, () => same((io) => io.local.in("x").fetchSockets()))
  it("fetches sockets but those of rooms", { timeout }, () =>
    same((io) => io.local.in(["x", "y"]).except("y").fetchSockets()),
  )
  it("fetches no sockets", { timeout }, () => same((io) => io.local.in("none").fetchSockets()))
  it("joins all sockets to rooms", { timeout }, () =>
    same((io) => io.local.socketsJoin(["new", "x"])),
  )
  it("joins sockets of a room", { timeout }, () =>
    same((io) => io.local.in("y").socketsJoin("new")),
  )
  it("takes sockets out of rooms", { timeout }, () =>
    same((io) => io.local.in("x").socketsLeave(["x", "y", "none"])),
  )
  it("disconnects sockets of a room", { timeout }, () =>
    same((io) => io.local.in("x").except("y").disconnectSockets()),
  )
  it("disconnects all sockets", { timeout }, () => same((io) => io.local.disconnectSockets(true)))
  it("knows the rooms of a socket that leaves", { timeout }, () =>
    same((_, [one]) => {
      one?.remote.leave("x")
      one?.remote.join(["z", "x"])
      one?.remote.leave(one.remote.id)
    }),
  )
})
