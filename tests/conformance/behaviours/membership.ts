import assert from "node:assert/strict"
import { once } from "node:events"
import { times } from "../../node/support/cluster.ts"
import { behaviour, inRoom, type Stage } from "../stage.ts"

/** The first arguments of events. */
const reasons = async (events: Promise<unknown[]>[]) =>
  (await Promise.all(events)).map(([reason]) => reason)

/** What servers tell the sockets of all servers to do. */
export function membership(stage: Stage): void {
  behaviour("socketsJoin() and socketsLeave() reach sockets of all servers", async () => {
    const { a, b, c } = stage
    const [x, y] = [stage.fresh(), stage.fresh()]
    await Promise.all([stage.a1.remote.join(x), stage.b1.remote.join(x), stage.c1.remote.join(x)])
    const reaches = async (names: string, action: () => unknown) =>
      assert.equal(await stage.reached(action), names)
    await reaches("a1 b1", () => {
      a.io.in(x).except(stage.c1.remote.id).socketsJoin([y, stage.fresh()])
      a.io.to(y).emit("e")
    })
    await reaches("a1 a2 b1 b2 c1", () => {
      b.io.socketsJoin(y)
      b.io.to(y).emit("e")
    })
    await reaches("b2 c1", () => {
      c.io.in(x).socketsLeave([x, y])
      c.io.in(stage.a2.remote.id).socketsLeave(y)
      c.io.in(stage.c1.remote.id).socketsJoin(y)
      c.io.to([x, y]).emit("e")
    })
  })

  behaviour("operations on sockets can stay on their server", async () => {
    const { a, a1, a2 } = stage
    const room = stage.fresh()
    a.io.local.socketsJoin(room)
    assert.deepEqual(
      await a.adapter().sockets(new Set([room])),
      new Set([a1.remote.id, a2.remote.id]),
    )
    a.io.local.in(a1.remote.id).socketsLeave(room)
    assert.deepEqual(await a.adapter().sockets(new Set([room])), new Set([a2.remote.id]))
  })

  behaviour("one's own sockets join, leave and disconnect at once, and once only", async (t) => {
    const nsp = stage.fresh("/once-")
    const [near, far] = await stage.enter(t, nsp)
    const io = stage.a.io.of(nsp)
    const { remote } = near
    const calls = (["join", "leave", "disconnect"] as const).map(
      (method) => t.mock.method(remote, method).mock,
    )
    io.socketsJoin("x")
    assert.ok(remote.rooms.has("x"))
    io.socketsLeave("x")
    assert.ok(!remote.rooms.has("x"))
    const gone = new Promise((resolve) => far.remote.once("disconnect", resolve))
    io.disconnectSockets()
    assert.equal(remote.connected, false)
    await gone
    // What comes back through Redis comes before this is answered.
    assert.equal(await stage.a.adapter(nsp).count(), 0)
    assert.deepEqual(
      calls.map((mock) => mock.callCount()),
      [1, 1, 1],
    )
  })

  behaviour("disconnectSockets() reaches sockets of all servers", async (t) => {
    const nsp = stage.fresh("/disconnected-")
    const clients = await stage.enter(t, nsp)
    const [a3, b3, c3] = clients
    await Promise.all([a3, b3].map(({ remote }) => remote.join("x")))
    const gone = clients.map(({ remote }) => once(remote, "disconnect"))
    const closed = clients.map(({ remote }) => once(remote.conn, "close"))
    stage.b.io.of(nsp).in("x").disconnectSockets()
    assert.deepEqual(await reasons(gone.slice(0, 2)), times(2, "server namespace disconnect"))
    // Clients that have no other namespace close the connection themselves.
    assert.deepEqual(await reasons(closed.slice(0, 2)), times(2, "transport close"))
    assert.ok(c3.socket.connected)
    stage.b.io.of(nsp).disconnectSockets(true)
    assert.deepEqual(await reasons(gone.slice(2)), ["server namespace disconnect"])
    assert.deepEqual(await reasons(closed.slice(2)), ["forced close"])
  })

  behaviour("the adapter's operations settle when every server has done them", async (t) => {
    const nsp = stage.fresh("/settled-")
    const clients = await stage.enter(t, nsp)
    const adapter = stage.b.adapter(nsp)
    const remotes = clients.map(({ remote }) => remote)
    const joined = (room: string) => remotes.map(({ rooms }) => rooms.has(room))
    const all = { rooms: new Set<string>(), except: new Set<string>() }
    for (let round = 0; round < 10; round++) {
      await adapter.addSockets(all, [`room ${round}`, "room"])
      assert.deepEqual(joined(`room ${round}`), times(3, true))
      await adapter.delSockets(inRoom("room"), [`room ${round}`])
      assert.deepEqual(joined(`room ${round}`), times(3, false))
    }
    await adapter.disconnectSockets(inRoom("room"), false)
    assert.deepEqual(
      remotes.map(({ connected }) => connected),
      times(3, false),
    )
  })
}
