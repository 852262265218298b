// A listener of the application that throws. The published streams adapter reads the same entry again and again
// then; with ours the error goes where Node sends a listener's errors, once, and the next message is delivered.
import assert from "node:assert/strict"
import { describe, it, type TestContext } from "node:test"
import { setTimeout as delay } from "node:timers/promises"
import type { ClientName } from "../../node/support/clients.ts"
import { refuseUnhandledRejections } from "../../node/support/drivers.ts"
import { startGuardedRedis } from "../support/acl.ts"
import { Ear } from "../support/ear.ts"
import { type ServerProcess, startProcess } from "../support/process.ts"
import { absent, nameOf, packageOf, startServer } from "../support/servers.ts"
import { addEntry, wires } from "../support/wire.ts"

refuseUnhandledRejections()

const timeout = 60_000
const KEY = "socket.io"
/** For how long the published adapter is watched, in milliseconds. */
const WINDOW = 1_000
/** How long errors are waited for that are to be uncaught, in milliseconds. */
const PATIENCE = 5_000
/** One client of each kind: they do different things with what is thrown into them. */
const families = ["redis3", "redis6", "ioredis6"] as const
/** In each, the listener of the event of its name throws. */
const rooms = ["create-room", "join-room", "leave-room", "delete-room"] as const

describe("a message whose handling throws", { concurrency: true }, () => {
  for (const client of ["redis6", "ioredis6"] as const) {
    const skip = absent("streams")
    const name = `${nameOf("streams")} with ${packageOf(client)}`

    it(`stops ${name}, if it is an entry of another form`, { timeout, skip }, async (t) => {
      const { xreads, heard } = await stopped(t, client, 3, {})
      t.diagnostic(`${xreads} times XREAD in 1 s by ${name}, and ${heard} of 1 delivered after it`)
      assert.ok(xreads > 50)
      assert.equal(heard, 0)
    })

    it(`stops ${name}, if a listener throws`, { timeout, skip }, async (t) => {
      const theirs = await stopped(t, client, 9, { packet: ["boom"] })
      const ours = await throwing(t, client)
      t.diagnostic(
        `1 call of the listener and ${ours} messages after it delivered by ours; ${theirs.calls} calls, ` +
          `${theirs.xreads} times XREAD in 1 s and ${theirs.heard} of 1 by ${name}`,
      )
      assert.ok(theirs.xreads > 50)
      assert.ok(theirs.calls > 50)
      assert.equal(theirs.heard, 0)
    })
  }

  for (const client of families) {
    it(`is handled once by ours with ${client}`, { timeout }, async (t) => {
      const delivered = await throwing(t, client)
      t.diagnostic(`${delivered} messages after errors delivered by ours with ${packageOf(client)}`)
    })
  }
})

/** What the streams adapter does in a second in which it has met an entry of a type with such data. */
async function stopped(t: TestContext, client: ClientName, type: number, data: object) {
  const redis = await startGuardedRedis(t)
  const process = { adapter: "streams", client, port: redis.port, key: KEY } as const
  await using server = await startProcess({ ...process, survives: true, throws: true })
  const ear = new Ear((await server.connect()).socket)
  const { event, send } = wires.streams
  const say = (name: string) => send(redis.control, KEY, event(name))
  assert.ok(await ear.calls("begin", () => say("begin")), "it hears")
  const xreads = async () => (await redis.calls()).get("xread") ?? 0
  await addEntry(redis.control, KEY, type, JSON.stringify(data))
  await say("end")
  const [earlier, callsEarlier] = [await xreads(), await server.ask("calls")]
  const heard = await ear.hears("end", WINDOW)
  const [later, calls] = [await xreads(), await server.ask("calls")]
  return { xreads: later - earlier, calls: calls - callsEarlier, heard: Number(heard) }
}

/**
 * What listeners throw in a server process of ours reaches nobody but the process, and that once. How many
 * messages that were sent after such errors are delivered, of how many.
 */
async function throwing(t: TestContext, client: ClientName): Promise<string> {
  const redis = await startGuardedRedis(t)
  const options = { adapter: "ours", client, port: redis.port, key: KEY } as const
  await using server = await startProcess({ ...options, survives: true, throws: true })
  const { socket } = await server.connect()
  socket.on("ask", (answer: (text: string) => void) => answer("a client"))
  const other = await startServer(options)
  t.after(() => other.close())
  other.io.on("ask", (answer: (text: string) => void) => answer("a server"))
  await other.adapter().subscribed()
  const ear = new Ear(socket)
  assert.ok(await ear.calls("begin", async () => other.io.emit("begin")), "it hears the other one")

  const hazards: [action: () => unknown, ...errors: string[]][] = [
    [() => other.io.serverSideEmit("boom"), "a listener of serverSideEmit()"],
    [() => other.io.emit("boom"), "a listener of outgoing packets"],
    [() => other.io.to(socket.id as string).emit("boom"), "a listener of outgoing packets"],
    [() => other.io.socketsJoin(rooms[0]), "a listener of create-room"],
    [() => other.io.socketsJoin(rooms[1]), "a listener of join-room"],
    [() => other.io.socketsJoin(rooms.slice(2))],
    [() => other.io.socketsLeave(rooms[2]), "a listener of leave-room"],
    [() => other.io.socketsLeave(rooms[3]), "a listener of delete-room"],
    [() => server.ask("askClients", "ask"), "an acknowledgement"],
    [() => server.ask("askServers", "ask"), "an answer of a server"],
  ]
  const expected: string[] = []
  for (const [index, [action, ...errors]] of hazards.entries()) {
    await action()
    expected.push(...errors)
    other.io.to([...rooms, socket.id as string]).emit(`next ${index}`)
    assert.ok(await ear.hears(`next ${index}`), `the next message, after ${errors.join(" and ")}`)
    assert.deepEqual(await uncaught(server, expected.length), expected)
  }
  other.io.to(rooms[0]).to(rooms[1]).emit("to those that joined")
  assert.ok(await ear.hears("to those that joined"))
  assert.equal(await server.ask("calls"), 1)
  const next = hazards.map((_, index) => `next ${index}`)
  assert.equal(ear.count(next), next.length)
  return `${ear.count(next)} of ${next.length}`
}

/** What nobody caught in a server process, once it is so much, or in the end; some comes in its own time. */
async function uncaught(server: ServerProcess, least: number): Promise<string[]> {
  const deadline = performance.now() + PATIENCE
  for (;;) {
    const errors = await server.ask("uncaught")
    if (errors.length >= least || performance.now() > deadline) return errors
    await delay(10)
  }
}
