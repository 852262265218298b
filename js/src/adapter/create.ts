import { driverFor, type RedisClient } from "../redis/driver.ts"
import { isMemoryBus, type MemoryBus } from "../redis/memory.ts"
import type { Namespace } from "../socket-io.ts"
import type { RedisAdapterOptions } from "./options.ts"
import { RedisAdapter } from "./redis-adapter.ts"

// One list of tuples of one length, no overloads: of those, `Parameters` and what `require()` gives
// would keep the last one only.
type Arguments =
  | [pubClient: RedisClient, subClient: RedisClient, opts?: RedisAdapterOptions | undefined]
  | [bus: MemoryBus, opts?: RedisAdapterOptions | undefined, nothing?: undefined]

/**
 * Makes what the `adapter` option of a Socket.IO server takes. Both clients are node-redis 3-6 or
 * ioredis 5-6, of one server, a cluster or sentinels; the second one is put into subscriber mode, so
 * it has to be a connection of its own. Or a bus takes the place of both and of Redis: the servers of
 * this process that are given the same one are a cluster.
 *
 * Throws an `AdapterError`: `ERR_UNKNOWN_REDIS_CLIENT` here, the codes of options when a server is made.
 */
export function createAdapter(...args: Arguments): (nsp: Namespace) => RedisAdapter {
  const [pubClient, subClient, opts] = clientsOf(args)
  driverFor(pubClient, subClient)
  // No arrow function: Socket.IO calls it with `new`.
  return function adapter(nsp: Namespace) {
    return new RedisAdapter(nsp, pubClient, subClient, opts)
  }
}

function clientsOf(args: Arguments): [RedisClient, RedisClient, RedisAdapterOptions | undefined] {
  const [first, second, third] = args
  const isClient = typeof Reflect.get(Object(second), "on") === "function"
  if (isMemoryBus(first) && !isMemoryBus(second) && !isClient) {
    return [first, first, second as RedisAdapterOptions | undefined]
  }
  return [first, second as RedisClient, third]
}
