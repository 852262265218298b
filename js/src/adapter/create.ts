import { driverFor, type RedisClient } from "../redis/driver.ts"
import { shardedDriverFor } from "../redis/sharded-driver.ts"
import { isMemoryBus, type MemoryBus } from "../redis/memory.ts"
import type { Namespace } from "../socket-io.ts"
import type { RedisAdapterOptions, ShardedRedisAdapterOptions } from "./options.ts"
import { RedisAdapter } from "./redis-adapter.ts"
import { ShardedRedisAdapter } from "./sharded-adapter.ts"

// One list of tuples of one length, no overloads: of those, `Parameters` and what `require()` gives
// would keep the last one only.
type Arguments<Options> =
  | [pubClient: RedisClient, subClient: RedisClient, opts?: Options | undefined]
  | [bus: MemoryBus, opts?: Options | undefined, nothing?: undefined]

/**
 * Makes what the `adapter` option of a Socket.IO server takes. Both clients are node-redis 3-6 or
 * ioredis 5-6, of one server, a cluster or sentinels; the second one is put into subscriber mode, so
 * it has to be a connection of its own. Or a bus takes the place of both and of Redis: the servers of
 * this process that are given the same one are a cluster.
 *
 * Throws an `AdapterError`: `ERR_UNKNOWN_REDIS_CLIENT` here, the codes of options when a server is made.
 */
export function createAdapter(
  ...args: Arguments<RedisAdapterOptions>
): (nsp: Namespace) => RedisAdapter {
  const [pubClient, subClient, opts] = clientsOf(args)
  driverFor(pubClient, subClient)
  // No arrow function: Socket.IO calls it with `new`.
  return function adapter(nsp: Namespace) {
    return new RedisAdapter(nsp, pubClient, subClient, opts)
  }
}

/**
 * As `createAdapter`, for the sharded pub/sub of Redis 7, which spreads the channels over the servers of a Redis
 * Cluster: both clients are node-redis 4-6 or ioredis 5-6.
 *
 * Throws an `AdapterError`: `ERR_UNKNOWN_REDIS_CLIENT` or `ERR_UNSUPPORTED_CLIENT` here, the codes of options when a
 * server is made.
 */
export function createShardedAdapter(
  ...args: Arguments<ShardedRedisAdapterOptions>
): (nsp: Namespace) => ShardedRedisAdapter {
  const [pubClient, subClient, opts] = clientsOf(args)
  shardedDriverFor(pubClient, subClient)
  return function adapter(nsp: Namespace) {
    return new ShardedRedisAdapter(nsp, pubClient, subClient, opts)
  }
}

function clientsOf<Options>(
  args: Arguments<Options>,
): [RedisClient, RedisClient, Options | undefined] {
  const [first, second, third] = args
  const isClient = typeof Reflect.get(Object(second), "on") === "function"
  if (isMemoryBus(first) && !isMemoryBus(second) && !isClient) {
    return [first, first, second as Options | undefined]
  }
  return [first, second as RedisClient, third]
}
