/** The option `parser`: how servers write what they do not write as JSON. All of a cluster need the same. */
export interface Parser {
  encode(value: unknown): Uint8Array
  decode(bytes: Uint8Array): unknown
}

/** Options of `createAdapter`, with the names and defaults of @socket.io/redis-adapter 8.3.0. */
export interface RedisAdapterOptions {
  /** Prefix of every channel; the same on all servers and emitters of a cluster. Default "socket.io". */
  key?: string
  /** How long answers of other servers are waited for, in milliseconds. Default 5,000. */
  requestsTimeout?: number
  /**
   * Whether answers go to the asking server alone, which must be of version 7.1 or later then. Default
   * false. Servers with this package get theirs so in any case.
   */
  publishOnSpecificResponseChannel?: boolean
  /** How servers write broadcasts, and other messages with binary data. Default: notepack's MessagePack. */
  parser?: Parser
  /**
   * Whether `fetchSockets()`, `allRooms()` and the like resolve with what is known when not all servers
   * answer in time. Default false: they reject, with what is known in `error.responses`.
   */
  partial?: boolean
  /**
   * "exact" subscribes to the channels of the rooms that have sockets here instead of all rooms of the
   * namespace, so that a broadcast to one room reaches only the servers that hold it. Default "pattern".
   */
  subscriptionMode?: "exact" | "pattern"
}

/** Options of `createShardedAdapter`, with the names and defaults of @socket.io/redis-adapter 8.3.0. */
export interface ShardedRedisAdapterOptions {
  /** Prefix of every channel; the same on all servers of a cluster. Default "socket.io". */
  channelPrefix?: string
  /**
   * Which rooms have a channel of their own, so that a broadcast to one of them reaches only the servers that
   * hold it; the same on all servers of a cluster. "dynamic": those whose names do not have the 20 characters of a
   * socket's id; "dynamic-private": all; "static": none. Default "dynamic".
   */
  subscriptionMode?: "dynamic" | "dynamic-private" | "static"
  /** How long answers of other servers are waited for, in milliseconds. Default 5,000. */
  requestsTimeout?: number
  /** As of `createAdapter`. */
  partial?: boolean
}
