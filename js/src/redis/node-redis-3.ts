import type { Buffer } from "node:buffer"
import {
  asBuffer,
  type ClientEvents,
  hasMethods,
  listenForErrors,
  type RedisConnection,
  type Subscription,
} from "./connection.ts"

type Callback = (error: Error | null, reply: unknown) => void

/** What is used of a client of node-redis (the npm package `redis`) 3, with its callbacks. */
export interface NodeRedis3Client extends ClientEvents {
  readonly connected: boolean
  /** In the code of 3.1, but not in @types/redis 2.8. */
  readonly ready?: boolean
  readonly options?: { readonly return_buffers?: boolean | null }
  /** Takes Buffers, whatever @types/redis 2.8 says: `never` agrees with both. */
  publish(channel: string, message: never, callback: Callback): unknown
  subscribe(channel: string, callback: Callback): unknown
  psubscribe(pattern: string, callback: Callback): unknown
  unsubscribe(channel: string, callback: Callback): unknown
  punsubscribe(pattern: string, callback: Callback): unknown
}

const METHODS = ["on", "publish", "subscribe", "psubscribe", "unsubscribe", "punsubscribe"]

/** Whether a value is a client of node-redis 3. */
export function isNodeRedis3Client(value: object): value is NodeRedis3Client {
  return typeof Reflect.get(value, "connected") === "boolean" && hasMethods(value, METHODS)
}

/** A connection through node-redis 3, which emits the messages of all names on one event. */
export class NodeRedis3Connection implements RedisConnection {
  readonly #client: NodeRedis3Client
  readonly #subscriptions = {
    channel: new Map<string, Subscription>(),
    pattern: new Map<string, Subscription>(),
  }
  #changed = () => {}

  constructor(client: NodeRedis3Client) {
    this.#client = client
    listenForErrors(client, () => this.#changed())
  }

  /** Not `connected`: the client still asks Redis then whether it has loaded its data. */
  get ready(): boolean {
    return this.#client.ready === true
  }

  attach(changed: () => void): void {
    this.#changed = changed
    for (const event of ["ready", "end", "reconnecting"]) this.#client.on(event, changed)
    // With `return_buffers` the plain events carry Buffers and the others are never emitted; without
    // it, listening to "message_buffer" is what makes the client keep the bytes (redis 3.1.2).
    const suffix = this.#client.options?.return_buffers ? "" : "_buffer"
    this.#client.on(`message${suffix}`, (channel, message) => {
      this.#subscriptions.channel
        .get(String(channel))
        ?.receive(message as Buffer, channel as Buffer)
    })
    this.#client.on(`pmessage${suffix}`, (pattern, channel, message) => {
      this.#subscriptions.pattern
        .get(String(pattern))
        ?.receive(message as Buffer, channel as Buffer)
    })
  }

  async publish(channel: string, message: Uint8Array): Promise<number> {
    const bytes = asBuffer(message) as never
    return Number(await answer((callback) => this.#client.publish(channel, bytes, callback)))
  }

  async subscribe(subscription: Subscription): Promise<void> {
    const { kind, name } = subscription
    const command = kind === "pattern" ? "psubscribe" : "subscribe"
    this.#subscriptions[kind].set(name, subscription)
    await answer((callback) => this.#client[command](name, callback))
  }

  async unsubscribe({ kind, name }: Subscription): Promise<void> {
    const command = kind === "pattern" ? "punsubscribe" : "unsubscribe"
    this.#subscriptions[kind].delete(name)
    await answer((callback) => this.#client[command](name, callback))
  }
}

function answer(send: (callback: Callback) => void): Promise<unknown> {
  return new Promise((resolve, reject) => {
    send((error, reply) => (error ? reject(error) : resolve(reply)))
  })
}
