import {
  type ClientEvents,
  countsOf,
  hasMethods,
  listenForErrors,
  payloadOf,
  type RedisConnection,
} from "./connection.ts"
import { EmittingConnection, type SubscriptionCommand } from "./emitting-connection.ts"

type Callback = (error: Error | null, reply: unknown) => void

/** What is used of a client of node-redis (the npm package `redis`) 3, with its callbacks. */
export interface NodeRedis3Client extends ClientEvents {
  readonly connected: boolean
  /** In the code of 3.1, but not in @types/redis 2.8. */
  readonly ready?: boolean
  readonly options?: { readonly return_buffers?: boolean | null }
  /** In the code of 3.1, but not in @types/redis 2.8. */
  readonly stream?: { destroy(): unknown }
  /** Takes Buffers, whatever @types/redis 2.8 says: `never` agrees with both. */
  publish(channel: string, message: never, callback: Callback): unknown
  pubsub(...args: (string | Callback)[]): unknown
  subscribe(channel: string, callback: Callback): unknown
  psubscribe(pattern: string, callback: Callback): unknown
  unsubscribe(channel: string, callback: Callback): unknown
  punsubscribe(pattern: string, callback: Callback): unknown
}

const METHODS = [
  "on",
  "publish",
  "pubsub",
  "subscribe",
  "psubscribe",
  "unsubscribe",
  "punsubscribe",
]

/** Whether a value is a client of node-redis 3. */
export function isNodeRedis3Client(value: object): value is NodeRedis3Client {
  return typeof Reflect.get(value, "connected") === "boolean" && hasMethods(value, METHODS)
}

/** A connection through node-redis 3. */
export class NodeRedis3Connection extends EmittingConnection implements RedisConnection {
  readonly #client: NodeRedis3Client
  readonly ordered = true
  readonly settingUp = false
  #changed = () => {}

  constructor(client: NodeRedis3Client) {
    super()
    this.#client = client
    listenForErrors(client, () => this.#changed())
  }

  /** Not `connected`: the client still asks Redis then whether it has loaded its data. */
  get ready(): boolean {
    return this.#client.ready === true
  }

  get publishes(): boolean {
    return this.ready
  }

  attach(changed: () => void): void {
    this.#changed = changed
    for (const event of ["ready", "end", "reconnecting"]) this.#client.on(event, changed)
    // With `return_buffers` the plain events carry Buffers and the others are never emitted; without
    // it, listening to "message_buffer" is what makes the client keep the bytes (redis 3.1.2).
    this.listen(this.#client, this.#client.options?.return_buffers ? "" : "_buffer")
  }

  async publish(channel: string, message: Uint8Array | string): Promise<number> {
    const payload = payloadOf(message) as never
    return Number(await answer((callback) => this.#client.publish(channel, payload, callback)))
  }

  async count(channels: readonly string[]): Promise<number[]> {
    const reply = await answer((callback) => this.#client.pubsub("NUMSUB", ...channels, callback))
    return countsOf(channels, reply)
  }

  reconnect(): void {
    // What can be told the client itself ends it for good.
    this.#client.stream?.destroy()
  }

  protected send(command: SubscriptionCommand, name: string): Promise<unknown> {
    return answer((callback) => this.#client[command](name, callback))
  }
}

function answer(send: (callback: Callback) => void): Promise<unknown> {
  return new Promise((resolve, reject) => {
    send((error, reply) => (error ? reject(error) : resolve(reply)))
  })
}
