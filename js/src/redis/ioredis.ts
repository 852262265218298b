import type { Buffer } from "node:buffer"
import {
  payloadOf,
  type ClientEvents,
  countsOf,
  hasMethods,
  listenForErrors,
  type RedisConnection,
} from "./connection.ts"
import { EmittingConnection, type SubscriptionCommand } from "./emitting-connection.ts"

/** What is used of a client of ioredis 5 or 6. */
export interface IoredisClient extends ClientEvents {
  readonly status: string
  connect(): Promise<unknown>
  call(command: string, ...args: string[]): Promise<unknown>
  publish(channel: string, message: Buffer | string): Promise<unknown>
  subscribe(channel: string): Promise<unknown>
  psubscribe(pattern: string): Promise<unknown>
  unsubscribe(channel: string): Promise<unknown>
  punsubscribe(pattern: string): Promise<unknown>
}

const METHODS = [
  "on",
  "connect",
  "call",
  "publish",
  "subscribe",
  "psubscribe",
  "unsubscribe",
  "punsubscribe",
]

/** Whether a value is a client or a cluster of ioredis. */
export function isIoredisClient(value: object): value is IoredisClient {
  return typeof Reflect.get(value, "status") === "string" && hasMethods(value, METHODS)
}

/** A connection through ioredis 5 or 6. */
export class IoredisConnection extends EmittingConnection implements RedisConnection {
  readonly #client: IoredisClient
  readonly ordered = true
  #changed = () => {}

  constructor(client: IoredisClient) {
    super()
    this.#client = client
    listenForErrors(client, () => this.#changed())
    // With `lazyConnect`, a client waits for its first command, and none is sent before it is ready.
    // A failure is emitted as "error" too, and the client tries again by itself.
    if (client.status === "wait") client.connect().catch(() => {})
  }

  get ready(): boolean {
    return this.#client.status === "ready"
  }

  attach(changed: () => void): void {
    this.#changed = changed
    for (const event of ["ready", "close", "end"]) this.#client.on(event, changed)
    this.listen(this.#client, "Buffer")
  }

  publish(channel: string, message: Uint8Array | string): Promise<number> {
    // No async function: it would add two promises to each message.
    return this.#client.publish(channel, payloadOf(message)) as Promise<number>
  }

  async count(channels: readonly string[]): Promise<number[]> {
    return countsOf(channels, await this.#client.call("PUBSUB", "NUMSUB", ...channels))
  }

  protected send(command: SubscriptionCommand, name: string): Promise<unknown> {
    return this.#client[command](name)
  }
}
