import assert from "node:assert/strict"
import { Redis } from "ioredis5"
import type { Socket } from "socket.io"
import { malformed } from "../node/support/messages.ts"
import { markersHeard, type SoakServer, type World } from "./world.ts"

/** One kind of load. */
export interface Task {
  readonly name: string
  /** How many there are of it in a whole soak. */
  readonly total: number
  /** Does so many, at least one batch; `done` is told of each that is behind it. */
  run(world: World, count: number, done: (count: number) => void): Promise<void>
}

/** What the servers of this package have, and perhaps those of another package not. */
interface Adapter {
  allRooms(): Promise<unknown>
  count?(rooms: Iterable<string>): Promise<unknown>
  remoteJoin?(id: string, room: string): Promise<unknown>
  remoteDisconnect?(id: string, close: boolean): Promise<unknown>
  close(): Promise<void> | void
  subscribed?(): Promise<void>
}

const adapterOf = (server: SoakServer, nsp = "/") => server.io.of(nsp).adapter as unknown as Adapter

let names = 0
const newName = (kind: string) => `${kind} ${++names}`
const newNames = (kind: string, count: number) => Array.from({ length: count }, () => newName(kind))

/** Data of events: mostly small, now and then large or binary. */
const SMALL = { id: 1, text: "what most events are like", list: [1, 2.5, null, true] }
const LONG = {
  text: "x".repeat(8_000),
  list: Array.from({ length: 200 }, (_, index) => ({ index })),
}
const BINARY = Buffer.alloc(5_000, "binary")
const HUGE = { text: "é".repeat(200_000) }

export const tasks: readonly Task[] = [
  { name: "joins and leaves", total: 1_000_000, run: joins },
  { name: "messages", total: 1_000_000, run: messages },
  { name: "requests that time out", total: 100_000, run: requests },
  { name: "namespaces", total: 10_000, run: namespaces },
  { name: "broadcasts with acknowledgements", total: 100_000, run: acknowledgements },
  { name: "server-side events with answers", total: 100_000, run: serverSideEvents },
  { name: "malformed messages", total: 100_000, run: damage },
]

/** Sockets that stay join and leave, others come and go, and servers do it to each other's. */
async function joins(world: World, count: number, done: (count: number) => void): Promise<void> {
  const { servers } = world
  for await (const [batch, size] of batches(count, 5_000, done)) {
    const [mover, other] = pick(servers, batch)
    const sockets = [...mover.nsp.sockets.values()].slice(1)
    const each = Math.ceil(size / (2 * sockets.length))
    const joined = sockets.map((socket) => ({ socket, rooms: newNames("room", each) }))
    const heard = joined.map(({ socket, rooms }) => socket.join(rooms))
    // With exact subscriptions, what is left at once is never subscribed to.
    if (batch % 2 === 0) await Promise.all(heard)
    for (const { socket, rooms } of joined) for (const room of rooms) void socket.leave(room)

    const visitors = Array.from({ length: 10 }, () => mover.connect("/", "deaf"))
    await connected(mover, sockets.length + 1 + visitors.length)
    for (const socket of [...mover.nsp.sockets.values()].slice(-visitors.length)) {
      void socket.join(newNames("room", Math.ceil(size / 40)))
    }
    const rooms = newNames("room", Math.ceil(size / (4 * sockets.length)))
    other.io.in("room1").socketsJoin(rooms)
    other.io.in("room1").socketsLeave(rooms)
    await markersHeard(world)
    for (const visitor of visitors) visitor.leave()
  }
}

/** Every server sends, the others receive; some go to rooms that nobody or not everybody has. */
async function messages(world: World, count: number, done: (count: number) => void): Promise<void> {
  for await (const [batch, size] of batches(count, 2_000, done)) {
    const [{ io }] = pick(world.servers, batch)
    for (let index = 1; index <= size; index++) {
      const data = index % 50 === 0 ? LONG : index % 73 === 0 ? BINARY : SMALL
      if (index % 7 === 0) io.to(newName("nobody's")).emit("event", data)
      else if (index % 5 === 0) io.to(["room1", "room3"]).except("room2").emit("event", data, index)
      else if (index % 3 === 0) io.volatile.to("room2").emit("event", data)
      else io.emit("event", index, data)
    }
    if (batch % 10 === 0) io.emit("event", HUGE)
    await markersHeard(world)
  }
}

/** Redis counts a server that never answers: nothing that is asked comes to a good end. */
async function requests(world: World, count: number, done: (count: number) => void): Promise<void> {
  const frozen = new Redis((world.outsider.options as { port: number }).port)
  await frozen.subscribe("socket.io-request#/#")
  for await (const [batch, size] of batches(count, 5_000, done)) {
    const [server] = pick(world.servers, batch)
    const adapter = adapterOf(server)
    const ask = [
      () => server.io.fetchSockets(),
      () => (adapter.count ?? adapter.allRooms).call(adapter, ["room1"]),
      () => adapter.allRooms(),
      () => (adapter.remoteJoin ?? adapter.allRooms).call(adapter, "nobody", "room"),
      () => server.io.in("room1").fetchSockets(),
      () => (adapter.remoteDisconnect ?? adapter.allRooms).call(adapter, "nobody", false),
    ]
    const asked = Array.from({ length: size }, (_, index) => ask[index % ask.length]?.())
    const ended = await Promise.allSettled(asked)
    const timedOut = ended.filter(({ status }) => status === "rejected")
    assert.equal(timedOut.length, size, "requests were answered without the frozen server")
  }
  frozen.disconnect()
}

