// The core stops in the middle of a call, and is built again with all that it knew.
import assert from "node:assert/strict"
import { once } from "node:events"
import { setTimeout as delay } from "node:timers/promises"
import { after, before, describe, it } from "node:test"
import type { RedisAdapter, RequestError } from "socket.io-redis-edge"
import type { Client, TestServer as Server } from "./support/cluster.ts"

/** The memories of the cores that this process has made. */
const memories: WebAssembly.Memory[] = []
const { Instance } = WebAssembly
WebAssembly.Instance = class extends Instance {
  constructor(module: WebAssembly.Module, imports?: WebAssembly.Imports) {
    super(module, imports)
    memories.push(this.exports.memory as WebAssembly.Memory)
  }
}

const { createAdapter, TrapError } = await import("socket.io-redis-edge")
const { memoryBus } = await import("socket.io-redis-edge/memory")
const { TestServer } = await import("./support/cluster.ts")

const timeout = 30_000
const silent = (): void => {}
/** Where the core's heap begins; its stack and its constants are in front. */
const HEAP = 1_120_000

describe("a core that stops", () => {
  const bus = memoryBus()
  const start = () => TestServer.start({ adapter: createAdapter(bus, { requestsTimeout: 60_000 }) })
  let a: Server, b: Server
  let a1: Client, a2: Client, b1: Client
  let adapter: RedisAdapter
  const told: unknown[] = []

  before(async () => {
    ;[a, b] = await Promise.all([start(), start()])
    ;[a1, a2, b1] = await Promise.all([a.connect(), a.connect(), b.connect()])
    adapter = a.adapter()
    adapter.on("error", (error) => told.push(error))
    await Promise.all([adapter.subscribed(), b.adapter().subscribed()])
    a1.remote.join(["red", "42"])
    a2.remote.join("red")
    b1.remote.join("blue")
  })
  after(() => Promise.all([a.close(), b.close()]))

  /** What the three clients hear of what both servers send. */
  async function heard(): Promise<string[]> {
    a.io.to("red").to("blue").emit("of a")
    b.io.to("red").except("42").emit("of b")
    for (const { io } of [a, b]) io.emit("end")
    return Promise.all(
      [a1, a2, b1].map(async (client) => {
        await client.until("end", 2)
        return client.take("end").flat().toSorted().join(" and ")
      }),
    )
  }
  const asEver = ["of a", "of a and of b", "of a"]

  it("tells of it, and loses no socket, no room and no subscription", { timeout }, async () => {
    assert.deepEqual(await heard(), asEver)
    const { uid } = adapter
    const rooms = [...adapter.rooms.keys()].toSorted()
    // Somebody who is counted and never answers.
    await bus.subscribe("channel", "socket.io-request#/#", silent)
    const waiting = adapter.allRooms()
    const failed = assert.rejects(waiting, (error: RequestError) => {
      assert.equal(error.code, "ERR_REQUEST_FAILED")
      assert.ok(error.cause instanceof TrapError)
      return true
    })
    const cores = memories.length
    for (let pad = 0; memories.length === cores; pad++) {
      useUpTheStack(pad, () => a.io.local.to("nobody").emit("deep", ["down", { here: true }]))
      await delay(0)
    }
    await failed
    await bus.unsubscribe("channel", "socket.io-request#/#", silent)
    assert.equal(adapter.uid, uid)
    assert.deepEqual([...adapter.rooms.keys()].toSorted(), rooms)
    assert.deepEqual([...(adapter.sids.get(a1.remote.id) ?? [])], [a1.remote.id, "red", "42"])
    assert.ok(told[0] instanceof TrapError)
    assert.equal(told[0].code, "ERR_CORE_TRAPPED")
    assert.ok(told[0].input.length > 0)
    await adapter.subscribed()
    assert.deepEqual(await heard(), asEver)
    assert.equal((await b.io.fetchSockets()).length, 3)
    assert.equal((await a.io.fetchSockets()).length, 3)
  })

  it("is followed by one that takes new sockets and rooms", { timeout }, async () => {
    a1.remote.leave("42")
    a2.remote.join("green")
    const late = await a.connect()
    b.io.to(late.remote.id).to("green").emit("late")
    await Promise.all([late.until("late"), a2.until("late")])
    a2.remote.leave("green")
    assert.equal(adapter.rooms.has("42"), false)
    assert.equal(adapter.rooms.has("green"), false)
    const gone = once(late.remote, "disconnect")
    late.socket.disconnect()
    await gone
    a1.remote.join("42")
  })

  it("leaves every socket in its own room where its memory is lost", { timeout }, async () => {
    const cores = memories.length
    const memory = memories.at(-1) as WebAssembly.Memory
    new Uint8Array(memory.buffer).fill(0xff, HEAP)
    assert.throws(() => adapter.stats(), { code: "ERR_CORE_TRAPPED" })
    assert.ok(memories.length > cores)
    const ids = [a1, a2].map((client) => client.remote.id).toSorted()
    assert.deepEqual([...adapter.sids.keys()].toSorted(), ids)
    await Promise.all([adapter.subscribed(), b.adapter().subscribed()])
    b.io.to(a2.remote.id).emit("to one")
    b.io.emit("to all")
    await Promise.all([a1.until("to all"), b1.until("to all")])
    await a2.until("to all")
    assert.deepEqual(a2.take().flat().slice(-2), ["to one", "to all"])
  })
})

/**
 * Calls with less and less stack to spare, until it is used up somewhere inside. `pad` shifts where: by so many
 * arguments, since the frames of two functions may be of one size.
 */
function useUpTheStack(pad: number, action: () => void): void {
  function deeper(): void {
    try {
      deeper()
    } catch (error) {
      try {
        action()
      } catch {
        // Too deep still.
      }
      throw error
    }
  }
  const padding = Array.from({ length: (37 * pad) % 512 })
  assert.throws(() => Reflect.apply(deeper, undefined, padding), RangeError)
}
