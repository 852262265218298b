import { CHANGED, type Core, FREED, ROOM_CHANGED } from "../boundary.ts"
import type { Room } from "../socket-io.ts"

/** What the membership tells its adapter: the four room events of socket.io-adapter. */
export interface RoomEvents {
  emit(event: RoomEvent, room: Room, sid?: string): unknown
  listenerCount(event: RoomEvent): number
}

type RoomEvent = "create-room" | "delete-room" | "join-room" | "leave-room"

/**
 * The names behind the core's ids. Which socket is in which room is known to the core alone; a name
 * has an id for as long as it is a socket's or a room with members.
 */
export class Membership<Socket> {
  readonly core: Core
  /** The adapter's handle. */
  adapter: number
  readonly #events: RoomEvents
  readonly #find: (sid: string) => Socket | undefined
  readonly #ids = new Map<Room, number>()
  readonly #names: Room[] = []
  /** By id; filled when a socket is first wanted, since it joins rooms before it is connected. */
  readonly #sockets: (Socket | undefined)[] = []
  /** Sockets that are leaving all their rooms: listeners still see them in each, as in memory. */
  readonly #leaving = new Map<string, Set<Room>>()
  /** Rooms whose last socket has left, while listeners of that may bring in another. */
  readonly #emptied = new Set<Room>()

  constructor(
    core: Core,
    adapter: number,
    events: RoomEvents,
    find: (sid: string) => Socket | undefined,
  ) {
    this.core = core
    this.adapter = adapter
    this.#events = events
    this.#find = find
  }

  /** Every name that has an id, oldest first, with its id. */
  entries(): IterableIterator<[Room, number]> {
    return this.#ids.entries()
  }

  idOf(name: Room): number | undefined {
    return this.#ids.get(name)
  }

  nameOf(id: number): Room {
    return this.#names[id]
  }

  /** The connected socket with this id. */
  socketOf(id: number): Socket | undefined {
    const known = this.#sockets[id]
    if (known !== undefined) return known
    const found = this.#find(this.#names[id] as string)
    if (found !== undefined) this.#sockets[id] = found
    return found
  }

  /** The rooms of a socket that is leaving them all. */
  leaving(sid: string): ReadonlySet<Room> | undefined {
    return this.#leaving.get(sid)
  }

  join(sid: string, rooms: Iterable<Room>): void {
    const { core, adapter } = this
    const socket = this.#ids.get(sid) ?? this.#intern(sid)
    core.wasm.connect(adapter, socket)
    for (const room of rooms) {
      const id = room === sid ? socket : (this.#ids.get(room) ?? this.#intern(room))
      const changed = core.wasm.join(adapter, socket, id)
      if (changed & ROOM_CHANGED && !this.#emptied.has(room)) this.#events.emit("create-room", room)
      if (changed & CHANGED) this.#events.emit("join-room", room, sid)
    }
  }

  leave(sid: string, room: Room): void {
    const socket = this.#ids.get(sid)
    const id = this.#ids.get(room)
    if (socket === undefined || id === undefined) return
    const changed = this.core.wasm.leave(this.adapter, socket, id)
    // Forgotten before any listener runs: it may join rooms, and be given the same id.
    if (changed & FREED) this.#forget(id, room)
    if (!(changed & ROOM_CHANGED)) {
      if (changed & CHANGED) this.#events.emit("leave-room", room, sid)
      return
    }
    this.#emptied.add(room)
    try {
      this.#events.emit("leave-room", room, sid)
    } finally {
      this.#emptied.delete(room)
    }
    const again = this.#ids.get(room)
    if (again === undefined || this.core.wasm.memberCount(this.adapter, again) === 0) {
      this.#events.emit("delete-room", room)
    }
  }

  leaveAll(sid: string): void {
    const socket = this.#ids.get(sid)
    if (socket === undefined || !this.core.wasm.isSocket(this.adapter, socket)) return
    if (this.#events.listenerCount("leave-room") + this.#events.listenerCount("delete-room") > 0) {
      this.#leaveOneByOne(sid, socket)
    }
    const left = this.core.disconnect(this.adapter, socket)
    for (let at = 0; at + 1 < left.length; at += 2) {
      const id = left[at] as number
      if ((left[at + 1] as number) & FREED) this.#forget(id, this.#names[id])
    }
    this.#sockets[socket] = undefined
    if (left[left.length - 1] === 1) this.#forget(socket, sid)
  }

  #leaveOneByOne(sid: string, socket: number): void {
    const rooms = Array.from(this.core.roomsOf(this.adapter, socket), (id) => this.nameOf(id))
    this.#leaving.set(sid, new Set(rooms))
    try {
      for (const room of rooms) this.leave(sid, room)
    } finally {
      this.#leaving.delete(sid)
    }
  }

  #intern(name: Room): number {
    const id = this.core.intern(this.adapter, name)
    this.#ids.set(name, id)
    this.#names[id] = name
    return id
  }

  #forget(id: number, name: Room): void {
    this.#ids.delete(name)
    this.#names[id] = undefined
    this.#sockets[id] = undefined
  }
}
