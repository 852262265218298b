import { driverFor, type RedisClient } from "../redis/driver.ts"
import type { Namespace } from "../socket-io.ts"
import { CoreAdapter } from "./core-adapter.ts"
import type { Parser, RedisAdapterOptions } from "./options.ts"
import { parserOf } from "./parser.ts"

/** The classic adapter of one namespace: PUBLISH and PSUBSCRIBE. */
export class RedisAdapter extends CoreAdapter {
  readonly pubClient: RedisClient
  readonly subClient: RedisClient
  /** The option `parser`; `undefined` for the default. */
  readonly parser: Parser | undefined
  /** The option `publishOnSpecificResponseChannel`. */
  readonly publishOnSpecificResponseChannel: boolean

  /**
   * Throws an `AdapterError` with a `code` for clients that are none, and for options that cannot be.
   */
  constructor(
    nsp: Namespace,
    pubClient: RedisClient,
    subClient: RedisClient,
    options: RedisAdapterOptions = {},
  ) {
    const driver = driverFor(pubClient, subClient)
    const parser = parserOf(options.parser)
    super(nsp, { driver, sharded: false, options, parser })
    this.pubClient = pubClient
    this.subClient = subClient
    this.parser = parser
    this.publishOnSpecificResponseChannel = Boolean(options.publishOnSpecificResponseChannel)
  }
}
