import type { Buffer } from "node:buffer"
import {
  asBuffer,
  type ClientEvents,
  hasMethods,
  listenForErrors,
  type RedisConnection,
  type Subscription,
} from "./connection.ts"

/** What is used of a client of ioredis 5 or 6. */
export interface IoredisClient extends ClientEvents {
  readonly status: string
  connect(): Promise<unknown>
  publish(channel: string, message: Buffer): Promise<unknown>
  subscribe(channel: string): Promise<unknown>
  psubscribe(pattern: string): Promise<unknown>
  unsubscribe(channel: string): Promise<unknown>
  punsubscribe(pattern: string): Promise<unknown>
}

const METHODS = [
  "on",
  "connect",
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

/** A connection through ioredis 5 or 6, which emits the messages of all names on one event. */
export class IoredisConnection implements RedisConnection {
  readonly #client: IoredisClient
  readonly #subscriptions = {
    channel: new Map<string, Subscription>(),
    pattern: new Map<string, Subscription>(),
  }
  #changed = () => {}

  constructor(client: IoredisClient) {
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
    this.#client.on("messageBuffer", (channel, message) => {
      this.#subscriptions.channel
        .get(String(channel))
        ?.receive(message as Buffer, channel as Buffer)
    })
    this.#client.on("pmessageBuffer", (pattern, channel, message) => {
      this.#subscriptions.pattern
        .get(String(pattern))
        ?.receive(message as Buffer, channel as Buffer)
    })
  }

  publish(channel: string, message: Uint8Array): Promise<number> {
    // No async function: it would add two promises to each message.
    return this.#client.publish(channel, asBuffer(message)) as Promise<number>
  }

  async subscribe(subscription: Subscription): Promise<void> {
    const { kind, name } = subscription
    this.#subscriptions[kind].set(name, subscription)
    if (kind === "pattern") await this.#client.psubscribe(name)
    else await this.#client.subscribe(name)
  }

  async unsubscribe({ kind, name }: Subscription): Promise<void> {
    this.#subscriptions[kind].delete(name)
    if (kind === "pattern") await this.#client.punsubscribe(name)
    else await this.#client.unsubscribe(name)
  }
}
