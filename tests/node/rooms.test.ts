import assert from "node:assert/strict"
import { after, before, describe, it } from "node:test"
import { inspect } from "node:util"
import type { Namespace } from "socket.io"
import type { Adapter } from "socket.io-adapter"
import { TestServer } from "./support/cluster.ts"
import { type RedisServer, startRedis } from "./support/redis-server.ts"

const timeout = 30_000
let redis: RedisServer
let inMemory: TestServer, withRedis: TestServer
let spaces = 0

before(async () => {
  redis = await startRedis()
  inMemory = await TestServer.start()
  withRedis = await TestServer.startWithRedis("redis6", redis.port)
})
after(async () => {
  await Promise.all([inMemory.close(), withRedis.close()])
  await redis[Symbol.asyncDispose]()
})

/** What a listener of room events hears: the event's name, then its arguments. */
type RoomEvents = unknown[][]

const EVENTS = ["create-room", "delete-room", "join-room", "leave-room"]

/** The in-memory adapter and ours, each of a new namespace, and the room events of both. */
function adapters(): { adapter: Adapter; events: RoomEvents; nsp: Namespace }[] {
  spaces += 1
  return [inMemory, withRedis].map(({ io }) => {
    const nsp = io.of(`/${spaces}`)
    const events: RoomEvents = []
    for (const event of EVENTS) {
      nsp.adapter.on(event, (...args: unknown[]) => events.push([event, ...args]))
    }
    return { adapter: nsp.adapter as Adapter, events, nsp }
  })
}

/** What a function gives for the in-memory adapter and for ours has to be the same. */
function same<T>(both: { adapter: Adapter }[], look: (adapter: Adapter) => T, what?: string): T {
  const [expected, actual] = both.map(({ adapter }) => look(adapter))
  assert.deepEqual(actual, expected, what)
  return expected as T
}

/** Rooms may be named by what is no string, whatever the types of socket.io say. */
const named = (room: unknown) => room as string

const sorted = (names: Set<string> | undefined) => names && Array.from(names, String).toSorted()

const listed = ([key, values]: [string, Set<string>]) => [key, [...values]]

const set = (adapter: Adapter) => adapter.rooms.get("a") as Set<string>

/** All that can be seen of the membership, with the members of a room in no particular order. */
function contents(adapter: Adapter) {
  return {
    rooms: new Map(Array.from(adapter.rooms, ([room, sids]) => [room, sorted(sids)])),
    sids: new Map(Array.from(adapter.sids, ([sid, rooms]) => [sid, new Set(rooms)])),
    sizes: [adapter.rooms.size, adapter.sids.size],
  }
}

