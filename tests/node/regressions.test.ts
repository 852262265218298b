import assert from "node:assert/strict"
import { describe, it, type TestContext } from "node:test"
import { createAdapter, type RedisAdapterOptions } from "socket.io-redis-edge"
import { type MemoryBus, memoryBus } from "socket.io-redis-edge/memory"
import { type Client, TestServer } from "./support/cluster.ts"

const timeout = 20_000

interface Pair {
  bus: MemoryBus
  one: TestServer
  two: TestServer
  one1: Client
  two1: Client
}

async function pair(t: TestContext, options?: RedisAdapterOptions): Promise<Pair> {
  const bus = memoryBus()
  const start = () => TestServer.start({ adapter: createAdapter(bus, options) })
  const [one, two] = await Promise.all([start(), start()])
  t.after(() => Promise.all([one.close(), two.close()]))
  const [one1, two1] = await Promise.all([one.connect(), two.connect()])
  return { bus, one, two, one1, two1 }
}

describe("what was found by reading", () => {
  it("takes a broadcast in JSON that makes the memory grow", { timeout }, async (t) => {
    const { bus, one, one1, two1 } = await pair(t)
    for (const megabytes of [1, 2, 5, 11, 23]) {
      const long = "x".repeat(megabytes << 20)
      const packet = { type: 2, data: ["long", long], nsp: "/" }
      await bus.publish("socket.io#/#", JSON.stringify(["other", packet, { rooms: [] }]))
      await Promise.all([one1.until("long"), two1.until("long")])
      assert.deepEqual([one1.take(), two1.take()], [[["long", long]], [["long", long]]])
    }
    one.io.emit("next", "y".repeat(10_000))
    await Promise.all([one1.until("next"), two1.until("next")])
  })

  it("keeps the order of what a listener asks for", { timeout }, async (t) => {
    const { one, two, two1 } = await pair(t)
    two1.remote.join("a")
    one.io.on("go", () => {
      one.io.in("a").socketsJoin("b")
      one.io.to("b").emit("joined")
      one.io.in("a").socketsLeave("b")
      one.io.to("b").emit("left")
      one.io.emit("end")
    })
    two.io.serverSideEmit("go")
    await two1.until("end")
    assert.deepEqual(two1.take(), [["joined"], ["end"]])
  })

  it("closes from inside a listener, and knows when that is done", { timeout }, async (t) => {
    const { bus, one, two } = await pair(t)
    const closed = new Promise<number[]>((resolve) => {
      one.io.on("close", async () => {
        await one.adapter().close()
        resolve(await bus.count(["socket.io-request#/#"]))
      })
    })
    two.io.serverSideEmit("close")
    assert.deepEqual(await closed, [1])
  })

  it("refuses an answer that is given twice", { timeout }, async (t) => {
    const { bus, one } = await pair(t, { requestsTimeout: 1_000 })
    const asked = one.io.fetchSockets()
    const answer = `{"requestId":"${one.adapter().uid}1","sockets":[{"id":"x","rooms":[]}],"sockets":null}`
    await bus.publish("socket.io-response#/#", answer)
    assert.equal((await asked).length, 2)
    assert.equal(one.adapter().stats().malformed, 1)
  })

  it("completes acknowledgements that are asked for inside each other", { timeout }, async (t) => {
    const { one, one1, two1 } = await pair(t)
    for (const { socket } of [one1, two1]) {
      for (const event of ["outer", "inner"]) socket.on(event, (answer) => answer(event))
    }
    let inner: Promise<unknown[]> | undefined
    one1.remote.onAnyOutgoing((event) => {
      if (event === "outer") inner = one.io.timeout(5_000).emitWithAck("inner")
    })
    assert.deepEqual(await one.io.timeout(5_000).emitWithAck("outer"), ["outer", "outer"])
    assert.deepEqual(await inner, ["inner", "inner"])
  })

  it(
    "takes nothing for done that is not, with what is known or without",
    { timeout },
    async (t) => {
      const { one } = await pair(t, { partial: true, requestsTimeout: 50 })
      await assert.rejects(one.adapter().remoteJoin("nobody", "room"), {
        code: "ERR_REQUEST_TIMEOUT",
      })
      await assert.rejects(one.io.serverSideEmitWithAck("nobody listens"), { responses: [] })
    },
  )

  it("counts in a room that is named alone", { timeout }, async (t) => {
    const { one, one1, two1 } = await pair(t)
    for (const { remote } of [one1, two1]) remote.join("news")
    assert.equal(await one.adapter().count("news"), 2)
    assert.equal(await one.adapter().count(["n", "e", "w", "s"]), 0)
  })

  it("refuses an id of a socket that is none", { timeout }, async (t) => {
    const { one } = await pair(t)
    const refused = one.adapter().remoteLeave(42 as never, "room")
    await assert.rejects(refused, { code: "ERR_INVALID_SOCKET_ID" })
  })

  it("lets go of what all have acknowledged", { timeout }, async (t) => {
    const { one } = await pair(t)
    assert.ok(global.gc, "run with --expose-gc")
    const held: WeakRef<object>[] = []
    await Promise.all(
      Array.from({ length: 20 }, () => {
        return new Promise<void>((resolve) => {
          const ack = () => resolve()
          held.push(new WeakRef(ack))
          one.io.to("nobody").timeout(5_000).emit("e", ack)
        })
      }),
    )
    await new Promise((resolve) => setImmediate(resolve))
    global.gc()
    assert.ok(held.filter((ref) => ref.deref() !== undefined).length < 3)
  })
})
