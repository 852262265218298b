/**
 * A Socket.IO adapter over Redis, to be used in place of @socket.io/redis-adapter.
 *
 * @module
 */
export { createAdapter, createAdapter as default, createShardedAdapter } from "../adapter/create.ts"
export type { Parser, RedisAdapterOptions, ShardedRedisAdapterOptions } from "../adapter/options.ts"
export { RedisAdapter } from "../adapter/redis-adapter.ts"
export { ShardedRedisAdapter } from "../adapter/sharded-adapter.ts"
export {
  AdapterError,
  type AdapterErrorCode,
  type FaultCode,
  FaultError,
  RequestError,
  TrapError,
} from "../errors.ts"
export type { RedisClient } from "../redis/driver.ts"
export type { Stats } from "../stats.ts"
