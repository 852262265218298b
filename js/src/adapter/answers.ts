import type { Core } from "../boundary.ts"
import type { AnswerOutput, Value } from "../output.ts"
import type { Encoder, Namespace, Packet, Room, Socket, SocketDescription } from "../socket-io.ts"
import { guarded } from "./guarded.ts"
import { deliver, optionsOf } from "./packet.ts"
import type { Values, Written } from "./values.ts"

type Output<Type extends AnswerOutput["type"]> = Extract<AnswerOutput, { type: Type }>

/** Does what other servers ask of the sockets and listeners of this one. */
export class Answers {
  readonly #core: Core
  readonly #adapter: number
  readonly #nsp: Namespace
  readonly #encoder: Encoder
  readonly #values: Values
  readonly #socketOf: (id: number) => Socket | undefined
  /** To be called after the core was told something. */
  readonly #drain: () => void
  /** What clients are to acknowledge: the packet's id, and the sockets that it was sent to. */
  readonly #acknowledged = new Map<number, { id: number; sockets: readonly Socket[] }>()

  constructor(
    core: Core,
    adapter: number,
    nsp: Namespace,
    encoder: Encoder,
    values: Values,
    socketOf: (id: number) => Socket | undefined,
    drain: () => void,
  ) {
    this.#core = core
    this.#adapter = adapter
    this.#nsp = nsp
    this.#encoder = encoder
    this.#values = values
    this.#socketOf = socketOf
    this.#drain = drain
  }

  perform(output: AnswerOutput): void {
    switch (output.type) {
      case "acknowledge":
        return this.#acknowledge(output)
      case "disconnect":
        return this.#each(output.sockets, (socket) => socket.disconnect(output.close))
      case "fetch":
        return this.#describe(output)
      case "forget":
        return this.#forget(output.token)
      case "join": {
        const rooms = this.#rooms(output.rooms)
        return this.#each(output.sockets, (socket) => socket.join(rooms))
      }
      case "leave": {
        const rooms = this.#rooms(output.rooms)
        return this.#each(output.sockets, (socket) => rooms.forEach((room) => socket.leave(room)))
      }
      case "serverSideEmit":
        return this.#serverSideEmit(output)
    }
  }

  /** Waits for no acknowledgement any more. */
  forgetAll(): void {
    for (const token of this.#acknowledged.keys()) this.#forget(token)
  }

  #rooms(list: Value): readonly Room[] {
    return this.#core.value(list) as Room[]
  }

  #each(ids: readonly number[], action: (socket: Socket) => unknown): void {
    for (const socket of this.#sockets(ids)) guarded(() => action(socket))
  }

  #sockets(ids: readonly number[]): Socket[] {
    return ids.map(this.#socketOf).filter((socket) => socket !== undefined)
  }

  #describe({ sockets, reply }: Output<"fetch">): void {
    const { length, raw } = this.#written(this.#sockets(sockets).map(descriptionOf))
    this.#core.wasm.handleDescribed(this.#adapter, reply, length, raw)
  }

  #written(descriptions: readonly SocketDescription[]): Written {
    try {
      return this.#values.write(descriptions) as Written
    } catch {
      // What the application put into one of them has no form; that socket is there all the same.
      return this.#values.write(descriptions.map((one) => this.#writable(one))) as Written
    }
  }

  #writable(description: SocketDescription): SocketDescription {
    try {
      this.#values.write(description)
      return description
    } catch {
      return { ...description, handshake: {}, data: {} }
    }
  }

  #serverSideEmit({ data, reply }: Output<"serverSideEmit">): void {
    const args = this.#core.value(data) as unknown[]
    if (reply !== undefined) {
      let called = false
      args.push((value: unknown) => {
        if (called) return
        // Outside of what is guarded: what cannot be written is the listener's affair.
        const written = this.#values.write(value)
        called = true
        guarded(() => {
          this.#core.wasm.handleCalledBack(
            this.#adapter,
            reply,
            written?.length,
            written?.raw ?? false,
          )
          this.#drain()
        })
      })
    }
    // Without a listener this event is thrown, and no server is to end another.
    if (args[0] === "error" && this.#nsp.listenerCount("error") === 0) return
    guarded(() => this.#nsp._onServerSideEmit(args))
  }

  #acknowledge({ token, sockets: ids, flags, data }: Output<"acknowledge">): void {
    const sockets = this.#sockets(ids)
    const id = this.#nsp._ids++
    const packet: Packet = {
      type: 2,
      data: this.#core.value(data) as unknown[],
      nsp: this.#nsp.name,
      id,
    }
    this.#acknowledged.set(token, { id, sockets })
    for (const socket of sockets) {
      socket.acks.set(id, (value) => {
        guarded(() => {
          this.#core.wasm.handleAcknowledged(this.#adapter, token, this.#encoded(value))
          this.#drain()
        })
      })
    }
    guarded(() => {
      const packets = this.#encoder.encode(packet)
      const [text, ...attachments] = packets
      const framed = typeof text === "string" && attachments.length === 0 && sockets.length > 1
      const frame = framed ? this.#core.frameAround(text) : undefined
      const options = optionsOf(flags.volatile, flags.compress, frame)
      const failure = deliver(sockets, packet, packets, options)
      if (failure !== undefined) throw failure
    })
    this.#core.wasm.handleSent(this.#adapter, token, sockets.length)
  }

  /** The value as MessagePack; a client's parser may know values that have no form there. */
  #encoded(value: unknown): Uint8Array | undefined {
    if (value === undefined) return undefined
    try {
      return this.#core.encode(value)
    } catch {
      return undefined
    }
  }

  #forget(token: number): void {
    const acknowledged = this.#acknowledged.get(token)
    if (acknowledged === undefined) return
    this.#acknowledged.delete(token)
    for (const socket of acknowledged.sockets) socket.acks.delete(acknowledged.id)
  }
}

/** A socket as other servers see it: with the members that `@socket.io/redis-adapter` 8.3.0 tells, in its order. */
function descriptionOf({ id, handshake: all, rooms, data }: Socket): SocketDescription {
  // It may hold a reference to itself.
  const { sessionStore: _, ...handshake } = all as Record<string, unknown>
  return { id, handshake, rooms: [...rooms], data }
}
