import { CHANGED, type Core, FREED, ROOM_CHANGED } from "../boundary.ts"
import type { Room } from "../socket-io.ts"

/** What the membership tells its adapter: the four room events of socket.io-adapter. */
export interface RoomEvents {
  emit(event: RoomEvent, room: Room, ...sid: string[]): unknown
  listenerCount(event: RoomEvent): number
}

type RoomEvent = "create-room" | "delete-room" | "join-room" | "leave-room"

/** A view that keeps what it shows when that goes. */
export interface Freezable {
  freeze(rooms: Iterable<Room>): void
}

/**
 * The names behind the core's ids. Which socket is in which room is known to the core alone; a name
 * has an id for as long as it is a socket's or a room with members.
 */
export class Membership<Socket> {
  readonly core: Core
  /** The adapter's handle. */
  readonly adapter: number
  readonly #events: RoomEvents
  readonly #find: (sid: string) => Socket | undefined
  readonly #ids = new Map<Room, number>()
  readonly #names: Room[] = []
  /** By id; filled when a socket is first wanted, since it joins rooms before it is connected. */
  readonly #sockets: (Socket | undefined)[] = []
  /** What was handed out of the rooms of sockets that are connected. */
  readonly #views = new Map<string, Freezable>()
  #lastSid: string | undefined
  #lastSocket = 0
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

  /** The view of a socket's rooms, the same one for as long as it is connected. */
  view<View extends Freezable>(sid: string, make: () => View): View {
    const known = this.#views.get(sid) as View | undefined
    if (known !== undefined) return known
    const view = make()
    this.#views.set(sid, view)
    return view
  }

  /** Whether listeners are being told that the last socket left a room. */
  isEmptied(room: Room): boolean {
    return this.#emptied.has(room)
  }

  /** The rooms of a socket that is leaving them all. */
  leaving(sid: string): ReadonlySet<Room> | undefined {
    return this.#leaving.get(sid)
  }

  join(sid: string, rooms: ReadonlySet<Room>): void {
    const { core, adapter } = this
    const socket = this.#socketOf(sid)
    // Joining connects; a socket that joins nothing is connected all the same.
    if (rooms.size === 0) core.connect(adapter, sid)
    for (const room of rooms) {
      const id = room === sid ? socket : (this.#ids.get(room) ?? this.#intern(room))
      const changed = core.wasm.join(adapter, socket, id)
      if (changed & ROOM_CHANGED && !this.#emptied.has(room) && this.#hears("create-room")) {
        this.#events.emit("create-room", room)
        if (this.#ids.get(sid) !== socket) return
      }
      if (changed & CHANGED && this.#hears("join-room")) {
        this.#events.emit("join-room", room, sid)
        // A listener of either may have turned the socket away, and its id may be another's now.
        if (this.#ids.get(sid) !== socket) return
      }
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
    const outermost = !this.#emptied.has(room)
    this.#emptied.add(room)
    try {
      this.#events.emit("leave-room", room, sid)
    } finally {
      if (outermost) this.#emptied.delete(room)
    }
    const again = this.#ids.get(room)
    if (again === undefined || this.core.wasm.memberCount(this.adapter, again) === 0) {
      this.#events.emit("delete-room", room)
    }
  }

  leaveAll(sid: string): void {
    const socket = this.#ids.get(sid)
    if (socket === undefined) return
    const { core } = this
    const view = this.#views.size > 0 ? this.#views.get(sid) : undefined
    if (view !== undefined) {
      // As in memory, where what `socket.rooms` gave in time can be read after the disconnection.
      view.freeze(this.#roomsOf(socket))
      this.#views.delete(sid)
    }
    if (this.#hears("leave-room") || this.#hears("delete-room")) {
      this.#leaveOneByOne(sid, socket)
      if (this.#ids.get(sid) !== socket) return
    }
    const count = core.disconnect(this.adapter, socket)
    if (count < 0) return
    for (let at = 0; at < count; at++) {
      if (core.listed(2 * at + 1) & FREED) {
        const room = core.listed(2 * at)
        this.#forget(room, this.#names[room])
      }
    }
    this.#sockets[socket] = undefined
    if (core.listed(2 * count) === 1) this.#forget(socket, sid)
  }

  #leaveOneByOne(sid: string, socket: number): void {
    if (!this.core.wasm.isSocket(this.adapter, socket)) return
    const rooms = this.#roomsOf(socket)
    this.#leaving.set(sid, new Set(rooms))
    try {
      for (const room of rooms) this.leave(sid, room)
    } finally {
      this.#leaving.delete(sid)
    }
  }

  #roomsOf(socket: number): Room[] {
    return Array.from(this.core.roomsOf(this.adapter, socket), (id) => this.nameOf(id))
  }

  /** Whether anybody listens: sockets come and go by the thousand, and few applications do. */
  #hears(event: RoomEvent): boolean {
    return this.#events.listenerCount(event) > 0
  }

  /** The id of a socket, which mostly joins several rooms in a row. */
  #socketOf(sid: string): number {
    if (sid !== this.#lastSid) {
      this.#lastSocket = this.#ids.get(sid) ?? this.#know(sid, this.core.connect(this.adapter, sid))
      this.#lastSid = sid
    }
    return this.#lastSocket
  }

  #intern(name: Room): number {
    return this.#know(name, this.core.intern(this.adapter, name))
  }

  #know(name: Room, id: number): number {
    this.#ids.set(name, id)
    this.#names[id] = name
    return id
  }

  #forget(id: number, name: Room): void {
    if (name === this.#lastSid) this.#lastSid = undefined
    this.#ids.delete(name)
    this.#names[id] = undefined
    this.#sockets[id] = undefined
  }
}
