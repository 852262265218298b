import assert from "node:assert/strict"
import type { TestServer } from "../../node/support/cluster.ts"
import { behaviour, type Stage, until } from "../stage.ts"

const ROUNDS = 100

/** A subscription for each room, in place of one for all rooms of a namespace. */
export function exact(stage: Stage): void {
  const { environment } = stage

  behaviour("only rooms that hold sockets are subscribed to", async (t) => {
    const nsp = stage.fresh("/exact-")
    const [one, two, three] = await stage.enter(t, nsp)
    const ours = `${environment.key}#${nsp}#`
    const rooms = async () => {
      const channels = await environment.channels()
      return channels.filter((name) => name.startsWith(ours)).map((name) => name.slice(ours.length))
    }
    const own = await rooms()
    const joining = [one.remote.join(["x", "y"]), two.remote.join("y"), three.remote.join("é#")]
    await Promise.all(joining)
    assert.deepEqual(await rooms(), [...own, "x#", "y#", "é##"].toSorted())
    one.remote.leave("y")
    one.remote.leave("x")
    const ids = `${three.remote.id}#`
    three.socket.disconnect()
    const left = async () => {
      const names = await rooms()
      return !["x#", "é##", ids].some((name) => names.includes(name))
    }
    await until(left)
    assert.deepEqual(await rooms(), [...own, "y#"].filter((name) => name !== ids).toSorted())
    assert.equal(await environment.receivers(`${ours}z#`), 0)
  })

  behaviour("a socket that has joined hears what is sent right after", async () => {
    const { a, b1 } = stage
    for (let round = 0; round < ROUNDS; round++) {
      const room = stage.fresh()
      await b1.remote.join(room)
      a.io.to(room).emit("joined", round)
    }
    await b1.until("joined", ROUNDS)
    const numbers = b1.take().map(([, number]) => number)
    assert.deepEqual(
      numbers,
      Array.from({ length: ROUNDS }, (_, number) => number),
    )
  })

  behaviour("a room that empties and is filled again loses nothing", async () => {
    const { a, b1, b2 } = stage
    const room = stage.fresh()
    for (let round = 0; round < ROUNDS; round++) {
      // Now one socket comes back, now another one takes its place, now nobody for a while.
      const [one, two] = round % 2 ? [b1, b2] : [b2, b1]
      await one.remote.join(room)
      one.remote.leave(room)
      const joining = [two.remote.join(room), one.remote.join(room)]
      if (round % 3 === 0) one.remote.leave(room)
      await Promise.all(joining)
      a.io.to(room).emit("joined", round)
      await two.until("joined")
      for (const client of [one, two]) {
        client.remote.leave(room)
        client.take()
      }
    }
  })

  behaviour("a broadcast to a room reaches only the servers that hold it", async () => {
    const { a, b1, c } = stage
    const room = stage.fresh()
    await b1.remote.join(room)
    const heard = () => {
      const { delivered, echo, foreign, malformed, unwanted } = c.adapter().stats()
      return { delivered, echo, foreign, malformed, unwanted }
    }
    const before = heard()
    const { requests } = c.adapter().stats()
    for (let round = 0; round < 10; round++) a.io.to(room).emit("e")
    await b1.until("e", 10)
    b1.take()
    // When this is answered, whatever went to its server before has arrived there.
    assert.equal(await a.adapter().count(), 5)
    assert.deepEqual(heard(), before)
    assert.ok(c.adapter().stats().requests > requests)
  })

  if (environment.published === undefined) return
  const { published } = environment

  behaviour("what published servers and emitters send arrives", async (t) => {
    const server: TestServer = await published.server()
    t.after(() => server.close())
    const emitter = await published.emitter()
    const room = stage.fresh()
    await stage.b1.remote.join(room)
    for (const [publisher, name] of [
      [server.io, "server"],
      [emitter, "emitter"],
    ] as const) {
      publisher.to(room).emit(`${name} in room`)
      publisher.of("/").emit(`${name} to all`)
      await stage.b1.until(`${name} in room`)
      await Promise.all(stage.clients.map((client) => client.until(`${name} to all`)))
    }
    const all = [["emitter to all"], ["server to all"]]
    const inRoom = [["emitter in room"], all[0], ["server in room"], all[1]]
    // On a cluster, published packages lose the order.
    const heard = stage.clients.map((client) => client.take().toSorted())
    assert.deepEqual(heard, [all, all, inRoom, all, all])
  })
}
