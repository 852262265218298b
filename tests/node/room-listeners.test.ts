import assert from "node:assert/strict"
import { after, before, describe, it } from "node:test"
import type { Adapter } from "socket.io-adapter"
import { TestServer } from "./support/cluster.ts"
import { type RedisServer, startRedis } from "./support/redis-server.ts"

const timeout = 30_000
let redis: RedisServer
let inMemory: TestServer, withRedis: TestServer

before(async () => {
  redis = await startRedis()
  inMemory = await TestServer.start()
  withRedis = await TestServer.startWithRedis("redis6", redis.port)
})
after(async () => {
  await Promise.all([inMemory.close(), withRedis.close()])
  await redis[Symbol.asyncDispose]()
})

describe("the rooms of a socket that disconnects, beside the in-memory adapter's", () => {
  for (const hears of [false, true]) {
    const who = hears ? "with" : "without"
    it(`can be read afterwards, ${who} listeners of room events`, { timeout }, async () => {
      const nsp = `/${who}`
      for (const { io } of [inMemory, withRedis]) io.of(nsp)
      const expected = await seen(inMemory, nsp, hears)
      assert.deepEqual((expected as unknown[])[0], [2, true, true, "self", "a"])
      assert.deepEqual(await seen(withRedis, nsp, hears), expected)
    })
  }
})

const thrown = (action: () => unknown, message: string): void => assert.throws(action, { message })

describe("a listener of room events that throws", () => {
  it("keeps nothing from being done, and its error is thrown then", { timeout }, () => {
    const { adapter } = withRedis.io.of("/throwing")
    const events = ["create-room", "join-room", "leave-room", "delete-room"]
    for (const event of events) {
      adapter.on(event, (room: string) => {
        if (room !== "s1") throw new Error(`${event} ${room}`)
      })
    }
    thrown(() => adapter.addAll("s1", new Set(["s1", "a", "b"])), "create-room a")
    assert.deepEqual([...(adapter.sids.get("s1") ?? [])], ["s1", "a", "b"])
    thrown(() => adapter.del("s1", "a"), "leave-room a")
    assert.deepEqual([...adapter.rooms.keys()], ["s1", "b"])
    thrown(() => adapter.delAll("s1"), "leave-room b")
    assert.deepEqual([adapter.rooms.size, adapter.sids.size], [0, 0])
  })
})

// The in-memory adapter throws here: it goes on with a socket that it does not know any more.
describe("a socket that a listener turns away while it joins", () => {
  let spaces = 0

  /** The adapter of a new namespace, whose listener does this when "a" is created or joined. */
  function adapterWhere(event: string, happened: (adapter: Adapter) => void): Adapter {
    spaces += 1
    const { adapter } = withRedis.io.of(`/turned-away-${spaces}`)
    adapter.on(event, (room: string) => {
      if (room === "a") happened(adapter)
    })
    return adapter
  }

  const nothing = { rooms: [], sids: [], sizes: [0, 0] }

  for (const event of ["create-room", "join-room"]) {
    it(`is in no room: ${event}`, { timeout }, () => {
      const adapter = adapterWhere(event, (its) => its.delAll("s1"))
      for (let turn = 0; turn < 3; turn++) {
        adapter.addAll("s1", new Set(["a", "b"]))
        assert.deepEqual(contents(adapter), nothing)
        assert.deepEqual([adapter.rooms.has("b"), adapter.sids.get("s1")], [false, undefined])
      }
      adapter.addAll("s1", new Set(["s1", "b"]))
      assert.deepEqual(contents(adapter), {
        rooms: [
          ["s1", "s1"],
          ["b", "s1"],
        ],
        sids: [["s1", "s1", "b"]],
        sizes: [2, 1],
      })
    })
  }

  it("leaves those who come meanwhile where they are", { timeout }, () => {
    const adapter = adapterWhere("join-room", (its) => {
      its.delAll("s1")
      its.addAll("s2", new Set(["s2", "c"]))
    })
    adapter.addAll("s1", new Set(["s1", "a", "b"]))
    assert.deepEqual(contents(adapter), {
      rooms: [
        ["s2", "s2"],
        ["c", "s2"],
      ],
      sids: [["s2", "s2", "c"]],
      sizes: [2, 1],
    })
    adapter.delAll("s2")
    assert.deepEqual(contents(adapter), nothing)
  })
})

/** What its listeners see; its id, which differs, is called "self". */
async function seen(server: TestServer, nsp: string, hears: boolean): Promise<unknown> {
  const { socket, remote } = await server.connectEarly(nsp)
  const { adapter } = remote.nsp
  const { id } = remote
  const show = (rooms: Set<string>) =>
    [rooms.size, rooms.has("a"), rooms.has(id), ...rooms].map((room) =>
      room === id ? "self" : room,
    )
  remote.join(["a", "b"])
  if (hears) adapter.on("leave-room", () => {})
  assert.equal(adapter.sids.get(id), adapter.sids.get(id))
  assert.equal(remote.rooms, adapter.sids.get(id))
  const looks: unknown[] = []
  let kept = new Set<string>()
  remote.once("disconnecting", () => {
    remote.leave("b")
    kept = remote.rooms
    looks.push(show(kept))
  })
  await new Promise<void>((resolve) => {
    remote.once("disconnect", () => {
      looks.push(show(kept), show(remote.rooms))
      resolve()
    })
    socket.disconnect()
  })
  adapter.addAll(id, new Set(["c"]))
  looks.push(show(kept), show(remote.rooms))
  adapter.delAll(id)
  return looks
}

function contents({ rooms, sids }: Adapter) {
  return {
    rooms: Array.from(rooms, ([room, members]) => [room, ...members]),
    sids: Array.from(sids, ([sid, joined]) => [sid, ...joined]),
    sizes: [rooms.size, sids.size],
  }
}
