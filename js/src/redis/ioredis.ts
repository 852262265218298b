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
import { WaitingLine } from "./waiting-line.ts"

/** What is used of a client of ioredis 5 or 6. */
export interface IoredisClient extends ClientEvents {
  readonly status: string
  connect(): Promise<unknown>
  call(command: string, ...args: string[]): Promise<unknown>
  disconnect(reconnect?: boolean): void
  publish(channel: string, message: Buffer | string): Promise<unknown>
  subscribe(channel: string): Promise<unknown>
  psubscribe(pattern: string): Promise<unknown>
  unsubscribe(channel: string): Promise<unknown>
  punsubscribe(pattern: string): Promise<unknown>
  /** New in 5.1. */
  ssubscribe?(...channels: string[]): Promise<unknown>
}

const METHODS = [
  "on",
  "connect",
  "call",
  "disconnect",
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
  protected readonly client: IoredisClient
  readonly ordered = true
  readonly settingUp = false
  #changed = () => {}
  /** What waits for a connection that is being set up to be ready, or lost. */
  readonly #line = new WaitingLine<IoredisClient>()

  constructor(client: IoredisClient) {
    super()
    this.client = client
    listenForErrors(client, () => this.#changed())
    for (const event of ["ready", "close"]) client.on(event, () => this.#line.release(client))
  }

  get ready(): boolean {
    return this.client.status === "ready"
  }

  get publishes(): boolean {
    return this.ready
  }

  attach(changed: () => void): void {
    this.#changed = changed
    for (const event of ["ready", "close", "end"]) this.client.on(event, changed)
    this.listen(this.client, "Buffer")
    handleRestored(this.client)
    // With `lazyConnect`, a client waits for its first command, and none is sent here before it is ready.
    // A failure is emitted as "error" too, and the client tries again by itself.
    if (this.client.status === "wait") this.client.connect().catch(() => {})
  }

  publish(channel: string, message: Uint8Array | string): Promise<number> {
    // No async function: it would add two promises to each message.
    return this.inOrder((client) => client.publish(channel, payloadOf(message)) as Promise<number>)
  }

  async count(channels: readonly string[]): Promise<number[]> {
    const reply = await this.inOrder((client) => client.call("PUBSUB", "NUMSUB", ...channels))
    return countsOf(channels, reply)
  }

  /** A connection that answers nothing is gone after the client's `disconnectTimeout`, 2 s by default. */
  reconnect(): void {
    this.client.disconnect(true)
  }

  protected send(command: SubscriptionCommand, name: string): Promise<unknown> {
    return this.client[command](name)
  }

  /**
   * While it is being set up, a connection takes what is sent then before what the client has kept for it
   * until it is ready (`sendCommand` of ioredis 5.11): that waits here instead.
   */
  protected inOrder<T>(send: (client: IoredisClient) => Promise<T>): Promise<T> {
    if (this.client.status !== "connect" && this.#line.empty) return send(this.client)
    return this.#line.join(send)
  }
}

/**
 * When it is connected again, the client subscribes by itself to what it was subscribed to, and drops
 * the promises: what Redis refuses then would end the process (`readyHandler` of ioredis 5.11 and 6.0).
 */
function handleRestored(client: IoredisClient): void {
  let restoring = client.status !== "ready"
  client.on("close", () => {
    restoring = true
  })
  client.on("ready", () => {
    restoring = false
  })
  for (const command of ["psubscribe", "ssubscribe", "subscribe"] as const) {
    const send = client[command]
    if (!send) continue
    client[command] = (...names: never[]) => {
      const answer = send.apply(client, names)
      if (restoring) answer.catch(() => {})
      return answer
    }
  }
}
