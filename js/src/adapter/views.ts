import { AdapterError } from "../errors.ts"
import type { Room } from "../socket-io.ts"
import type { Membership } from "./membership.ts"

/** How Node's `util.inspect` and `console.log` ask a value to show itself. */
const INSPECT = Symbol.for("nodejs.util.inspect.custom")

type Inspect = (value: unknown, options: unknown) => string

function refuse(): never {
  throw new AdapterError(
    "ERR_READ_ONLY",
    "rooms and sids only show who is where; join and leave with socket.join() and socket.leave()",
  )
}

/** What a live set shows. */
interface Source<T> {
  has(value: T): boolean
  size(): number
  values(): Iterable<T>
}

/** A `Set` that holds nothing itself: each look goes to the core. */
class LiveSet<T> extends Set<T> {
  #source: Source<T>

  constructor(source: Source<T>) {
    super()
    this.#source = source
  }

  /** Shows these values from now on. */
  freeze(values: Iterable<T>): void {
    const kept = new Set(values)
    this.#source = {
      has: (value) => kept.has(value),
      size: () => kept.size,
      values: () => kept,
    }
  }

  override get size(): number {
    return this.#source.size()
  }

  override has(value: T): boolean {
    return this.#source.has(value)
  }

  override *values(): SetIterator<T> {
    yield* this.#source.values()
  }

  override keys(): SetIterator<T> {
    return this.values()
  }

  override *entries(): SetIterator<[T, T]> {
    for (const value of this.values()) yield [value, value]
  }

  override [Symbol.iterator](): SetIterator<T> {
    return this.values()
  }

  override forEach(callback: (value: T, key: T, set: Set<T>) => void, self?: unknown): void {
    for (const value of this.values()) callback.call(self, value, value, this)
  }

  override add(): never {
    return refuse()
  }

  override delete(): never {
    return refuse()
  }

  override clear(): never {
    return refuse()
  }

  [INSPECT](_depth: number, options: unknown, inspect: Inspect): string {
    return inspect(new Set(this.values()), options)
  }
}

// The set operations of newer engines read a set's own, empty storage: they get a copy instead.
for (const operation of [
  "union",
  "intersection",
  "difference",
  "symmetricDifference",
  "isSubsetOf",
  "isSupersetOf",
  "isDisjointFrom",
]) {
  const native: unknown = Reflect.get(Set.prototype, operation)
  if (typeof native !== "function") continue
  Object.defineProperty(LiveSet.prototype, operation, {
    configurable: true,
    value(this: LiveSet<unknown>, other: unknown): unknown {
      return Reflect.apply(native, new Set(this.values()), [other])
    },
    writable: true,
  })
}

/** A `Map` of live sets that holds nothing itself. */
class LiveMap<K, V> extends Map<K, Set<V>> {
  readonly #source: Source<K> & { get(key: K): Set<V> | undefined }

  constructor(source: Source<K> & { get(key: K): Set<V> | undefined }) {
    super()
    this.#source = source
  }

  override get size(): number {
    return this.#source.size()
  }

  override has(key: K): boolean {
    return this.#source.has(key)
  }

  override get(key: K): Set<V> | undefined {
    return this.#source.get(key)
  }

  override *keys(): MapIterator<K> {
    yield* this.#source.values()
  }

  override *values(): MapIterator<Set<V>> {
    for (const [, value] of this.entries()) yield value
  }

  override *entries(): MapIterator<[K, Set<V>]> {
    for (const key of this.#source.values()) {
      const value = this.#source.get(key)
      if (value !== undefined) yield [key, value]
    }
  }

  override [Symbol.iterator](): MapIterator<[K, Set<V>]> {
    return this.entries()
  }

  override forEach(
    callback: (value: Set<V>, key: K, map: Map<K, Set<V>>) => void,
    self?: unknown,
  ): void {
    for (const [key, value] of this.entries()) callback.call(self, value, key, this)
  }

  override set(): never {
    return refuse()
  }

  override delete(): never {
    return refuse()
  }

  override clear(): never {
    return refuse()
  }

  [INSPECT](_depth: number, options: unknown, inspect: Inspect): string {
    return inspect(new Map(this.entries()), options)
  }
}

/** `adapter.rooms`: the sockets in each room. */
export function roomsView(membership: Membership<unknown>): Map<Room, Set<string>> {
  const { core } = membership
  const sizeOf = (room: Room): number => {
    const id = membership.idOf(room)
    return id === undefined ? 0 : core.wasm.memberCount(membership.adapter, id)
  }
  const members = (room: Room): Set<string> =>
    new LiveSet<string>({
      has: (sid) => {
        const [id, socket] = [membership.idOf(room), membership.idOf(sid)]
        if (id === undefined || socket === undefined) return false
        return core.wasm.contains(membership.adapter, id, socket)
      },
      size: () => sizeOf(room),
      values: () => {
        const id = membership.idOf(room)
        return id === undefined ? [] : names(membership, core.members(membership.adapter, id))
      },
    })
  return new LiveMap<Room, string>({
    // A room whose last socket has left is still there, empty, for those who are told.
    has: (room) => sizeOf(room) > 0 || membership.isEmptied(room),
    get: (room) => (sizeOf(room) > 0 || membership.isEmptied(room) ? members(room) : undefined),
    size: () => core.wasm.roomCount(membership.adapter),
    *values() {
      for (const [name, id] of membership.entries()) {
        if (core.wasm.memberCount(membership.adapter, id) > 0) yield name
      }
    },
  })
}

/** `adapter.sids`: the rooms that each socket is in, in the order joined. */
export function sidsView(membership: Membership<unknown>): Map<string, Set<Room>> {
  const { core } = membership
  const idOf = (sid: string): number | undefined => {
    const id = membership.idOf(sid)
    return id !== undefined && core.wasm.isSocket(membership.adapter, id) ? id : undefined
  }
  const roomsOf = (sid: string): Room[] => {
    const leaving = membership.leaving(sid)
    if (leaving !== undefined) return [...leaving]
    const id = idOf(sid)
    return id === undefined ? [] : names(membership, core.roomsOf(membership.adapter, id))
  }
  const rooms = (sid: string): LiveSet<Room> =>
    new LiveSet<Room>({
      has: (room) => {
        const leaving = membership.leaving(sid)
        if (leaving !== undefined) return leaving.has(room)
        const [id, socket] = [membership.idOf(room), idOf(sid)]
        if (id === undefined || socket === undefined) return false
        return core.wasm.contains(membership.adapter, id, socket)
      },
      size: () => roomsOf(sid).length,
      values: () => roomsOf(sid),
    })
  return new LiveMap<string, Room>({
    has: (sid) => idOf(sid) !== undefined,
    get: (sid) => (idOf(sid) === undefined ? undefined : membership.view(sid, () => rooms(sid))),
    size: () => core.wasm.socketCount(membership.adapter),
    *values() {
      for (const [name, id] of membership.entries()) {
        if (core.wasm.isSocket(membership.adapter, id)) yield name as string
      }
    },
  })
}

function names<T extends Room>(membership: Membership<unknown>, ids: Uint32Array): T[] {
  return Array.from(ids, (id) => membership.nameOf(id) as T)
}
