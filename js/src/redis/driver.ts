import { type ClientEvents, listenForErrors, type RedisConnection } from "./connection.ts"
import { type Deployment, DeploymentConnection } from "./deployment.ts"
import { Drivers } from "./drivers.ts"
import { type IoredisClient, IoredisConnection, isIoredisClient } from "./ioredis.ts"
import { type IoredisCluster, IoredisDeployment, isIoredisCluster } from "./ioredis-cluster.ts"
import { isMemoryBus, type MemoryBus } from "./memory.ts"
import { isNodeRedis3Client, type NodeRedis3Client, NodeRedis3Connection } from "./node-redis-3.ts"
import { isNodeRedis4Client, NodeRedis4Connection } from "./node-redis-4.ts"
import { isNodeRedisClient, type NodeRedisClient, NodeRedisConnection } from "./node-redis.ts"
import {
  isNodeRedisCluster,
  type NodeRedisCluster,
  NodeRedisClusterDeployment,
} from "./node-redis-cluster.ts"
import {
  isNodeRedisSentinel,
  type NodeRedisSentinel,
  NodeRedisSentinelDeployment,
} from "./node-redis-sentinel.ts"

/** Whether a name is a glob (`PSUBSCRIBE`) or is taken as it is written (`SUBSCRIBE`). */
export type SubscriptionKind = "channel" | "pattern"

/**
 * What is called for each message. Both arguments are raw bytes, never text; the channel is the one
 * that was published to, also for a pattern. It never throws: what it threw would reach the client.
 */
export type MessageListener = (channel: Uint8Array, message: Uint8Array) => void

/** What the core needs of a pair of Redis connections: bytes and events, no decisions. */
export interface RedisDriver {
  /**
   * Whether the subscribing connection can take a subscription now; for shard channels of a cluster, whether
   * its client is open and it is known which server has which slot.
   */
  readonly ready: boolean

  /** How many messages the subscribing connection has brought so far, whomever they were for. */
  readonly heard: number

  /** Whether Redis publishes and counts in the order in which it is asked; not on a cluster. */
  readonly ordered: boolean

  /**
   * Publishes the bytes as they are, without a copy (they must not change until the promise settles), or
   * a text in UTF-8, which clients send in one piece. Gives the number of subscribers that Redis reports:
   * on a cluster, those at one server. What one driver publishes arrives in that order, on a cluster too,
   * where shard channels keep the order of each one, and not among each other.
   * When a connection breaks, Redis may still have, or be about to read, what it had not answered: clients
   * of ioredis repeat it, and those of node-redis report it as failed, which may arrive all the same, then
   * even after what was published later.
   * Never throws; rejects with the client's own error. While the connection is down, a client of one
   * server decides whether to queue; with several servers, what is published waits for one that takes it,
   * and is rejected with `ERR_NOT_READY` once an attempt to reach them has failed after 5 seconds or more
   * (attempts at servers that do not answer take seconds themselves), or the client is closed. A connection
   * that takes messages and answers none of them for about 20 seconds is dropped for another.
   */
  publish(channel: string, message: Uint8Array | string): Promise<number>

  /**
   * How many servers of the whole deployment subscribe to each channel by name: the connections
   * that Redis counts, on a cluster those of every node that answers, and one for each further listener
   * here, since adapters that share a connection are one to Redis. Rejects with the client's own error.
   */
  count(channels: readonly string[]): Promise<number[]>

  /**
   * Adds the listener to a name and gives when Redis has confirmed the subscription on the connection
   * of the moment. Rejects with `ERR_NOT_READY`, which changes nothing, with `ERR_CONNECTION_LOST` or
   * with the client's own error, after which the listener still stands. Whenever `watch` reports the
   * connection ready, ask again for every name. Shard channels that are asked for in one turn of the event
   * loop are asked for together, and each settles by itself; they may be refused while a cluster changes.
   * `anew` ends the subscription in Redis first, for a client that has become deaf; otherwise asking again
   * on the same connection changes nothing.
   */
  subscribe(
    kind: SubscriptionKind,
    name: string,
    listener: MessageListener,
    anew?: boolean,
  ): Promise<void>

  /**
   * Takes the listener off at once; the last one of a name also ends the subscription in Redis, now
   * or when the connection is back. Never rejects, and never waits longer than the connection lives.
   */
  unsubscribe(kind: SubscriptionKind, name: string, listener: MessageListener): Promise<void>

  /**
   * Drops the subscribing connection, if it is ready, so that the client makes another one; `watch` reports
   * it as any other loss.
   */
  reconnect(): void

  /**
   * Reports each time the subscribing connection becomes ready or is lost, from now on (see `ready`
   * for how it is now). Gives a function that ends the watch.
   * `onEnded` is called for each single name that Redis had confirmed and that is subscribed to no more,
   * though the driver is ready: shard channels of a cluster are subscribed to at the server that has their
   * slot, which can lose it, or fail. The listeners still stand; ask again for that name, as often as
   * that is rejected. Until then, its messages are lost. A name that is only being asked for is told by the
   * rejection alone. It never throws, and may be called at any time, also from inside of another call.
   */
  watch(
    onReady: () => void,
    onLost: () => void,
    onEnded?: (kind: SubscriptionKind, name: string) => void,
  ): () => void
}

/** What a driver can be made for: a Redis client, or the bus that stands in for two. */
export type RedisClient =
  | IoredisClient
  | IoredisCluster
  | MemoryBus
  | NodeRedis3Client
  | NodeRedisClient
  | NodeRedisCluster
  | NodeRedisSentinel

const drivers = new Drivers(recognise)

/**
 * The driver of a pair of Redis clients: always the same one for the same pair, and one set of
 * subscriptions for the same subscribing client. The clients are told apart by what they can do. A
 * memory bus in place of both is its own driver.
 * Throws `ERR_UNKNOWN_REDIS_CLIENT` for anything that is no client of node-redis 3-6 or ioredis 5-6.
 */
export function driverFor(pubClient: unknown, subClient: unknown): RedisDriver {
  if (isMemoryBus(pubClient) && pubClient === subClient) return pubClient
  return drivers.of(pubClient, subClient)
}

function recognise(client: object): (() => RedisConnection) | undefined {
  const deployed = (deployment: Deployment) => {
    listenForErrors(client as ClientEvents, () => {})
    return new DeploymentConnection(deployment)
  }
  if (isNodeRedisCluster(client)) return () => deployed(new NodeRedisClusterDeployment(client))
  if (isNodeRedisSentinel(client)) return () => deployed(new NodeRedisSentinelDeployment(client))
  if (isNodeRedis4Client(client)) return () => new NodeRedis4Connection(client)
  if (isNodeRedisClient(client)) return () => new NodeRedisConnection(client)
  if (isIoredisCluster(client)) return () => deployed(new IoredisDeployment(client))
  if (isIoredisClient(client)) return () => new IoredisConnection(client)
  if (isNodeRedis3Client(client)) return () => new NodeRedis3Connection(client)
  return undefined
}
