// What other servers ask and answer: however much it is, whoever they say to be, it is done or refused, and forgotten.
import assert from "node:assert/strict"
import { after, before, describe, it } from "node:test"
import { setTimeout } from "node:timers/promises"
import type { RequestError } from "socket.io-redis-edge"
import { type Client, TestServer } from "./support/cluster.ts"
import { forms, RawPeer, type RawRequest } from "./support/raw-peer.ts"
import { type RedisServer, startRedis } from "./support/redis-server.ts"

const timeout = 60_000
const requestsTimeout = 300

const filter = { rooms: [] as string[], except: [] as string[] }
const namesOf = (count: number) => Array.from({ length: count }, (_, index) => `room ${index}`)

let redis: RedisServer
let peer: RawPeer, second: RawPeer

before(async () => {
  redis = await startRedis()
  peer = new RawPeer(redis.port)
  second = new RawPeer(redis.port)
})
after(async () => {
  for (const one of [peer, second]) one.close()
  await redis[Symbol.asyncDispose]()
})

for (const subscriptionMode of ["pattern", "exact"] as const) {
  describe(`another server, with ${subscriptionMode} subscriptions`, () => {
    let server: TestServer
    let client: Client
    before(async () => {
      const options = { requestsTimeout, subscriptionMode }
      server = await TestServer.startWithRedis("redis6", redis.port, {}, options)
      client = await server.connect()
    })
    after(() => server.close())

    /** Gives when the server has done what was published before. */
    async function done(): Promise<void> {
      await peer.broadcast("JSON", { data: ["done"] })
      await client.until("done")
      client.take()
    }

    it("asks for the sockets in a million rooms", { timeout }, async () => {
      const opts = { rooms: namesOf(1_000_000), except: namesOf(10) }
      const missed = await peer.ask({ type: 5, requestId: "many 1", opts })
      assert.deepEqual(missed.sockets, [])
      await client.remote.join("room 999999")
      const found = await peer.ask({ type: 5, requestId: "many 2", opts })
      assert.equal((found.sockets as { id: string }[])[0]?.id, client.remote.id)
      const { sockets } = await peer.ask({ type: 0, requestId: "many 3", rooms: opts.rooms })
      assert.deepEqual(sockets, [client.remote.id])
      client.remote.leave("room 999999")
    })

    // Each subscription takes promises, which node:test follows one by one.
    const most = subscriptionMode === "exact" ? 20_000 : 100_000
    it(`lets sockets join ${most} rooms, and go`, { timeout }, async () => {
      const { subscriptions } = server.adapter().stats()
      const visitor = await server.connect()
      const whom = { rooms: [visitor.remote.id], except: [] }
      await peer.request("JSON", { type: 2, opts: whom, rooms: namesOf(most) })
      await done()
      assert.equal(visitor.remote.rooms.size, most + 1)
      assert.equal(server.adapter().rooms.size, most + 2)
      await peer.request("JSON", { type: 4, opts: whom, close: true })
      await done()
      assert.equal(server.adapter().rooms.size, 1)
      while (server.adapter().stats().subscriptions > subscriptions) await setTimeout(20)
    })

    it("names itself and its requests at any length", { timeout }, async () => {
      const requestId = "x".repeat(1 << 20)
      const answer = await peer.ask({ type: 0, requestId, rooms: [], opts: filter })
      assert.deepEqual(answer.sockets, [client.remote.id])
      // Nobody hears these answers.
      await peer.request("JSON", { type: 1, requestId, uid: requestId, named: true })
      await peer.request("JSON", { type: 1, requestId: "", uid: "" })
      await done()
    })

    it("answers twice, and counts once", { timeout }, async () => {
      const sockets = await peer.answering(twice("AAAAAA"), () =>
        second.answering(twice("BBBBBB"), () => server.io.fetchSockets()),
      )
      const ids = sockets.map(({ id }) => id).toSorted()
      assert.deepEqual(ids, ["AAAAAA", "BBBBBB", client.remote.id].toSorted())
    })

    it("answers in the name of another one", { timeout }, async () => {
      const asking = peer.answering(asAnother("a"), () =>
        second.answering(asAnother("b"), () => server.adapter().allRooms()),
      )
      await assert.rejects(asking, (error: RequestError<Set<string>>) => {
        assert.equal(error.code, "ERR_REQUEST_TIMEOUT")
        assert.equal(error.missing, 1)
        return error.responses.has(client.remote.id)
      })
    })

    it("asks in the name of the one that it asks", { timeout }, async () => {
      const { echo } = server.adapter().stats()
      const { uid } = server.adapter()
      for (const form of forms) {
        await peer.request(form, { uid, type: 4, opts: filter, close: true })
        await peer.request(form, { type: 2, opts: filter, rooms: ["mine"], uid })
      }
      await done()
      assert.equal(server.adapter().stats().echo - echo, 4)
      assert.ok(client.socket.connected)
      assert.equal(client.remote.rooms.has("mine"), false)
    })

    it("asks for what is not a type", { timeout }, async () => {
      const types = [-1, 10, 255, 2 ** 31, 2 ** 53, 2.5, -0.5, "2", "4", true, [4], {}, null]
      const { malformed, foreign, requests } = server.adapter().stats()
      for (const form of forms) {
        for (const type of types) {
          await peer.request(form, { type, opts: filter, rooms: ["none"], close: true })
        }
      }
      await done()
      const later = server.adapter().stats()
      assert.equal(
        later.malformed - malformed + later.foreign - foreign,
        forms.length * types.length,
      )
      assert.equal(later.requests, requests)
      assert.equal(client.remote.rooms.has("none"), false)
      assert.ok(client.socket.connected)
    })

    it("counts what cannot be counted", { timeout }, async () => {
      const counts = [-1, 1.5, 1e308, "1", null, [], {}]
      for (const count of counts) {
        const ask = () =>
          server
            .adapter()
            .count("nobody's")
            .catch((error: RequestError) => error)
        const answer = ({ requestId }: RawRequest) => [JSON.stringify({ requestId, count })]
        const counted = peer.answering(answer, ask)
        const acknowledging = server.io.to("nobody's").timeout(300).emitWithAck("ask")
        for (const clientCount of counts) {
          await peer.publish("socket.io-response#/#", JSON.stringify({ type: 8, clientCount }))
        }
        await acknowledging.catch(() => {})
        const outcome = await counted
        if (typeof outcome === "number") assert.equal(outcome, count)
        else assert.equal(outcome.code, "ERR_REQUEST_TIMEOUT")
      }
      assert.equal(server.adapter().stats().openRequests, 0)
    })
  })
}

/** Answers with a socket, two times. */
function twice(uid: string) {
  return ({ requestId }: RawRequest) => {
    const socket = { id: uid, handshake: {}, rooms: [], data: {} }
    return Array.from({ length: 2 }, () => JSON.stringify({ requestId, sockets: [socket], uid }))
  }
}

/** Answers with a room, always as the same server. */
function asAnother(room: string) {
  return ({ requestId }: RawRequest) => [
    JSON.stringify({ requestId, rooms: [room], uid: "BBBBBB" }),
  ]
}
