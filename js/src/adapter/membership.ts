import { isName } from "../names.ts"
import { CHANGED, type Core, FREED, ROOM_CHANGED } from "../boundary.ts"
import type { Room } from "../socket-io.ts"

/** What the membership tells its adapter: the four room events of socket.io-adapter. */
export interface RoomEvents {
  emit(event: RoomEvent, room: Room, ...sid: string[]): unknown
  listenerCount(event: RoomEvent): number
}

type RoomEvent = "create-room" | "delete-room" | "join-room" | "leave-room"

/** The rooms of each socket. */
export type Members = Map<string, readonly Room[]>

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
  /** Hears of what cannot be a room. */
  readonly #refuse: (room: unknown) => void
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
    refuse: (room: unknown) => void,
  ) {
    this.core = core
    this.adapter = adapter
    this.#events = events
    this.#find = find
    this.#refuse = refuse
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

  /** As the others that change something: what a listener throws is thrown when all is done. */
  join(sid: string, rooms: ReadonlySet<Room>): void {
    const { core, adapter } = this
    let failure: Failure | undefined
    const socket = this.#socketOf(sid)
    // Joining connects; a socket that joins nothing is connected all the same.
    if (rooms.size === 0) core.connect(adapter, sid)
    for (const room of rooms) {
      const id = room === sid ? socket : (this.#ids.get(room) ?? this.#intern(room))
      if (id === undefined) {
        if (this.#ids.get(sid) !== socket) break
        continue
      }
      const changed = core.wasm.join(adapter, socket, id)
      if (changed & ROOM_CHANGED && !this.#emptied.has(room) && this.#hears("create-room")) {
        failure = this.#tell(failure, "create-room", room)
        if (this.#ids.get(sid) !== socket) break
      }
      if (changed & CHANGED && this.#hears("join-room")) {
        failure = this.#tell(failure, "join-room", room, sid)
        // A listener of either may have turned the socket away, and its id may be another's now.
        if (this.#ids.get(sid) !== socket) break
      }
    }
    raise(failure)
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
    let failure = this.#tell(undefined, "leave-room", room, sid)
    if (outermost) this.#emptied.delete(room)
    const again = this.#ids.get(room)
    if (again === undefined || this.core.wasm.memberCount(this.adapter, again) === 0) {
      failure = this.#tell(failure, "delete-room", room)
    }
    raise(failure)
  }

  leaveAll(sid: string): void {
    const socket = this.#ids.get(sid)
    if (socket === undefined) return
    const { core } = this
    let failure: Failure | undefined
    const view = this.#views.size > 0 ? this.#views.get(sid) : undefined
    if (view !== undefined) {
      // As in memory, where what `socket.rooms` gave in time can be read after the disconnection.
      view.freeze(this.#roomsOf(socket))
      this.#views.delete(sid)
    }
    if (this.#hears("leave-room") || this.#hears("delete-room")) {
      failure = this.#leaveOneByOne(sid, socket)
      if (this.#ids.get(sid) !== socket) return raise(failure)
    }
    const count = core.disconnect(this.adapter, socket)
    if (count < 0) return raise(failure)
    for (let at = 0; at < count; at++) {
      if (core.listed(2 * at + 1) & FREED) {
        const room = core.listed(2 * at)
        this.#forget(room, this.#names[room])
      }
    }
    this.#sockets[socket] = undefined
    if (core.listed(2 * count) === 1) this.#forget(socket, sid)
    raise(failure)
  }

  /** Who is in which room, as far as a core tells that has stopped; every socket is in its own. */
  save(unlock: () => void): Members {
    const members: Members = new Map()
    for (const [name, id] of this.#ids) {
      const sid = name as string
      const isConnected = this.#find(sid) !== undefined
      try {
        const rooms = this.core.wasm.isSocket(this.adapter, id) ? this.#roomsOf(id) : undefined
        if (rooms !== undefined) members.set(sid, rooms)
        else if (isConnected) members.set(sid, [sid])
      } catch (error) {
        if (error instanceof RangeError) throw error // too little stack, which says nothing
        unlock()
        if (isConnected) members.set(sid, [sid])
      }
    }
    return members
  }

  /** Puts everybody back into their rooms, in a core that knows nobody yet. No listener hears of it. */
  restore(members: Members): void {
    const { core, adapter } = this
    this.#ids.clear()
    this.#names.length = 0
    this.#sockets.length = 0
    this.#lastSid = undefined
    for (const [sid, rooms] of members) {
      const socket = this.#know(sid, core.connect(adapter, sid))
      for (const room of rooms) {
        const id = this.#ids.get(room) ?? this.#intern(room)
        if (id !== undefined) core.wasm.join(adapter, socket, id)
      }
    }
  }

  #leaveOneByOne(sid: string, socket: number): Failure | undefined {
    if (!this.core.wasm.isSocket(this.adapter, socket)) return undefined
    let failure: Failure | undefined
    const rooms = this.#roomsOf(socket)
    this.#leaving.set(sid, new Set(rooms))
    for (const room of rooms) {
      try {
        this.leave(sid, room)
      } catch (error) {
        failure ??= { error }
      }
    }
    this.#leaving.delete(sid)
    return failure
  }

  /** Lets listeners hear of it; gives the first failure of all so far. */
  #tell(
    earlier: Failure | undefined,
    event: RoomEvent,
    room: Room,
    ...sid: string[]
  ): Failure | undefined {
    try {
      this.#events.emit(event, room, ...sid)
      return earlier
    } catch (error) {
      return earlier ?? { error }
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

  #intern(name: Room): number | undefined {
    if (isName(name)) return this.#know(name, this.core.intern(this.adapter, name))
    this.#refuse(name)
    return undefined
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

/** What a listener threw while something had to be done whole. */
interface Failure {
  readonly error: unknown
}

function raise(failure: Failure | undefined): void {
  if (failure !== undefined) throw failure.error
}
