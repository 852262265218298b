import { AdapterError } from "../errors.ts"
import type { RedisConnection } from "./connection.ts"
import { type IoredisClient, IoredisConnection, isIoredisClient } from "./ioredis.ts"
import { isNodeRedis3Client, type NodeRedis3Client, NodeRedis3Connection } from "./node-redis-3.ts"
import { isNodeRedisClient, type NodeRedisClient, NodeRedisConnection } from "./node-redis.ts"
import { Subscriptions } from "./subscriptions.ts"

/** Whether a name is a glob (`PSUBSCRIBE`) or is taken as it is written (`SUBSCRIBE`). */
export type SubscriptionKind = "channel" | "pattern"

/**
 * What is called for each message. Both arguments are raw bytes, never text; the channel is the one
 * that was published to, also for a pattern.
 */
export type MessageListener = (channel: Uint8Array, message: Uint8Array) => void

/** What the core needs of a pair of Redis connections: bytes and events, no decisions. */
export interface RedisDriver {
  /** Whether the subscribing connection can take a subscription now. */
  readonly ready: boolean

  /**
   * Publishes the bytes as they are, without a copy: they must not change until the promise settles.
   * Gives the number of subscribers that Redis reports. Never throws; rejects with the client's own error; while
   * the connection is down, the client decides whether to queue.
   */
  publish(channel: string, message: Uint8Array): Promise<number>

  /**
   * Adds the listener to a name and gives when Redis has confirmed the subscription on the connection
   * of the moment. Rejects with `ERR_NOT_READY`, which changes nothing, with `ERR_CONNECTION_LOST` or
   * with the client's own error, after which the listener still stands. Whenever `watch` reports the
   * connection ready, ask again for every name. Asking again with a listener on the same connection
   * ends the subscription in Redis and makes it anew: for a client that has become deaf.
   */
  subscribe(kind: SubscriptionKind, name: string, listener: MessageListener): Promise<void>

  /**
   * Takes the listener off at once; the last one of a name also ends the subscription in Redis, now
   * or when the connection is back. Never rejects, and never waits longer than the connection lives.
   */
  unsubscribe(kind: SubscriptionKind, name: string, listener: MessageListener): Promise<void>

  /**
   * Reports each time the subscribing connection becomes ready or is lost, from now on (see `ready`
   * for how it is now), and what listeners throw: an error of one listener stops neither the
   * connection nor the other listeners. Gives a function that ends the watch.
   */
  watch(
    onReady: () => void,
    onLost: () => void,
    onListenerError: (error: unknown) => void,
  ): () => void
}

/** A Redis client that a driver can be made for. */
export type RedisClient = IoredisClient | NodeRedis3Client | NodeRedisClient

const connections = new WeakMap<object, RedisConnection>()
const subscriptions = new WeakMap<RedisConnection, Subscriptions>()
const drivers = new WeakMap<Subscriptions, WeakMap<RedisConnection, RedisDriver>>()

/**
 * The driver of a pair of Redis clients: always the same one for the same pair, and one set of
 * subscriptions for the same subscribing client. The clients are told apart by what they can do.
 * Throws `ERR_UNKNOWN_REDIS_CLIENT` for anything that is no client of node-redis 3-6 or ioredis 5-6.
 */
export function driverFor(pubClient: unknown, subClient: unknown): RedisDriver {
  const publisher = connectionOf("pubClient", pubClient)
  const subscriber = connectionOf("subClient", subClient)
  const shared = remembered(subscriptions, subscriber, () => new Subscriptions(subscriber))
  const ofSubscriber = remembered(drivers, shared, () => new WeakMap())
  return remembered(ofSubscriber, publisher, () => pair(publisher, shared))
}

function pair(publisher: RedisConnection, shared: Subscriptions): RedisDriver {
  return {
    get ready() {
      return shared.ready
    },
    publish(channel, message) {
      try {
        return publisher.publish(channel, message)
      } catch (error) {
        return Promise.reject(error)
      }
    },
    subscribe: (kind, name, listener) => shared.subscribe(kind, name, listener),
    unsubscribe: (kind, name, listener) => shared.unsubscribe(kind, name, listener),
    watch: (onReady, onLost, onListenerError) => shared.watch(onReady, onLost, onListenerError),
  }
}

function connectionOf(role: string, client: unknown): RedisConnection {
  const connect = typeof client === "object" && client !== null ? recognise(client) : undefined
  if (!connect) {
    throw new AdapterError(
      "ERR_UNKNOWN_REDIS_CLIENT",
      `${role} must be a client of node-redis 3-6 or of ioredis 5-6, not ${describe(client)}`,
    )
  }
  return remembered(connections, client as object, connect)
}

function recognise(client: object): (() => RedisConnection) | undefined {
  if (isNodeRedisClient(client)) return () => new NodeRedisConnection(client)
  if (isIoredisClient(client)) return () => new IoredisConnection(client)
  if (isNodeRedis3Client(client)) return () => new NodeRedis3Connection(client)
  return undefined
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (typeof value !== "object") return `a ${typeof value}`
  return `an object of class ${value.constructor?.name ?? "(none)"}`
}

function remembered<K extends object, V>(map: WeakMap<K, V>, key: K, make: () => V): V {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}
