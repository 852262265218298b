import assert from "node:assert/strict"
import { once } from "node:events"
import type { Client } from "../../node/support/cluster.ts"
import { behaviour, type Stage } from "../stage.ts"

const sorted = (ids: Iterable<string>) => [...ids].toSorted()
const idsOf = (found: Iterable<{ id: string }>) => sorted(Array.from(found, ({ id }) => id))
const found = async (fetching: Promise<Iterable<{ id: string }>>) => idsOf(await fetching)
const remoteIds = (...clients: Client[]) => idsOf(clients.map(({ remote }) => remote))

/** What servers find out about the sockets of others, and do with one of them. */
export function sockets(stage: Stage): void {
  behaviour("fetchSockets() finds the sockets of all servers", async () => {
    const { a, b, c, a1, b1, b2, c1 } = stage
    const [x, y] = [stage.fresh(), stage.fresh()]
    await Promise.all([a1.remote.join(x), b1.remote.join([x, y]), c1.remote.join([y])])
    assert.deepEqual(await found(a.io.fetchSockets()), remoteIds(...stage.clients))
    assert.deepEqual(await found(c.io.in(x).fetchSockets()), remoteIds(a1, b1))
    assert.deepEqual(await found(b.io.in([x, y]).fetchSockets()), remoteIds(a1, b1, c1))
    assert.deepEqual(await found(a.io.in(y).except(x).fetchSockets()), remoteIds(c1))
    assert.deepEqual(await found(a.io.in(b2.remote.id).fetchSockets()), remoteIds(b2))
    assert.deepEqual(await found(a.io.in(stage.fresh()).fetchSockets()), [])
    assert.deepEqual(await found(b.io.local.fetchSockets()), remoteIds(b1, b2))
  })

  behaviour("fetchSockets() tells what is known of a socket", async (t) => {
    const nsp = stage.fresh("/known-")
    const [near, far] = await stage.enter(t, nsp)
    const data = { user: { id: 7 }, tags: ["é😀"] }
    Object.assign(far.remote.data, data)
    await far.remote.join(["one", "two"])
    const { handshake } = far.remote
    // Applications keep things there that refer to each other.
    const sessionStore = { handshake }
    Object.assign(handshake, { sessionStore, "session id": 1 })
    const [told] = await stage.a.io.of(nsp).in("one").fetchSockets()
    assert.ok(told)
    assert.equal(told.id, far.remote.id)
    assert.deepEqual(told.data, data)
    assert.deepEqual([...told.rooms].toSorted(), [far.remote.id, "one", "two"].toSorted())
    const { sessionStore: _, ...known } = handshake as typeof handshake & { sessionStore: unknown }
    assert.deepEqual(told.handshake, JSON.parse(JSON.stringify(known)))
    const [own] = await stage.a.io.of(nsp).in(near.remote.id).fetchSockets()
    assert.equal(own?.handshake, near.remote.handshake)
  })

  behaviour("fetchSockets() rejects after the time that it is given", async (t) => {
    const nsp = stage.fresh("/silent-")
    const [a3, b3] = await stage.enter(t, nsp, [stage.a, stage.b])
    t.after(await stage.environment.silentServer(nsp))
    await assert.rejects(stage.a.io.of(nsp).timeout(800).fetchSockets(), (error: Failure) => {
      assert.equal(error.code, "ERR_REQUEST_TIMEOUT")
      assert.match(error.message, /^timeout reached while waiting for fetchSockets response/)
      assert.equal(error.missing, 1)
      assert.deepEqual(idsOf(error.responses as { id: string }[]), remoteIds(a3, b3))
      return true
    })
  })

  behaviour("a socket of another server can be told to do what one's own does", async (t) => {
    const nsp = stage.fresh("/remote-")
    const [, far] = await stage.enter(t, nsp)
    const io = stage.a.io.of(nsp)
    const [told] = await io.in(far.remote.id).fetchSockets()
    assert.ok(told)
    far.socket.on("ask", (question: string, answer: (text: string) => void) => {
      answer(`${question}!`)
    })
    const heard = await stage.hear(() => {
      told.join(["x", "y"])
      io.to("x").emit("x")
      told.leave("x")
      io.to("x").emit("x")
      io.to("y").emit("y")
      told.emit("e", 1)
    }, [far])
    assert.deepEqual(heard, [[["x"], ["y"], ["e", 1]]])
    assert.equal(await told.timeout(10_000).emitWithAck("ask", "why"), "why!")
    const { remote } = far
    const gone = new Promise((resolve) => remote.once("disconnect", resolve))
    told.disconnect()
    assert.equal(await gone, "server namespace disconnect")
    assert.deepEqual(await io.in(told.id).fetchSockets(), [])
  })

  behaviour("allSockets(), sockets() and count() see all servers", async () => {
    const { a, b, a1, b1, b2, c1 } = stage
    const [x, y] = [stage.fresh(), stage.fresh()]
    await Promise.all([a1.remote.join(x), b1.remote.join([x, y]), c1.remote.join(y)])
    const adapter = a.adapter()
    assert.deepEqual(sorted(await b.io.allSockets()), remoteIds(...stage.clients))
    assert.deepEqual(sorted(await b.io.in(x).allSockets()), remoteIds(a1, b1))
    assert.deepEqual(sorted(await adapter.sockets(new Set())), remoteIds(...stage.clients))
    assert.deepEqual(sorted(await adapter.sockets(new Set([y]))), remoteIds(b1, c1))
    assert.deepEqual(
      sorted(await adapter.sockets(new Set([b2.remote.id, x]))),
      remoteIds(a1, b1, b2),
    )
    assert.deepEqual(await adapter.sockets(new Set([stage.fresh()])), new Set())
    assert.equal(await adapter.count(), 5)
    assert.equal(await adapter.count([x, y]), 3)
    assert.equal(await adapter.count([stage.fresh()]), 0)
  })

  behaviour("allRooms() sees all servers", async (t) => {
    const nsp = stage.fresh("/rooms-")
    const clients = await stage.enter(t, nsp)
    await Promise.all(clients.map(({ remote }, index) => remote.join(["all", `only ${index}`])))
    const ids = clients.map(({ remote }) => remote.id)
    const expected = ["all", "only 0", "only 1", "only 2", ...ids].toSorted()
    const rooms = await stage.b.adapter(nsp).allRooms()
    assert.deepEqual(Array.from(rooms, String).toSorted(), expected)
  })

  behaviour("serverCount() tells how many servers have a namespace", async () => {
    const nsp = stage.fresh("/counted-")
    for (const [index, server] of stage.servers.entries()) {
      server.io.of(nsp)
      await server.adapter(nsp).subscribed()
      assert.equal(await stage.a.adapter(nsp).serverCount(), index + 1)
    }
    assert.equal(await stage.c.adapter().serverCount(), 3)
    await stage.b.adapter(nsp).close()
    assert.equal(await stage.a.adapter(nsp).serverCount(), 2)
  })

  behaviour("one socket can be told to join and leave, wherever it is", async () => {
    const { a, a1, b1 } = stage
    for (const { remote } of [a1, b1]) {
      const room = stage.fresh()
      await a.adapter().remoteJoin(remote.id, room)
      assert.ok(remote.rooms.has(room))
      await a.adapter().remoteLeave(remote.id, room)
      assert.ok(!remote.rooms.has(room))
    }
  })

  for (const close of [false, true]) {
    const what = close ? "and its connection be closed" : "without its connection"
    behaviour(`one socket can be disconnected ${what}, wherever it is`, async (t) => {
      const nsp = stage.fresh("/ended-")
      for (const { remote, socket } of await stage.enter(t, nsp)) {
        const { conn } = remote
        const gone = new Promise((resolve) => socket.once("disconnect", resolve))
        const closed = once(conn, "close")
        await stage.a.adapter(nsp).remoteDisconnect(remote.id, close)
        assert.equal(remote.connected, false)
        assert.equal(await gone, "io server disconnect")
        // A client that has no other namespace closes the connection itself.
        assert.equal((await closed)[0], close ? "forced close" : "transport close")
      }
    })
  }

  behaviour("a socket that is nowhere is asked for in vain", async (t) => {
    const nsp = stage.fresh("/hasty-")
    await stage.enter(t, nsp, [stage.a, stage.b])
    const adapter = stage.a.adapter(nsp)
    const asked = {
      remoteJoin: adapter.remoteJoin("nobody", "room"),
      remoteLeave: adapter.remoteLeave("nobody", "room"),
      remoteDisconnect: adapter.remoteDisconnect("nobody"),
    }
    const refused = Object.entries(asked).map(([operation, asking]) =>
      assert.rejects(asking, (error: Failure) => {
        assert.equal(error.code, "ERR_REQUEST_TIMEOUT")
        const text = `timeout reached while waiting for ${operation} response`
        assert.ok(error.message.startsWith(text), error.message)
        return true
      }),
    )
    await Promise.all(refused)
  })
}

type Failure = Error & { code: string; missing: number; responses: unknown }
