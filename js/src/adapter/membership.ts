import { CHANGED, type Core, FREED, ROOM_CHANGED } from "../boundary.ts"
import type { Room } from "../socket-io.ts"

/** What the membership tells its adapter: the four room events of socket.io-adapter. */
export type RoomEvent = (
  event: "create-room" | "delete-room" | "join-room" | "leave-room",
  room: Room,
  sid?: string,
) => void

/**
 * The names behind the core's ids. Which socket is in which room is known to the core alone; a name
 * has an id for as long as it is a socket's or a room with members.
 */
export class Membership<Socket> {
  readonly core: Core
  /** The adapter's handle. */
  adapter: number
  readonly #emit: RoomEvent
  readonly #find: (sid: string) => Socket | undefined
  readonly #ids = new Map<Room, number>()
  readonly #names: Room[] = []
  /** By id; filled when a socket is first wanted, since it joins rooms before it is connected. */
  readonly #sockets: (Socket | undefined)[] = []

  constructor(
    core: Core,
    adapter: number,
    emit: RoomEvent,
    find: (sid: string) => Socket | undefined,
  ) {
    this.core = core
    this.adapter = adapter
    this.#emit = emit
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

  join(sid: string, rooms: Iterable<Room>): void {
    const { core, adapter } = this
    const socket = this.#ids.get(sid) ?? this.#intern(sid)
    core.wasm.connect(adapter, socket)
    for (const room of rooms) {
      const id = room === sid ? socket : (this.#ids.get(room) ?? this.#intern(room))
      const changed = core.wasm.join(adapter, socket, id)
      if (changed & ROOM_CHANGED) this.#emit("create-room", room)
      if (changed & CHANGED) this.#emit("join-room", room, sid)
    }
  }

  leave(sid: string, room: Room): void {
    const socket = this.#ids.get(sid)
    const id = this.#ids.get(room)
    if (socket === undefined || id === undefined) return
    const changed = this.core.wasm.leave(this.adapter, socket, id)
    if (changed & FREED) this.#forget(id, room)
    this.#left(sid, room, changed)
  }

  leaveAll(sid: string): void {
    const socket = this.#ids.get(sid)
    if (socket === undefined || !this.core.wasm.isSocket(this.adapter, socket)) return
    const left = this.core.disconnect(this.adapter, socket)
    const rooms: Room[] = []
    // Every id is forgotten before any listener runs: it may join rooms, and be given the same ids.
    for (let at = 0; at + 1 < left.length; at += 2) {
      const id = left[at] as number
      const room = this.#names[id]
      rooms.push(room)
      if ((left[at + 1] as number) & FREED) this.#forget(id, room)
    }
    this.#sockets[socket] = undefined
    if (left[left.length - 1] === 1) this.#forget(socket, sid)
    rooms.forEach((room, index) => {
      this.#left(sid, room, left[2 * index + 1] as number)
    })
  }

  #left(sid: string, room: Room, changed: number): void {
    if (changed & CHANGED) this.#emit("leave-room", room, sid)
    if (changed & ROOM_CHANGED) this.#emit("delete-room", room)
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
