import type { Core } from "../boundary.ts"
import type { Filter } from "../output.ts"
import type { Room, SocketDescription } from "../socket-io.ts"
import { guarded } from "./guarded.ts"
import type { Inquiry, Questions } from "./questions.ts"
import type { Values, Written } from "./values.ts"

const NOBODY: ReadonlySet<Room> = new Set()

/**
 * What this server asks of the others. Each question takes what is known here already (`here`), gives that
 * with the answers of the others, and rejects with a `RequestError` that holds what came.
 */
export class Cluster {
  readonly #core: Core
  readonly #adapter: number
  readonly #uid: string
  readonly #questions: Questions
  readonly #values: Values
  /** To be called after the core was told something. */
  readonly #drain: () => void

  constructor(
    core: Core,
    adapter: number,
    uid: string,
    questions: Questions,
    values: Values,
    drain: () => void,
  ) {
    this.#core = core
    this.#adapter = adapter
    this.#uid = uid
    this.#questions = questions
    this.#values = values
    this.#drain = drain
  }

  sockets(rooms: ReadonlySet<Room>, here: ReadonlySet<string>): Promise<Set<string>> {
    const core = this.#core
    const length = core.writeNames(rooms)
    const request = core.wasm.sockets(this.#adapter, rooms.size, length, performance.now())
    return this.#answers(request, {
      operation: "sockets",
      partial: true,
      result: (answers) => new Set([...here, ...(answers as string[][]).flat()]),
    })
  }

  allRooms(here: ReadonlySet<Room>): Promise<Set<Room>> {
    return this.#answers(this.#core.wasm.allRooms(this.#adapter, performance.now()), {
      operation: "allRooms",
      partial: true,
      result: (answers) => new Set([...here, ...(answers as Room[][]).flat()]),
    })
  }

  count(rooms: ReadonlySet<Room>, here: number): Promise<number> {
    return this.#answers(this.#askForCount(rooms), {
      operation: "count",
      partial: true,
      result: (answers) => (answers as number[]).reduce((sum, count) => sum + count, here),
    })
  }

  fetchSockets<Socket extends { id: string }>(
    { rooms, except }: Filter,
    timeout: number | undefined,
    here: readonly Socket[],
  ): Promise<(Socket | SocketDescription)[]> {
    const core = this.#core
    const request = core.wasm.fetchSockets(
      this.#adapter,
      rooms.size,
      except.size,
      core.writeNames(rooms, except),
      timeout,
      performance.now(),
    )
    return this.#answers(request, {
      operation: "fetchSockets",
      partial: true,
      result: (answers) => {
        // A socket is on one server; whoever tells of it a second time is wrong.
        const sockets = new Map<string, Socket | SocketDescription>()
        for (const socket of [...here, ...(answers as SocketDescription[][]).flat()]) {
          if (!sockets.has(socket.id)) sockets.set(socket.id, socket)
        }
        return [...sockets.values()]
      },
    })
  }

  joinSockets({ rooms, except }: Filter, joined: readonly Room[]): void {
    const core = this.#core
    const length = core.writeNames(rooms, except, joined)
    const now = performance.now()
    core.wasm.joinSockets(this.#adapter, rooms.size, except.size, joined.length, length, now)
    this.#drain()
  }

  leaveSockets({ rooms, except }: Filter, left: readonly Room[]): void {
    const core = this.#core
    const length = core.writeNames(rooms, except, left)
    core.wasm.leaveSockets(this.#adapter, rooms.size, except.size, left.length, length)
    this.#drain()
  }

  disconnectSockets({ rooms, except }: Filter, close: boolean): void {
    const core = this.#core
    const length = core.writeNames(rooms, except)
    core.wasm.disconnectSockets(this.#adapter, rooms.size, except.size, length, close)
    this.#drain()
  }

  /**
   * Resolves when every server has done what this one has asked of it so far: they answer in order, so a
   * count of a room that nobody is in tells.
   */
  settled(): Promise<void> {
    const request = this.#askForCount(new Set([this.#uid]))
    return this.#answers(request, { operation: "count", result: nothing })
  }

  joinSocket(sid: string, room: Room): Promise<void> {
    const core = this.#core
    const length = core.writeNames([sid, room])
    const request = core.wasm.joinSocket(this.#adapter, length, performance.now())
    return this.#answers(request, { operation: "remoteJoin", result: nothing })
  }

  leaveSocket(sid: string, room: Room): Promise<void> {
    const core = this.#core
    const length = core.writeNames([sid, room])
    const request = core.wasm.leaveSocket(this.#adapter, length, performance.now())
    return this.#answers(request, { operation: "remoteLeave", result: nothing })
  }

  disconnectSocket(sid: string, close: boolean): Promise<void> {
    const core = this.#core
    const length = core.writeNames([sid, undefined])
    const request = core.wasm.disconnectSocket(this.#adapter, length, close, performance.now())
    return this.#answers(request, { operation: "remoteDisconnect", result: nothing })
  }

  /** Resolves when what is published to these rooms, by their ids, arrives here. */
  async roomsHeard(rooms: readonly number[]): Promise<void> {
    const ids = Uint32Array.from(rooms)
    const request = this.#core.wasm.awaitRooms(this.#adapter, ids, performance.now())
    if (request === undefined) return
    // Where Redis is away, the sockets are in their rooms all the same.
    await this.#answers(request, { operation: "join", result: nothing }).catch(nothing)
  }

  /** Calls the listeners of the other servers; `data` is the event's name and its arguments. */
  serverSideEmit(data: readonly unknown[]): void {
    const { length, raw } = this.#values.write(data) as Written
    this.#core.wasm.serverSideEmit(this.#adapter, length, raw)
    this.#drain()
  }

  /** As `serverSideEmit`; gives what they call back with. */
  serverSideEmitWithAck(data: readonly unknown[]): Promise<readonly unknown[]> {
    const { length, raw } = this.#values.write(data) as Written
    const now = performance.now()
    const request = this.#core.wasm.serverSideEmitWithAck(this.#adapter, length, raw, now)
    return this.#answers(request, { operation: "serverSideEmit", result: (answers) => answers })
  }

  #askForCount(rooms: ReadonlySet<Room>): number {
    const length = this.#core.writeNames(rooms)
    return this.#core.wasm.count(this.#adapter, rooms.size, length, performance.now())
  }

  #answers<Result>(request: number, inquiry: Inquiry<Result>): Promise<Result> {
    const answers = this.#questions.ask(request, inquiry)
    // Where the core stops, the question is ended with all others.
    guarded(this.#drain)
    return answers
  }
}

function nothing(): void {}

/** Whom an operation of Socket.IO is about. */
export function filterOf(options: {
  rooms: ReadonlySet<Room>
  except?: ReadonlySet<Room> | undefined
}): Filter {
  return { rooms: options.rooms, except: options.except ?? NOBODY }
}
