import type { RedisClient } from "../redis/driver.ts"
import { shardedDriverFor } from "../redis/sharded-driver.ts"
import type { Namespace } from "../socket-io.ts"
import { CoreAdapter } from "./core-adapter.ts"
import type { ShardedRedisAdapterOptions } from "./options.ts"

/** The sharded adapter of one namespace: SPUBLISH and SSUBSCRIBE, of Redis 7. */
export class ShardedRedisAdapter extends CoreAdapter {
  readonly pubClient: RedisClient
  readonly subClient: RedisClient

  /**
   * Throws an `AdapterError` with a `code` for clients that are none or cannot do it, and for options that
   * cannot be.
   */
  constructor(
    nsp: Namespace,
    pubClient: RedisClient,
    subClient: RedisClient,
    options: ShardedRedisAdapterOptions = {},
  ) {
    super(nsp, { driver: shardedDriverFor(pubClient, subClient), sharded: true, options })
    this.pubClient = pubClient
    this.subClient = subClient
  }
}