/** Namespaces of one server or of two, with a client or without, closed early or late; and dynamic ones. */
async function namespaces(
  world: World,
  count: number,
  done: (count: number) => void,
): Promise<void> {
  const { servers } = world
  for await (const [batch, size] of batches(count, 200, done)) {
    const [server, other] = pick(servers, batch)
    const dynamic = newNames("/dynamic", size >> 1)
    const visitors = dynamic.map((nsp) => server.connect(nsp, "deaf"))
    const closing: unknown[] = []
    await Promise.all(
      newNames("/static", size - (size >> 1)).map(async (nsp, index) => {
        const visitor = index % 4 === 0 ? server.connect(nsp, "deaf") : undefined
        const owners = index % 2 === 0 ? [server, other] : [server]
        for (const { io } of owners) io.of(nsp)
        if (index % 3 === 0) await adapterOf(server, nsp).subscribed?.()
        server.io.of(nsp).emit("event", SMALL)
        // It is closed while it waits for an answer.
        if (index % 6 === 0)
          void adapterOf(server, nsp)
            .allRooms()
            .catch(() => {})
        visitor?.leave()
        for (const owner of owners) {
          closing.push(adapterOf(owner, nsp).close())
          owner.namespaces.delete(nsp)
        }
      }),
    )
    await Promise.all(closing)
    await markersHeard(world)
    for (const visitor of visitors) visitor.leave()
    // The core's part of an adapter is freed when that is collected, and no sooner.
    globalThis.gc?.()
  }
}

/** Some clients answer, others never do. */
async function acknowledgements(
  world: World,
  count: number,
  done: (count: number) => void,
): Promise<void> {
  for await (const [batch, size] of batches(count, 1_000, done)) {
    const [server] = pick(world.servers, batch)
    const asked = Array.from({ length: size }, (_, index) => {
      const whom = server.io.timeout(200)
      const asking = index % 2 === 0 ? whom : whom.to(["room1", "room2"])
      return asking.emitWithAck("ask", index % 50 === 0 ? BINARY : index).catch(() => {})
    })
    await Promise.all(asked)
  }
}

const answering = (_: unknown, callBack?: (value: unknown) => void) => callBack?.({ yes: true })
const silent = () => {}

/** The listeners of one server call back, those of another keep what they could call back with. */
async function serverSideEvents(
  world: World,
  count: number,
  done: (count: number) => void,
): Promise<void> {
  for await (const [batch, size] of batches(count, 5_000, done)) {
    const [asking, first, second] = pick(world.servers, batch)
    first.io.on("ask", answering)
    second.io.on("ask", silent)
    const asked = Array.from({ length: size }, async (_, index) => {
      if (index % 4 === 0) asking.io.serverSideEmit("ask", index)
      else await asking.io.serverSideEmitWithAck("ask", SMALL).catch(() => {})
    })
    await Promise.all(asked)
    await markersHeard(world)
    first.io.off("ask", answering)
    second.io.off("ask", silent)
  }
}

/** What no server sends, on each channel that one listens to. */
async function damage(world: World, count: number, done: (count: number) => void): Promise<void> {
  const channels = [
    "socket.io#/#",
    "socket.io#/#room1#",
    "socket.io-request#/#",
    "socket.io-response#/#",
  ]
  let next = 0
  for await (const [, size] of batches(count, 2_000, done)) {
    const publishing = Array.from({ length: size }, () => {
      const [, message] = malformed[next++ % malformed.length] as [string, Buffer]
      const channel = channels[Math.floor(next / malformed.length) % channels.length] as string
      return world.outsider.publish(channel, message)
    })
    await Promise.all(publishing)
    await markersHeard(world)
  }
}

/** The numbers and sizes of the batches that make up a count. */
async function* batches(
  count: number,
  most: number,
  done: (count: number) => void,
): AsyncGenerator<[number: number, size: number]> {
  for (let number = 0, left = count; left > 0; number++) {
    const size = Math.min(most, left)
    yield [number, size]
    left -= size
    done(size)
  }
}

type Turn = [one: SoakServer, other: SoakServer, third: SoakServer]

/** The servers, another one in front for each number. */
function pick(servers: readonly SoakServer[], number: number): Turn {
  return [0, 1, 2].map((index) => servers[(number + index) % servers.length]) as Turn
}

/** Gives when a server has so many sockets. */
async function connected({ nsp }: SoakServer, count: number): Promise<void> {
  while (nsp.sockets.size < count) {
    await new Promise<Socket>((resolve) => nsp.once("connection", resolve))
  }
}
