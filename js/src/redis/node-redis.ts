import type { Buffer } from "node:buffer"
import {
  asBuffer,
  type ClientEvents,
  hasMethods,
  listenForErrors,
  type RedisConnection,
  type Subscription,
} from "./connection.ts"

type Listener = (message: Buffer, channel: Buffer) => void

/** What is used of a client of node-redis (the npm package `redis`) 4, 5 or 6. */
export interface NodeRedisClient extends ClientEvents {
  readonly isOpen: boolean
  /** Clusters of node-redis 4 and 5 have none. */
  readonly isReady?: boolean
  publish(channel: string, message: Buffer): Promise<unknown>
  subscribe(channel: string, listener: Listener, bufferMode: true): Promise<unknown>
  pSubscribe(pattern: string, listener: Listener, bufferMode: true): Promise<unknown>
  /** The types of clusters and sentinels ask for a listener of text even here: `never` fits all. */
  unsubscribe(channel: string, listener: never, bufferMode: true): Promise<unknown>
  pUnsubscribe(pattern: string, listener: never, bufferMode: true): Promise<unknown>
}

const METHODS = ["on", "publish", "subscribe", "pSubscribe", "unsubscribe", "pUnsubscribe"]

// "terminated" is new in 6. Clusters report "connect" and "disconnect" only.
const CHANGES = ["connect", "disconnect", "end", "ready", "reconnecting", "terminated"]

/** Whether a value is a client, a cluster or a sentinel of node-redis 4 or newer. */
export function isNodeRedisClient(value: object): value is NodeRedisClient {
  return typeof Reflect.get(value, "isOpen") === "boolean" && hasMethods(value, METHODS)
}

/**
 * A connection through node-redis 4, 5 or 6. The client keeps a set of listeners for each name and
 * subscribes again by itself before it says "ready" (`PubSub.resubscribe` in @redis/client 1.6, 5.12
 * and 6.3); passing the same listener again is what keeps a message from arriving twice.
 */
export class NodeRedisConnection implements RedisConnection {
  readonly #client: NodeRedisClient
  #changed = () => {}

  constructor(client: NodeRedisClient) {
    this.#client = client
    // A connection that is lost for good is told by "error" alone in 4 and 5.
    listenForErrors(client, () => this.#changed())
  }

  get ready(): boolean {
    return this.#client.isReady ?? this.#client.isOpen
  }

  attach(changed: () => void): void {
    this.#changed = changed
    for (const event of CHANGES) this.#client.on(event, changed)
  }

  publish(channel: string, message: Uint8Array): Promise<number> {
    // No async function: it would add two promises to each message.
    return this.#client.publish(channel, asBuffer(message)) as Promise<number>
  }

  async subscribe({ kind, name, receive }: Subscription): Promise<void> {
    if (kind === "pattern") await this.#client.pSubscribe(name, receive, true)
    else await this.#client.subscribe(name, receive, true)
  }

  async unsubscribe({ kind, name, receive }: Subscription): Promise<void> {
    if (kind === "pattern") await this.#client.pUnsubscribe(name, receive as never, true)
    else await this.#client.unsubscribe(name, receive as never, true)
  }
}