describe("the rooms of an adapter, beside the in-memory one's", () => {
  it("tell of joining and leaving with the same events", { timeout }, () => {
    const both = adapters()
    for (const { adapter } of both) {
      adapter.addAll("s1", new Set(["s1"]))
      adapter.addAll("s1", new Set(["a", "b", named(42), "42"]))
      adapter.addAll("s2", new Set(["s2", "b"]))
      adapter.addAll("s1", new Set(["a", "b"]))
      adapter.addAll("s3", new Set())
      adapter.del("s1", "a")
      adapter.del("s1", "a")
      adapter.del("s1", "never")
      adapter.del("nobody", "b")
      adapter.delAll("s1")
      adapter.delAll("s1")
      adapter.delAll("s3")
      adapter.delAll("nobody")
    }
    const [expected, actual] = both.map(({ events }) => events)
    assert.equal(expected?.length, 22)
    assert.deepEqual(actual, expected)
    same(both, contents)
  })

  it("are the same after any sequence of changes", { timeout }, () => {
    for (const seed of [1, 2, 3, 4]) {
      const both = adapters()
      const random = generator(seed)
      const pick = <T>(from: readonly T[]) => from[random(from.length)] as T
      const sids = ["s1", "s2", "s3", "s4", "s5"]
      const rooms = ["a", "b", "c", named(42), "42", named(0.5), "", "é", ...sids].map(named)
      for (let step = 0; step < 400; step++) {
        const [kind, sid, room, other] = [random(6), pick(sids), pick(rooms), pick(rooms)]
        for (const { adapter } of both) {
          if (kind === 0) adapter.delAll(sid)
          else if (kind <= 2) adapter.del(sid, room)
          else if (adapter.sids.has(sid)) adapter.addAll(sid, new Set([room, other]))
          else adapter.addAll(sid, new Set([sid]))
        }
        const what = `step ${step} of seed ${seed}`
        assert.deepEqual(both[1]?.events, both[0]?.events, what)
        same(both, contents, what)
        for (const name of rooms) {
          same(both, (adapter) => sorted(adapter.rooms.get(name)), what)
          same(both, (adapter) => sorted(adapter.socketRooms(name)), what)
        }
      }
    }
  })

  it("may change while a listener is told of a change", { timeout }, () => {
    const both = adapters()
    for (const { adapter } of both) {
      adapter.addAll("s1", new Set(["s1", "a", "b"]))
      adapter.addAll("s2", new Set(["s2", "b"]))
      adapter.on("leave-room", (room: string, sid: string) => {
        if (room === "a" && sid === "s1") adapter.addAll("s3", new Set(["s3", "a", "new"]))
      })
      adapter.on("delete-room", (room: string) => {
        if (room === "s1") adapter.addAll("s2", new Set(["s1"]))
      })
      adapter.delAll("s1")
      adapter.addAll("s4", new Set(["s4", "b"]))
      adapter.del("s2", "b")
      adapter.addAll("s1", new Set(["s1", "c"]))
    }
    const [expected, actual] = both.map(({ events }) => events)
    assert.deepEqual(actual, expected)
    same(both, contents)
  })

  it("show a listener who is still there", { timeout }, () => {
    const both = adapters()
    const seen = both.map(({ adapter }) => {
      const looks: unknown[] = []
      const look = (room: string) => {
        const [members, rooms] = [adapter.rooms.get(room), adapter.sids.get("s1")]
        looks.push([room, members?.size, members && [...members], rooms && [...rooms]])
      }
      adapter.addAll("s1", new Set(["s1", "a", "b"]))
      adapter.addAll("s2", new Set(["s2", "b"]))
      adapter.on("leave-room", look)
      adapter.on("delete-room", look)
      adapter.del("s1", "a")
      adapter.delAll("s1")
      return looks
    })
    assert.deepEqual(seen[1], seen[0])
  })
})

