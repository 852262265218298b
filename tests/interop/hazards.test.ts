// What goes wrong between published packages on one Redis, and does not with ours; the published package's
// fault is shown beside ours.
import assert from "node:assert/strict"
import { Buffer } from "node:buffer"
import { once } from "node:events"
import { describe, it } from "node:test"
import { Redis } from "ioredis5"
import type { RequestError } from "socket.io-redis-edge"
import { startRedis } from "../node/support/redis-server.ts"
import * as peers from "./peers.ts"
import { startProcess } from "./process.ts"
import { event, Scene } from "./scene.ts"
import type { Member } from "./sites.ts"

const timeout = 30_000
/** How long answers are waited for that do not come, in milliseconds. */
const brief = 300

const { adapter7, adapter8, ours, redis5, redis6, redis6on3 } = peers

describe("next to a server that cannot read what is new", () => {
  for (const name of ["redis6", "redis6on3", "redis5"] as const) {
    const old = peers.nameOf(peers.byName[name])
    it(`ours leaves ${old} alone, 8.3.0 crashes it`, { timeout }, async () => {
      await using redis = await startRedis()
      await using server = await startProcess(name, redis.port)
      await using asking = await ours.start(redis.port, { requestsTimeout: brief })
      await peers.subscribed(redis.port, 2)
      const [there, here] = await Promise.all([server.connect(), asking.connect()])
      here.socket.on("ask", (answer: (text: string) => void) => answer("here"))
      await assert.rejects(asking.io.timeout(brief).emitWithAck("ask"), { responses: ["here"] })
      asking.io.serverSideEmit("hello")
      await assert.rejects(asking.io.serverSideEmitWithAck("ask"), { responses: [] })
      asking.io.in("nobody's").socketsJoin("new")
      asking.io.in("nobody's").socketsLeave("x")
      asking.io.in("nobody's").disconnectSockets(true)
      await Promise.allSettled([asking.io.fetchSockets(), asking.io.allSockets()])
      asking.io.to("x").emit(...event)
      await there.until("e")
      assert.deepEqual(there.take(), [event])

      await using published = await adapter8.start(redis.port)
      await peers.subscribed(redis.port, 3)
      published.io.timeout(brief).emit("ask", () => {})
      assert.notEqual(await server.ended, 0)
    })
  }
})

describe("a request of version 6, which does not say who asks", () => {
  const options = { publishOnSpecificResponseChannel: true }

  for (const old of [redis6, redis6on3]) {
    it(`8.3.0 answers ${peers.nameOf(old)} where nobody listens`, { timeout }, async () => {
      await using redis = await startRedis()
      await using answering = await adapter8.start(redis.port, options)
      await using asking = await old.start(redis.port, { requestsTimeout: brief })
      await peers.subscribed(redis.port, 2)
      await using scene = await Scene.set(asking, [answering])
      await assert.rejects(scene.adapter.allRooms(), /timeout/)
    })
  }
})

describe("binary data of version 5, in packets of another type", () => {
  for (const published of [adapter8, adapter7, redis6, redis6on3]) {
    it(`${peers.nameOf(published)} disconnects its clients`, { timeout }, async () => {
      await using redis = await startRedis()
      await using sending = await redis5.start(redis.port)
      await using receiving = await published.start(redis.port)
      await peers.subscribed(redis.port, 2)
      const member = await receiving.connect()
      sending.io.emit("e", Buffer.from("binary"))
      assert.equal(await member.gone, "parse error")
    })
  }
})

describe("the requests of version 5, whose numbers mean other things since", () => {
  it("do no harm to ours", { timeout }, async () => {
    await using redis = await startRedis()
    await using server = await startProcess("ours", redis.port)
    const member = await server.connect()
    const { id } = member
    await Promise.all(
      [
        (adapter: Adapter5, done: () => void) => adapter.remoteJoin(id, "x", done),
        (adapter: Adapter5, done: () => void) => adapter.remoteLeave(id, "y", done),
        (adapter: Adapter5, done: () => void) => adapter.remoteDisconnect("nobody", true, done),
        (adapter: Adapter5, done: () => void) => adapter.clients(done),
        (adapter: Adapter5, done: () => void) => adapter.clientRooms(id, done),
        (adapter: Adapter5, done: () => void) => adapter.allRooms(done),
        (adapter: Adapter5, done: () => void) => adapter.customRequest({ any: "data" }, done),
      ].map((request) => ask(redis.port, request)),
    )
    assert.deepEqual(await heardInRoom(redis.port, member), [["in the room"], ["to all"]])
  })

  it("do harm to 8.3.0", { timeout }, async () => {
    await using redis = await startRedis()
    await using server = await startProcess("adapter8", redis.port)
    const member = await server.connect()
    await ask(redis.port, (adapter, done) => adapter.remoteJoin(member.id, "x", done))
    assert.deepEqual(await heardInRoom(redis.port, member), [["to all"]])
    await ask(redis.port, (adapter, done) => adapter.remoteLeave(member.id, "y", done))
    assert.equal(await member.gone, "io server disconnect")
    await ask(redis.port, (adapter, done) => adapter.customRequest({ any: "data" }, done))
    assert.notEqual(await server.ended, 0)
  })
})

