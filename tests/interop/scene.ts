import assert from "node:assert/strict"
import type { Server } from "socket.io"
import type { Feature } from "./features.ts"
import type { Heard, Member, ServerSite, Site } from "./sites.ts"

/** One thing that a server or emitter does to a cluster, and what it has to bring about there. */
export interface Operation {
  readonly feature: Feature
  readonly name: string
  run(scene: Scene): Promise<void>
}

/** Which sockets an adapter is to find. */
export interface Filter {
  rooms: Set<string>
  except: Set<string>
}

/** The methods of adapters that Socket.IO does not wrap, or not in all versions. */
export interface ClusterAdapter {
  addSockets(options: Filter, rooms: string[]): Promise<void>
  allRooms(): Promise<Set<string>>
  broadcastWithAck(
    packet: { type: number; data: unknown[] },
    options: Filter & { flags: object },
    countClients: (count: number) => void,
    acknowledge: (answer: unknown) => void,
  ): void
  count(rooms: string[]): Promise<number>
  delSockets(options: Filter, rooms: string[]): Promise<void>
  disconnectSockets(options: Filter, close: boolean): Promise<void>
  remoteDisconnect(sid: string, close: boolean): Promise<void>
  remoteJoin(sid: string, room: string): Promise<void>
  remoteLeave(sid: string, room: string): Promise<void>
  serverCount(): Promise<number>
  sockets(rooms: Set<string>): Promise<Set<string>>
}

/** An event as most operations emit it. */
export const event: [name: string, ...args: unknown[]] = [
  "e",
  1,
  "é",
  { list: [true, null, 0.5], empty: {} },
]

/** The number 42 where a type asks for a room's name. */
export const numericRoom = 42 as unknown as string

/** The rooms that the clients are in. Every bystander's client is in those of "b". */
const roomsOf: Record<string, (string | number)[]> = {
  s1: ["x", 42],
  s2: ["y"],
  r1: ["x", "y", "43"],
  r2: [42, "z"],
  b: ["x"],
}

let markers = 0

/**
 * A cluster of a sender, a receiver and bystanders, each with fresh clients in rooms: s1 and s2 are the
 * sender's (an emitter has none), r1 and r2 the receiver's, b1, b2 and so on one of each bystander. In
 * the names that an operation expects, "b" stands for all of the bystanders' clients.
 */
export class Scene {
  readonly sender: Site
  readonly receiver: ServerSite
  readonly #sites: readonly Site[]
  readonly #members = new Map<string, Member>()
  readonly #endings: (() => void)[] = []

  private constructor(sender: Site, others: readonly ServerSite[]) {
    const [receiver] = others
    assert.ok(receiver, "there is nobody to receive anything")
    this.sender = sender
    this.receiver = receiver
    this.#sites = [sender, ...others]
  }

  /** A scene of a sender, and of others: the first of them is the receiver. */
  static async set(sender: Site, others: readonly ServerSite[]): Promise<Scene> {
    const scene = new Scene(sender, others)
    const bystanders = others.slice(1)
    const joining = [
      scene.#join("s1", sender),
      scene.#join("s2", sender),
      scene.#join("r1", scene.receiver),
      scene.#join("r2", scene.receiver),
      ...bystanders.map((site, index) => scene.#join(`b${index + 1}`, site)),
    ]
    // Named in this order, whoever connects first.
    for (const [name, member] of await Promise.all(joining)) {
      if (member) scene.#members.set(name, member)
    }
    await scene.subscribed()
    // What was sent to the clients of an earlier scene may still be on its way.
    await scene.settle()
    for (const [, member] of scene.members) member.take()
    return scene
  }

  /** The sender's server, or the emitter. */
  get io(): Server {
    return this.sender.io
  }

  /** The sender's adapter. */
  get adapter(): ClusterAdapter {
    return this.io.of("/").adapter as unknown as ClusterAdapter
  }

  /** The servers, by the first letters of their clients' names: s, r, b1 and so on. */
  get servers(): [name: string, site: ServerSite][] {
    const names = this.#sites.map((_, index) => ["s", "r"][index] ?? `b${index - 1}`)
    return this.#sites.flatMap((site, index) =>
      site.connect ? [[names[index] ?? "", site as ServerSite]] : [],
    )
  }