describe("adapter.rooms and adapter.sids", () => {
  let both: ReturnType<typeof adapters>
  before(() => {
    both = adapters()
    for (const { adapter } of both) {
      adapter.addAll("s1", new Set(["s1", "a", named(42)]))
      adapter.addAll("s2", new Set(["s2", "a"]))
      adapter.addAll("s3", new Set(["s3", "42"]))
    }
  })

  const maps = {
    rooms: (adapter: Adapter) => adapter.rooms,
    sids: (adapter: Adapter) => adapter.sids,
  }
  for (const [name, of] of Object.entries(maps)) {
    it(`are read like a Map: ${name}`, { timeout }, () => {
      same(both, (adapter) => of(adapter) instanceof Map)
      same(both, (adapter) => of(adapter).size)
      same(both, (adapter) => [...of(adapter).keys()])
      same(both, (adapter) => Array.from(of(adapter).values(), (values) => [...values]))
      same(both, (adapter) => Array.from(of(adapter).entries(), listed))
      same(both, (adapter) => Array.from(of(adapter), listed))
      same(both, (adapter) => new Map(of(adapter)).size)
      for (const key of ["a", "42", named(42), "s1", "none"]) {
        same(both, (adapter) => of(adapter).has(key))
        same(both, (adapter) => of(adapter).get(key)?.size)
      }
      same(both, (adapter) => {
        const visits: unknown[] = []
        of(adapter).forEach(function (this: unknown, values, key, map) {
          visits.push([this, [...values], key, map === of(adapter)])
        }, "self")
        return visits
      })
    })

    it(`are shown like a Map: ${name}`, { timeout }, () => {
      same(both, (adapter) => inspect(of(adapter)))
      same(both, (adapter) => inspect({ within: [of(adapter)] }, { depth: 9 }))
      same(both, (adapter) => inspect(of(adapter), { compact: false, breakLength: 40 }))
      same(both, (adapter) => Object.prototype.toString.call(of(adapter)))
      same(both, (adapter) => JSON.stringify(of(adapter)))
    })
  }

  it("hold what is read like a Set", { timeout }, () => {
    same(both, (adapter) => set(adapter) instanceof Set)
    same(both, (adapter) => [set(adapter).size, set(adapter).has("s1"), set(adapter).has("s3")])
    same(both, (adapter) => [...set(adapter)])
    same(both, (adapter) => [...set(adapter).keys()])
    same(both, (adapter) => [...set(adapter).values()])
    same(both, (adapter) => [...set(adapter).entries()])
    same(both, (adapter) => Array.from(set(adapter), (sid) => sid.length))
    same(both, (adapter) => new Set(set(adapter)))
    same(both, (adapter) => inspect(set(adapter)))
    same(both, (adapter) => {
      const visits: unknown[] = []
      set(adapter).forEach((value, key, all) => visits.push([value, key, [...all]]))
      return visits
    })
  })

  const operations = ["union", "intersection", "difference", "symmetricDifference"]
  for (const operation of [...operations, "isSubsetOf", "isSupersetOf", "isDisjointFrom"]) {
    const lacking = !(operation in Set.prototype) && "this engine has no such method"
    const call = (one: Set<string>, other: Set<string>): unknown =>
      Reflect.apply(Reflect.get(one, operation), one, [other])
    it(`hold sets that know ${operation}`, { timeout, skip: lacking }, () => {
      for (const other of [["s1"], ["s1", "s2", "x"], []].map((sids) => new Set(sids))) {
        same(both, (adapter) => call(set(adapter), other))
        same(both, (adapter) => call(other, set(adapter)))
      }
    })
  }

  it("are live", { timeout }, () => {
    for (const { adapter } of both) {
      const [room, rooms] = [adapter.rooms.get("a"), adapter.sids.get("s3")]
      adapter.addAll("s3", new Set(["a"]))
      assert.deepEqual([sorted(room), rooms?.has("a")], [["s1", "s2", "s3"], true])
      adapter.del("s3", "a")
      assert.deepEqual([sorted(room), rooms?.has("a")], [["s1", "s2"], false])
    }
  })

  it("cannot be written to", { timeout }, () => {
    const [, ours] = both
    assert.ok(ours)
    const { rooms, sids } = ours.adapter
    const expected = contents(ours.adapter)
    const writes = [
      () => rooms.set("x", new Set()),
      () => rooms.delete("a"),
      () => rooms.clear(),
      () => sids.set("x", new Set()),
      () => sids.delete("s1"),
      () => sids.clear(),
      () => rooms.get("a")?.add("x"),
      () => rooms.get("a")?.delete("s1"),
      () => rooms.get("a")?.clear(),
      () => sids.get("s1")?.add("x"),
    ]
    for (const write of writes)
      assert.throws(write, { name: "AdapterError", code: "ERR_READ_ONLY" })
    assert.deepEqual(contents(ours.adapter), expected)
  })

  it("know nobody in rooms that are objects, and tell of them", { timeout }, () => {
    const [, ours] = both
    assert.ok(ours)
    const expected = contents(ours.adapter)
    const told: unknown[] = []
    ours.adapter.on("error", (error) => told.push(error.code))
    let reached = 0
    ours.nsp.sockets.forEach((socket) => socket.onAnyOutgoing(() => reached++))
    for (const room of [{}, [[]], () => 1, Symbol("room"), 1n, new Date(0)].map(named)) {
      ours.adapter.addAll("s1", new Set([room]))
      ours.nsp.to(room).emit("e")
      ours.nsp.except(room).to(room).emit("e")
      ours.nsp.socketsJoin(room)
      ours.adapter.del("s1", room)
    }
    assert.deepEqual(contents(ours.adapter), expected)
    assert.equal(reached, 0)
    assert.deepEqual(told, ["ERR_INVALID_ROOM"])
  })
})

/** Whole numbers below a limit that are the same for the same seed (mulberry32). */
function generator(seed: number): (limit: number) => number {
  let state = seed
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit
  }
}
