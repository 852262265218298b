// Wherever the core stops, nothing but the call at hand fails, and nothing reaches the process.
import assert from "node:assert/strict"
import { setTimeout as delay } from "node:timers/promises"
import { after, before, describe, it } from "node:test"
import { arm, instances, isArmed, starve } from "./support/armed-core.ts"
import { Membership } from "../../js/src/adapter/membership.ts"
import type { Core } from "../../js/src/boundary.ts"
import type { RequestError } from "socket.io-redis-edge"
import type { Client, TestServer as Server } from "./support/cluster.ts"

const { createAdapter, TrapError } = await import("socket.io-redis-edge")
const { memoryBus } = await import("socket.io-redis-edge/memory")
const { TestServer } = await import("./support/cluster.ts")

const timeout = 30_000

const connected = (sid: string): string | undefined => (sid === "2" ? sid : undefined)

describe("members of a core that stopped", () => {
  it("are read on after one that cannot be", () => {
    // A core as wasm-bindgen leaves it: in use from the first call that stops, until it is unlocked.
    let inUse = false
    const ask = (): void => {
      if (inUse) throw new Error("recursive use of an object detected")
    }
    const core = {
      connect: (_: number, sid: string) => Number(sid),
      intern: () => 9,
      roomsOf: (_: number, socket: number) => {
        ask()
        inUse = socket === 2
        ask()
        return [socket]
      },
      wasm: { isSocket: () => (ask(), true), join: () => 0 },
    }
    const events = { emit: () => true, listenerCount: () => 0 }
    const members = new Membership(core as unknown as Core, 1, events, connected, () => {})
    for (const sid of ["1", "2", "3"]) members.join(sid, new Set([sid]))
    const saved = members.save(() => {
      inUse = false
    })
    assert.deepEqual([...saved.keys()], ["1", "2", "3"])
  })
})

describe("a core that stops", () => {
  const bus = memoryBus()
  const start = () => TestServer.start({ adapter: createAdapter(bus) })
  let a: Server, b: Server
  let a1: Client, b1: Client

  before(async () => {
    ;[a, b] = await Promise.all([start(), start()])
    ;[a1, b1] = await Promise.all([a.connect(), b.connect()])
    a1.socket.on("asked", (answer: (value: string) => void) => answer("yes"))
  })
  after(() => Promise.all([a.close(), b.close()]))

  /** Checks that both servers reach both clients, in rooms too. */
  async function assertWhole(): Promise<void> {
    await Promise.all([a, b].map((server) => server.adapter().subscribed()))
    for (const client of [a1, b1]) client.take()
    for (const { io } of [a, b]) io.to(a1.remote.id).to(b1.remote.id).emit("whole")
    await Promise.all([a1.until("whole", 2), b1.until("whole", 2)])
  }

  for (const call of ["core_receive", "core_control", "core_pollOutput", "core_pollTimeout"]) {
    it(`in ${call} loses no more than one message`, { timeout }, async () => {
      arm(call)
      b.io.emit("one")
      try {
        b.io.socketsJoin("somewhere")
      } catch (error) {
        assert.ok(error instanceof TrapError) // in the server that asks, which is told so
      }
      while (isArmed(call)) await delay(1)
      await assertWhole()
    })
  }

  for (const question of ["allRooms", "count", "fetchSockets"] as const) {
    it(`while ${question}() is asked rejects that with what stopped it`, { timeout }, async () => {
      arm("core_pollOutput")
      const asked = question === "fetchSockets" ? a.io.fetchSockets() : a.adapter()[question]()
      await assert.rejects(asked, (error: RequestError) => {
        assert.equal(error.code, "ERR_REQUEST_FAILED")
        assert.ok(error.cause instanceof TrapError)
        return true
      })
      await assertWhole()
    })
  }

  it("while a client acknowledges is no error of the application", { timeout }, async () => {
    arm("core_handleAcknowledged")
    b.io.timeout(300).emit("asked", () => {})
    while (isArmed("core_handleAcknowledged")) await delay(1)
    await assertWhole()
  })

  it("again while it is asked for what it knows tells of the others", { timeout }, async () => {
    const others = await Promise.all([a.connect(), a.connect(), a.connect()])
    for (const { remote } of others) remote.join("kept")
    arm("core_stats")
    arm("core_roomsOf", 1)
    assert.throws(() => a.adapter().stats(), TrapError)
    const kept = others.filter(({ remote }) => remote.rooms.has("kept"))
    assert.ok(kept.length >= 2, `${kept.length} of 3`)
    assert.equal(a.adapter().sids.size, 4)
    for (const { socket } of others) socket.disconnect()
    while (a.adapter().sids.size > 1) await delay(1)
    await assertWhole()
  })

  it("while a namespace is made does not keep it from being built again", { timeout }, async () => {
    arm("core_uid")
    assert.throws(() => a.io.of("/new"), { code: "ERR_CORE_TRAPPED" })
    arm("core_stats")
    assert.throws(() => a.adapter().stats(), TrapError)
    await assertWhole()
  })

  it("gives up what it was subscribed to and does not want any more", { timeout }, async (t) => {
    const server = await TestServer.start({
      adapter: createAdapter(bus, { key: "exact", subscriptionMode: "exact" }),
    })
    t.after(() => server.close())
    const client = await server.connect()
    const subscribers = async () => (await bus.count(["exact#/#left#"]))[0]
    await client.remote.join("left")
    assert.equal(await subscribers(), 1)
    client.remote.leave("left")
    arm("core_stats")
    assert.throws(() => server.adapter().stats(), TrapError)
    await server.adapter().subscribed()
    assert.equal(await subscribers(), 0)
    assert.equal((await bus.count([`exact#/#${client.remote.id}#`]))[0], 1)
  })

  it("where there is no memory for another is tried again later", { timeout }, async () => {
    starve(3)
    arm("core_stats")
    assert.throws(() => a.adapter().stats(), TrapError)
    const began = instances()
    await delay(10) // The event loop goes on meanwhile.
    assert.ok(instances() <= began + 1)
    for (;;) {
      try {
        a.adapter().stats()
        break
      } catch {
        await delay(10)
      }
    }
    await assertWhole()
  })
})