  /** The clients, by their names. */
  get members(): [name: string, member: Member][] {
    return Array.from(this.#members)
  }

  /** The client of this name. */
  member(name: string): Member {
    const member = this.#members.get(name)
    assert.ok(member, `there is no client ${name}`)
    return member
  }

  /** Which of these clients are there, "b" standing for all bystanders', in the order of their making. */
  named(names: string): string[] {
    const wanted = names.split(" ")
    return this.members
      .map(([name]) => name)
      .filter((name) => wanted.includes(name) || (name.startsWith("b") && wanted.includes("b")))
  }

  /** One more client, by this name. */
  async add(name: string, connecting: Promise<Member>): Promise<Member> {
    const member = await connecting
    this.#members.set(name, member)
    return member
  }

  /** Calls this when the scene ends. */
  atEnd(ending: () => void): void {
    this.#endings.push(ending)
  }

  /**
   * Asserts which clients hear the events that an action emits, and that they are these events: all
   * that is emitted to a client is heard once, in order.
   */
  async hears(names: string, action: () => unknown, events: Heard[] = [event]): Promise<void> {
    const heard = await this.heard(action)
    const hearers = this.named(names)
    const expected = this.members.map(([name]): [string, Heard[]] => [
      name,
      hearers.includes(name) ? events : [],
    ])
    assert.deepEqual(heard, Object.fromEntries(expected))
  }

  /** What each client hears of what an action emits, by the clients' names. */
  async heard(action: () => unknown): Promise<Record<string, Heard[]>> {
    await action()
    await this.settle()
    const heard = this.members.map(([name, member]): [string, Heard[]] => [name, member.take()])
    return Object.fromEntries(heard)
  }

  /** Gives when every server hears of the rooms that its clients are in. */
  async subscribed(): Promise<void> {
    await Promise.all(this.#sites.map((site) => site.subscribed?.()))
  }

  /** Asserts which clients are in a room, when all that was asked for before is done. */
  async inRoom(room: string, names: string): Promise<void> {
    await this.settle()
    const inside = this.members.filter(([, { rooms }]) => rooms.includes(room))
    assert.deepEqual(inside.map(first), this.named(names), `in room ${room}`)
  }

  /** Asserts which clients are still connected, when all that was asked for before is done. */
  async connected(names: string): Promise<void> {
    await this.settle()
    const there = this.members.filter(([, { socket }]) => socket.connected)
    assert.deepEqual(there.map(first), this.named(names), "connected")
  }

  /**
   * Gives when everything that was published before has been acted on by every server. Each in turn
   * sends a marker that all clients hear: Redis keeps the order of one connection, and what a server
   * hears of itself comes back to it before the markers of those that answered later.
   */
  async settle(): Promise<void> {
    for (const { io } of this.#sites) {
      markers += 1
      const marker = `marker ${markers}`
      const members = this.members.map(([, member]) => member)
      for (const nsp of new Set(members.map((member) => member.nsp))) io.of(nsp).emit(marker)
      await Promise.all(members.map((member) => member.until(marker)))
      for (const member of members) member.forget(marker)
    }
  }

  /** Disconnects the clients; gives when the servers know it. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const end of this.#endings) end()
    await Promise.all(this.members.map(([, member]) => member.leave()))
  }

  async #join(name: string, site: Site): Promise<[string, Member | undefined]> {
    const member = await site.connect?.()
    const rooms = (roomsOf[name] ?? roomsOf["b"]) as string[]
    if (member) {
      await member.remote.join(rooms)
      member.remote.data = { name }
    }
    return [name, member]
  }
}

function first<T>([item]: [T, unknown]): T {
  return item
}