describe("a question to servers of which one does not answer", () => {
  const options = { requestsTimeout: brief }

  it("ours tells what the others answered, 8.3.0 does not", { timeout }, async () => {
    await using redis = await startRedis()
    await using silent = await redis5.start(redis.port)
    await using first = await ours.start(redis.port, options)
    await using second = await adapter8.start(redis.port, options)
    await peers.subscribed(redis.port, 3)
    const members = [await first.connect(), await second.connect(), await silent.connect()]
    const known = members.slice(0, 2).map(({ id }) => id)
    await assert.rejects(first.io.fetchSockets(), (error: RequestError<{ id: string }[]>) => {
      assert.equal(error.code, "ERR_REQUEST_TIMEOUT")
      assert.equal(error.missing, 1)
      assert.deepEqual(
        error.responses.map(({ id }) => id),
        known,
      )
      return true
    })
    await assert.rejects(second.io.fetchSockets(), (error: object) => !("responses" in error))
  })

  it("ours does not wait for one that dies meanwhile", { timeout }, async () => {
    await using redis = await startRedis()
    await using dying = await startProcess("adapter8", redis.port)
    await using asking = await ours.start(redis.port)
    await using answering = await adapter8.start(redis.port)
    await peers.subscribed(redis.port, 3)
    const members = [await asking.connect(), await answering.connect()]
    // By a pattern, which does not count as a server.
    const watcher = new Redis(redis.port)
    await watcher.psubscribe("socket.io-request#/#")
    dying.signal("SIGSTOP")
    const asked = asking.io.fetchSockets()
    await once(watcher, "pmessage")
    watcher.disconnect()
    dying.signal("SIGKILL")
    await dying.ended
    const killed = Date.now()
    const found = await asked
    assert.ok(Date.now() - killed < 1_000)
    assert.deepEqual(
      found.map(({ id }) => id),
      members.map(({ id }) => id),
    )
  })
})

describe("namespaces with characters that mean something in a pattern", () => {
  for (const nsp of ["/a[b]", "/a*", "/a?", "/a\\b", "/[^a-c]"]) {
    it(`ours hears the others in ${nsp}`, { timeout }, async () => {
      await using redis = await startRedis()
      await using receiving = await ours.start(redis.port)
      await using sending = await ours.start(redis.port)
      await using published = await adapter8.start(redis.port)
      for (const { io } of [receiving, sending, published]) io.of(nsp)
      await peers.subscribed(redis.port, 3, { nsps: [nsp] })
      const member = await receiving.connect(nsp)
      for (const { io } of [sending, published]) {
        io.of(nsp).emit(...event)
        await member.until("e")
        assert.deepEqual(member.take(), [event])
      }
    })
  }

  for (const nsp of ["/a[b]", "/a\\b", "/[^a-c]"]) {
    it(`8.3.0 hears nobody in ${nsp}`, { timeout }, async () => {
      await using redis = await startRedis()
      await using receiving = await adapter8.start(redis.port)
      await using sending = await adapter8.start(redis.port)
      for (const { io } of [receiving, sending]) io.of(nsp)
      await peers.subscribed(redis.port, 2, { nsps: [nsp] })
      const member = await receiving.connect(nsp)
      sending.io.of(nsp).emit(...event)
      // Requests, which need no pattern, come after it on the same connection.
      const answers = await sending.io.of(nsp).fetchSockets()
      assert.deepEqual(
        answers.map(({ id }) => id),
        [member.id],
      )
      receiving.io.of(nsp).emit("end")
      await member.until("end")
      assert.deepEqual(member.take(), [["end"]])
    })
  }
})

/** The methods of its adapter, which are those of no other. */
interface Adapter5 {
  remoteJoin(sid: string, room: string, done: () => void): void
  remoteLeave(sid: string, room: string, done: () => void): void
  remoteDisconnect(sid: string, close: boolean, done: () => void): void
  clients(done: () => void): void
  clientRooms(sid: string, done: () => void): void
  allRooms(done: () => void): void
  customRequest(data: unknown, done: () => void): void
}

/** Has a server of version 5 ask something about a client of another server's, and wait for the end. */
async function ask(
  port: number,
  request: (adapter: Adapter5, done: () => void) => void,
): Promise<void> {
  await using asking = await redis5.start(port, { requestsTimeout: brief })
  await peers.subscribed(port, 2)
  const adapter = asking.io.of("/").adapter as unknown as Adapter5
  await new Promise<void>((done) => request(adapter, done))
}

/** What a client of the room "x" hears that is sent there. */
async function heardInRoom(port: number, member: Member): Promise<unknown[]> {
  await using sending = await redis5.start(port)
  sending.io.to("x").emit("in the room")
  sending.io.emit("to all")
  await member.until("to all")
  return member.take()
}
