import { AdapterError } from "../errors.ts"
import { type ClientEvents, listenForErrors, type RedisConnection } from "./connection.ts"
import { DeploymentConnection } from "./deployment.ts"
import type { RedisDriver } from "./driver.ts"
import { Drivers } from "./drivers.ts"
import { isIoredisClient } from "./ioredis.ts"
import { isIoredisCluster } from "./ioredis-cluster.ts"
import {
  lackOfIoredis,
  ShardedIoredisCluster,
  ShardedIoredisConnection,
} from "./ioredis-sharded.ts"
import { isMemoryBus } from "./memory.ts"
import { isNodeRedis3Client } from "./node-redis-3.ts"
import { isNodeRedis4Client, NodeRedis4Connection } from "./node-redis-4.ts"
import { isNodeRedisBase, isNodeRedisClient } from "./node-redis.ts"
import { isNodeRedisCluster } from "./node-redis-cluster.ts"
import { isNodeRedisSentinel, NodeRedisSentinelDeployment } from "./node-redis-sentinel.ts"
import {
  lackOfNodeRedis,
  ShardedNodeRedisCluster,
  ShardedNodeRedisConnection,
} from "./node-redis-sharded.ts"
import { type ShardedCluster, ShardedClusterConnection } from "./sharded-cluster.ts"

const drivers = new Drivers(recognise)

/**
 * The driver of a pair of Redis clients for shard channels (Redis 7): `SPUBLISH`, `SSUBSCRIBE` and
 * `PUBSUB SHARDNUMSUB` in place of the commands without S, and no patterns, which Redis does not have there.
 * Otherwise as `driverFor`, whose drivers the same clients can have besides. A memory bus in place of both
 * has shard channels too.
 * Throws `ERR_UNKNOWN_REDIS_CLIENT` for what is no client, and `ERR_UNSUPPORTED_CLIENT` for one that has no
 * shard channels (node-redis 3 and old versions of the others), or would rename them.
 */
export function shardedDriverFor(pubClient: unknown, subClient: unknown): RedisDriver {
  if (isMemoryBus(pubClient) && pubClient === subClient) return pubClient.sharded
  return drivers.of(pubClient, subClient)
}

function recognise(client: object): (() => RedisConnection) | undefined {
  const lack = lackOf(client)
  if (lack) throw new AdapterError("ERR_UNSUPPORTED_CLIENT", lack)
  const handled = <Connection>(connection: Connection): Connection => {
    listenForErrors(client as ClientEvents, () => {})
    return connection
  }
  const inCluster = (cluster: ShardedCluster) => handled(new ShardedClusterConnection(cluster))
  if (isNodeRedisCluster(client)) return () => inCluster(new ShardedNodeRedisCluster(client))
  if (isNodeRedisSentinel(client)) {
    const deployment = new NodeRedisSentinelDeployment(client, ShardedNodeRedisConnection)
    return () => handled(new DeploymentConnection(deployment))
  }
  if (isNodeRedis4Client(client)) {
    return () => new NodeRedis4Connection(client, ShardedNodeRedisConnection)
  }
  if (isNodeRedisClient(client)) return () => new ShardedNodeRedisConnection(client)
  if (isIoredisCluster(client)) return () => inCluster(new ShardedIoredisCluster(client))
  if (isIoredisClient(client)) return () => new ShardedIoredisConnection(client)
  return undefined
}

/** Why a client that is known cannot do; nothing where it can, or is none. */
function lackOf(client: object): string | undefined {
  if (isNodeRedisBase(client)) return lackOfNodeRedis(client)
  if (isIoredisClient(client)) return lackOfIoredis(client)
  if (isNodeRedis3Client(client)) {
    return "node-redis 3 has no shard channels: use redis 4.7 or newer, or ioredis 5.11 or newer"
  }
  return undefined
}
