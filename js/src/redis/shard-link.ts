import type { Buffer } from "node:buffer"
import { AdapterError } from "../errors.ts"
import { Batch, type ShardVerb } from "./batch.ts"
import { encodeCommand, type Reply, ReplyReader } from "./resp.ts"
import { slotOf } from "./slots.ts"
import type { Wire } from "./wire.ts"

/** What a link tells of. Nothing of it throws. */
export interface LinkHost {
  /** Hears of each message. */
  receive(channel: Buffer, message: Buffer): void
  /** Hears that the server has ended a subscription by itself. */
  ended(name: string): void
  /** Hears, once, that the connection is gone, and all subscriptions with it. */
  lost(): void
}

interface Command {
  readonly verb: ShardVerb | "ping"
  readonly names: ReadonlySet<string>
  /** How many of the names are not confirmed. */
  open: number
  resolve(): void
  reject(reason: unknown): void
}

/** How often it is looked whether anything came in, in milliseconds. */
const BEAT = 5_000

/** How many beats in a row may bring nothing, not even an answer to `PING`, until the connection is closed. */
const PATIENCE = 3

/**
 * A connection that subscribes to shard channels of one server of a cluster. When a slot leaves the server,
 * Redis says `sunsubscribe` without being asked, which all clients take for the answer to whatever they
 * have just sent, if there is that: ioredis 5.11 (`handleSubscriberReply` in DataHandler) and @redis/client
 * 1.6, 5.12 and 6.3 (`onPush` in commands-queue); later answers then have nobody to take them, which is
 * thrown out of the socket's event in 1.6. Nor does ioredis 5.11 ever settle an `SSUBSCRIBE` that is
 * redirected. So here Redis is written to and read without a client.
 */
export class ShardLink {
  readonly #wire: Wire
  readonly #host: LinkHost
  readonly #batch = new Batch((verb, names) => this.#send(verb, names), slotOf)
  readonly #commands: Command[] = []
  readonly #names = new Set<string>()
  readonly #timer: NodeJS.Timeout
  #silentBeats = 0
  #open = true

  constructor(wire: Wire, host: LinkHost) {
    this.#wire = wire
    this.#host = host
    const reader = new ReplyReader((reply) => this.#handle(reply))
    const read = (chunk: Buffer) => {
      this.#silentBeats = 0
      reader.write(chunk)
    }
    this.#timer = setInterval(() => this.#beat(), BEAT).unref()
    // It may be closed already.
    wire.take(read, () => this.#end())
  }

  /** Gives when Redis has confirmed; rejects with its error, or `ERR_CONNECTION_LOST`. */
  ask(verb: ShardVerb, name: string): Promise<void> {
    return this.#batch.ask(verb, name)
  }

  /** Whether the server has confirmed a subscription and not ended it. */
  has(name: string): boolean {
    return this.#names.has(name)
  }

  close(): void {
    if (this.#open) this.#wire.close()
    this.#end()
  }

  #send(verb: ShardVerb, names: readonly string[]): Promise<void> {
    if (!this.#open) return Promise.reject(lost())
    this.#wire.write(encodeCommand([verb.toUpperCase(), ...names]))
    return new Promise((resolve, reject) => {
      const open = names.length
      this.#commands.push({ verb, names: new Set(names), open, resolve, reject })
      // Only what follows tells whether `sunsubscribe` was the answer or the slot has just left the server,
      // which then answers the command with an error.
      if (verb === "sunsubscribe") this.#ping()
    })
  }

  #ping(): void {
    this.#wire.write(encodeCommand(["PING"]))
    const names: ReadonlySet<string> = new Set()
    this.#commands.push({ verb: "ping", names, open: 0, resolve: () => {}, reject: () => {} })
  }

  #handle(reply: Reply): void {
    if (reply instanceof Error) return this.#commands.shift()?.reject(reply)
    if (!Array.isArray(reply)) return this.#handlePong()
    const [kind, channel, message] = reply
    switch (String(kind)) {
      case "smessage":
        return this.#host.receive(channel as Buffer, message as Buffer)
      case "ssubscribe":
        return this.#confirm(String(channel))
      case "sunsubscribe":
        return this.#handleEnded(String(channel))
      case "pong":
        return this.#handlePong()
    }
  }

  #confirm(name: string): void {
    this.#names.add(name)
    const [command] = this.#commands
    if (command?.verb !== "ssubscribe" || --command.open > 0) return
    this.#commands.shift()
    command.resolve()
  }

  #handleEnded(name: string): void {
    this.#names.delete(name)
    const [command] = this.#commands
    if (command?.verb !== "sunsubscribe" || !command.names.has(name)) this.#host.ended(name)
  }

  #handlePong(): void {
    if (this.#commands[0]?.verb === "sunsubscribe") this.#commands.shift()?.resolve()
    if (this.#commands[0]?.verb === "ping") this.#commands.shift()
  }

  #beat(): void {
    if (this.#silentBeats >= PATIENCE) return this.close()
    this.#silentBeats++
    this.#ping()
  }

  #end(): void {
    if (!this.#open) return
    this.#open = false
    clearInterval(this.#timer)
    this.#names.clear()
    for (const { reject } of this.#commands.splice(0)) reject(lost())
    this.#host.lost()
  }
}

function lost(): AdapterError {
  return new AdapterError(
    "ERR_CONNECTION_LOST",
    "the connection to a server of the Redis cluster was lost",
  )
}
