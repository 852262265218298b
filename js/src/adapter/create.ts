import { driverFor, type RedisClient } from "../redis/driver.ts"
import type { Namespace } from "../socket-io.ts"
import { RedisAdapter, type RedisAdapterOptions } from "./redis-adapter.ts"

/**
 * Makes what the `adapter` option of a Socket.IO server takes. Both clients are node-redis 3-6 or
 * ioredis 5-6; the second one is put into subscriber mode, so it has to be a connection of its own.
 *
 * Throws an `AdapterError`: `ERR_UNKNOWN_REDIS_CLIENT` here, the codes of options when a server is made.
 */
export function createAdapter(
  pubClient: RedisClient,
  subClient: RedisClient,
  opts?: RedisAdapterOptions,
): (nsp: Namespace) => RedisAdapter {
  driverFor(pubClient, subClient)
  // No arrow function: Socket.IO calls it with `new`.
  return function adapter(nsp: Namespace) {
    return new RedisAdapter(nsp, pubClient, subClient, opts)
  }
}
