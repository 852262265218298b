import { Buffer } from "node:buffer"
import type { SubscriptionKind } from "./driver.ts"

/** One name that a connection is, or is to be, subscribed to. */
export interface Subscription {
  readonly kind: SubscriptionKind
  readonly name: string
  /** Takes a message of this name. Never throws. The same function for as long as it is subscribed. */
  readonly receive: (message: Uint8Array, channel: Uint8Array) => void
}

/** Hears that one subscription stands no more, of a connection that is ready all the same. */
export type Ended = (kind: SubscriptionKind, name: string) => void

/** What a connection is used for. */
export type Role = "publish" | "subscribe"

/** One Redis client of whatever package, reduced to what a driver asks of it. */
export interface RedisConnection {
  /** Whether the client says that it takes subscriptions now. */
  readonly ready: boolean
  /** Whether the client says that what is published now is sent at once. */
  readonly publishes: boolean
  /** Whether the client has connected and is not ready yet: Redis answers what it asks for itself first. */
  readonly settingUp: boolean
  /** How many subscribe to each channel, for `PUBSUB NUMSUB`. Rejects as the client does. */
  count(channels: readonly string[]): Promise<number[]>
  /**
   * Starts to use the client for subscriptions; `changed` follows all that may alter `ready`, and `ended`
   * what ends while it is `ready`: where subscriptions are spread over several servers.
   */
  attach(changed: () => void, ended?: Ended): void
  /** As in `RedisDriver`. */
  readonly ordered: boolean
  /** As in `RedisDriver`. */
  publish(channel: string, message: Uint8Array | string): Promise<number>
  /**
   * Drops the connection for one use, of a client that says it is ready, so that it makes another one;
   * `changed` is called as for any other loss. What the application subscribes to on that client stays.
   */
  reconnect(role: Role): void
  /** Whether a subscription that is asked for twice is sent to Redis twice. */
  readonly repeats: boolean
  /** Gives when Redis has confirmed; asking twice must not deliver twice. Rejects as the client does. */
  subscribe(subscription: Subscription): Promise<void>
  /** Gives when Redis has confirmed. Rejects as the client does. */
  unsubscribe(subscription: Subscription): Promise<void>
}

/** What all clients have in common: they are event emitters. */
export interface ClientEvents {
  on(event: string, listener: (...args: unknown[]) => void): unknown
  listenerCount(event: string): number
}

/**
 * Adds the one "error" listener that this package has on a client. Without any, an emitted error would
 * end the process; when the application has none, it is told so once. `failed` is called for each.
 */
export function listenForErrors(client: ClientEvents, failed: () => void): void {
  let warned = false
  client.on("error", () => {
    if (!warned && client.listenerCount("error") === 1) {
      warned = true
      // The text of @socket.io/redis-adapter 8.3.0, which people search for.
      console.warn("missing 'error' handler on this Redis client")
    }
    failed()
  })
}

/** The same bytes, not copied, as the Buffer that Redis clients take for binary. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** A message as Redis clients take it. */
export function payloadOf(message: Uint8Array | string): Buffer | string {
  return typeof message === "string" ? message : asBuffer(message)
}

/**
 * The numbers in an answer to `PUBSUB NUMSUB` or `SHARDNUMSUB`, where each follows its channel; as text or Buffers for
 * some options of clients. Throws a TypeError for any other answer.
 */
export function countsOf(channels: readonly string[], reply: unknown): number[] {
  const parts = Array.isArray(reply) ? reply : []
  return channels.map((_, index) => {
    const count = Number.parseInt(String(parts[2 * index + 1]), 10)
    if (Number.isNaN(count)) throw new TypeError("PUBSUB was not answered with counts")
    return count
  })
}

/** Whether this can be an answer to `PUBLISH`: a number, as text or a Buffer for some options of clients. */
export function isCount(answer: unknown): boolean {
  return typeof answer === "number" || !Number.isNaN(Number.parseInt(String(answer), 10))
}

/** Whether Redis itself refused a command: its errors begin with a code, those of clients with a sentence. */
export function isRefusal(error: unknown): error is Error {
  return error instanceof Error && /^[A-Z]+ /.test(error.message)
}

/** Whether Redis refused a command that it does not know, as older ones do for what clients ask at first. */
export function isUnknownCommand(error: unknown): boolean {
  return error instanceof Error && /^(?:ERR unknown |NOPROTO)/.test(error.message)
}

/** Whether a value has these methods; own or inherited. */
export function hasMethods(value: object, names: readonly string[]): boolean {
  return names.every((name) => typeof Reflect.get(value, name) === "function")
}
