import assert from "node:assert/strict"
import { Buffer } from "node:buffer"
import { times, type WriteOptions } from "../../node/support/cluster.ts"
import { behaviour, type Stage } from "../stage.ts"

const MESSAGES = 2_000

/** Rooms may be named by numbers, whatever the types of socket.io say. */
const numeric = (room: number) => room as unknown as string

/** The engine makes true of what is not false, in the object that it is given. */
const flags = ({ compress, volatile }: WriteOptions) => `${compress !== false} ${volatile === true}`

export function broadcasts(stage: Stage): void {
  const reaches = async (names: string, action: () => unknown, cast = stage.cast) =>
    assert.equal(await stage.reached(action, cast), names)

  behaviour("a broadcast reaches all clients of all servers", async () => {
    for (const { io } of stage.servers) await reaches("a1 a2 b1 b2 c1", () => io.emit("e"))
    await reaches("a2 b1 b2 c1", () => stage.a1.remote.broadcast.emit("e"))
  })

  behaviour("a broadcast reaches a room, and several rooms once", async () => {
    const { a, b, c, a1, b1, c1 } = stage
    const [x, y] = [stage.fresh(), stage.fresh()]
    await Promise.all([a1.remote.join(x), b1.remote.join([x, y]), c1.remote.join(y)])
    await reaches("a1 b1", () => c.io.to(x).emit("e"))
    await reaches("b1 c1", () => a.io.to(y).emit("e"))
    await reaches("a1 b1 c1", () => b.io.to(x).to(y).emit("e"))
    await reaches("a1 c1", () => b1.remote.to([x, y]).emit("e"))
    await reaches("", () => a.io.to(stage.fresh()).emit("e"))
    b1.remote.leave(x)
    await reaches("a1", () => c.io.in(x).emit("e"))
  })

  behaviour("a broadcast leaves out rooms, and reaches sockets by their ids", async () => {
    const { a, b, c, a2, b2, c1 } = stage
    const [inside, out] = [stage.fresh(), stage.fresh()]
    await Promise.all([a2.remote.join(out), b2.remote.join([inside, out]), c1.remote.join(inside)])
    await reaches("a1 b1 c1", () => c.io.except(out).emit("e"))
    await reaches("c1", () => a.io.to(inside).except(out).emit("e"))
    await reaches("a1 a2 b1 b2", () => a.io.except(c1.remote.id).emit("e"))
    await reaches("b2", () => a.io.to(b2.remote.id).emit("e"))
    await reaches("a2 c1", () => b.io.to([a2.remote.id, c1.remote.id]).emit("e"))
  })

  behaviour("a broadcast keeps the room 42 and the room named 42 apart", async () => {
    const { a, b, c, a1, b1, b2, c1 } = stage
    await Promise.all([
      ...[a1, b1, c1].map((client) => client.remote.join(numeric(42))),
      ...[b2, c1].map((client) => client.remote.join("42")),
    ])
    await reaches("a1 b1 c1", () => a.io.to(numeric(42)).emit("e"))
    await reaches("b2 c1", () => b.io.to("42").emit("e"))
    await reaches("a1 b1 b2 c1", () => c.io.to([numeric(42), "42"]).emit("e"))
  })

  behaviour("a broadcast carries any value, and binary as bytes", async () => {
    const values = [1, -0.5, "é😀", null, { at: [true, "x".repeat(300)] }]
    const binary = [Buffer.from([0, 1, 255]), { deep: [new Uint8Array([7])] }, "text"]
    const heard = await stage.hear(() => {
      stage.a.io.emit("values", ...values)
      stage.b.io.emit("binary", ...binary)
    })
    const bytes = ["binary", binary[0], { deep: [Buffer.from([7])] }, "text"]
    for (const events of heard) {
      assert.deepEqual(events.toSorted(), [bytes, ["values", ...values]])
    }
  })

  behaviour("a broadcast carries its flags to the engines of other servers", async () => {
    const { a, a2, b2 } = stage
    const [near, far] = [a2.writes(), b2.writes()]
    await stage.hear(async () => {
      a.io.emit("e")
      a.io.compress(false).emit("e")
      a.io.compress(true).volatile.emit("e")
      a.io.emit("last")
      await b2.until("last")
    })
    for (const writes of [near, far]) {
      assert.deepEqual(writes.map(flags).slice(0, 3), ["true false", "false false", "true true"])
    }
  })

  behaviour("a volatile broadcast is missed by a client that is not ready", async () => {
    const { a, b1, b2 } = stage
    const { transport } = b1.remote.conn
    const heard = await stage.hear(async () => {
      transport.writable = false
      a.io.volatile.emit("volatile")
      a.io.emit("sure")
      await b2.until("sure")
      transport.writable = true
    })
    const both = [["volatile"], ["sure"]]
    assert.deepEqual(heard, [both, both, [["sure"]], both, both])
  })

  behaviour("a local broadcast stays on its server", async () => {
    const { a, b1 } = stage
    await reaches("a1 a2", () => a.io.local.emit("e"))
    await reaches("", () => a.io.local.to(b1.remote.id).emit("e"))
  })

  for (const nsp of ["/chat", "/[^a-z]*?", String.raw`/a[b]\c`]) {
    behaviour(`a broadcast stays in its namespace: ${nsp}`, async (t) => {
      const { a } = stage
      const [a3, b3, c3] = await stage.enter(t, nsp)
      await b3.remote.join("z")
      await stage.b1.remote.join("z")
      const cast = { ...stage.cast, a3, b3, c3 }
      await reaches("a3 b3 c3", () => a.io.of(nsp).emit("e"), cast)
      await reaches("b3", () => a.io.of(nsp).to("z").emit("e"), cast)
      await reaches("b1", () => a.io.to("z").emit("e"), cast)
      assert.equal(await a.adapter(nsp).serverCount(), 3)
    })
  }

  behaviour("a broadcast reaches the clients of a dynamic namespace", async (t) => {
    for (const { io } of stage.servers) io.of(/^\/dynamic-\d+$/)
    const clients = await Promise.all(stage.servers.map((server) => server.connect("/dynamic-7")))
    t.after(() => clients.forEach(({ socket }) => socket.disconnect()))
    const heard = await stage.hear(() => stage.c.io.of("/dynamic-7").emit("e"), clients)
    assert.deepEqual(heard, times(3, [["e"]]))
  })

  behaviour("broadcasts arrive in the order in which they were sent", async (t) => {
    const nsp = stage.fresh("/order-")
    const [, far] = await stage.enter(t, nsp)
    const rooms = Array.from({ length: 5 }, () => stage.fresh())
    await far.remote.join(rooms)
    const expected = Array.from({ length: MESSAGES }, (_, number) => ["numbered", number])
    const sender = stage.a.io.of(nsp)
    const heard = await stage.hear(() => {
      for (let number = 0; number < MESSAGES; number++) {
        const [room = "", second = ""] = [rooms[number % 5], rooms[(number + 1) % 5]]
        // Of the channel of a room, and of the one that all others go through.
        sender.to(number % 7 === 0 ? [room, second] : room).emit("numbered", number)
      }
    }, [far])
    assert.deepEqual(heard, [expected])
  })
}
