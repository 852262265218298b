// Checked by tsc alone: the clients of every supported package are what our types ask for.
import type { Cluster as Ioredis5Cluster, Redis as Ioredis5 } from "ioredis5"
import type { Cluster as Ioredis6Cluster, Redis as Ioredis6 } from "ioredis6"
import type { RedisClient as Redis3 } from "redis3"
import type { createClient as createRedis4, createCluster as createCluster4 } from "redis4"
import type {
  createClient as createRedis5,
  createCluster as createCluster5,
  createSentinel as createSentinel5,
} from "redis5"
import type {
  createClient as createRedis6,
  createCluster as createCluster6,
  createSentinel as createSentinel6,
} from "redis6"
import type { RedisClient } from "../../js/src/redis/driver.ts"
import type { IoredisClient } from "../../js/src/redis/ioredis.ts"
import type { IoredisCluster } from "../../js/src/redis/ioredis-cluster.ts"
import type { NodeRedis3Client } from "../../js/src/redis/node-redis-3.ts"
import type { NodeRedisClient } from "../../js/src/redis/node-redis.ts"
import type { NodeRedisCluster } from "../../js/src/redis/node-redis-cluster.ts"
import type { NodeRedisSentinel } from "../../js/src/redis/node-redis-sentinel.ts"

type Accepts<Target, Source extends Target> = [Target, Source]

export type Clients = [
  Accepts<NodeRedis3Client, Redis3>,
  Accepts<NodeRedisClient, ReturnType<typeof createRedis4>>,
  Accepts<NodeRedisClient, ReturnType<typeof createRedis5>>,
  Accepts<NodeRedisClient, ReturnType<typeof createRedis6>>,
  Accepts<IoredisClient, Ioredis5>,
  Accepts<IoredisClient, Ioredis6>,
]

export type Clusters = [
  Accepts<NodeRedisCluster, ReturnType<typeof createCluster4>>,
  Accepts<NodeRedisCluster, ReturnType<typeof createCluster5>>,
  Accepts<NodeRedisCluster, ReturnType<typeof createCluster6>>,
  Accepts<NodeRedisSentinel, ReturnType<typeof createSentinel5>>,
  Accepts<NodeRedisSentinel, ReturnType<typeof createSentinel6>>,
  Accepts<IoredisCluster, Ioredis5Cluster>,
  Accepts<IoredisCluster, Ioredis6Cluster>,
]

export type Others = [
  // @ts-expect-error a URL is no client
  Accepts<RedisClient, string>,
  // @ts-expect-error nor is what `connect()` promises before it is awaited
  Accepts<RedisClient, Promise<Ioredis5>>,
  // @ts-expect-error nor one that can only publish
  Accepts<RedisClient, Pick<Ioredis5, "publish" | "on" | "status">>,
]
