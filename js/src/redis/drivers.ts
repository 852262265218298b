import { AdapterError } from "../errors.ts"
import type { RedisConnection } from "./connection.ts"
import type { RedisDriver } from "./driver.ts"
import { Silence } from "./silence.ts"
import { Subscriptions } from "./subscriptions.ts"

/** Gives what makes the connection of a client; nothing for what is none. May throw for one that is of no use. */
export type Recognise = (client: object) => (() => RedisConnection) | undefined

/** The drivers of one kind of channels: one for each pair of clients. */
export class Drivers {
  readonly #recognise: Recognise
  readonly #connections = new WeakMap<object, RedisConnection>()
  readonly #subscriptions = new WeakMap<RedisConnection, Subscriptions>()
  readonly #pairs = new WeakMap<Subscriptions, WeakMap<RedisConnection, RedisDriver>>()

  constructor(recognise: Recognise) {
    this.#recognise = recognise
  }

  /**
   * The driver of a pair, with one set of subscriptions for the same subscribing client. Throws
   * `ERR_UNKNOWN_REDIS_CLIENT`, and what recognising a client throws, before anything is done to either.
   */
  of(pubClient: unknown, subClient: unknown): RedisDriver {
    const makePublisher = this.#makerOf("pubClient", pubClient)
    const makeSubscriber = this.#makerOf("subClient", subClient)
    const publisher = makePublisher()
    const subscriber = makeSubscriber()
    const shared = remembered(this.#subscriptions, subscriber, () => new Subscriptions(subscriber))
    const ofSubscriber = remembered(this.#pairs, shared, () => new WeakMap())
    return remembered(ofSubscriber, publisher, () => pair(publisher, shared))
  }

  #makerOf(role: string, client: unknown): () => RedisConnection {
    const isObject = typeof client === "object" && client !== null
    const connect = isObject ? this.#recognise(client) : undefined
    if (isObject && connect) return () => remembered(this.#connections, client, connect)
    throw new AdapterError(
      "ERR_UNKNOWN_REDIS_CLIENT",
      `${role} must be a client of node-redis 3-6 or of ioredis 5-6, not ${describe(client)}`,
    )
  }
}

function pair(publisher: RedisConnection, shared: Subscriptions): RedisDriver {
  const silence = new Silence(publisher)
  return {
    ordered: publisher.ordered,
    get heard() {
      return shared.heard
    },
    get ready() {
      return shared.ready
    },
    publish(channel, message) {
      try {
        const answer = publisher.publish(channel, message)
        silence.follow(answer)
        return answer
      } catch (error) {
        return Promise.reject(error)
      }
    },
    async count(channels) {
      if (channels.length === 0) return []
      const counts = await publisher.count(channels)
      return channels.map((channel, index) => {
        const unseen = Math.max(0, shared.listenerCount("channel", channel) - 1)
        return (counts[index] ?? 0) + unseen
      })
    },
    reconnect: () => shared.reconnect(),
    subscribe: (kind, name, listener, anew) => shared.subscribe(kind, name, listener, anew),
    unsubscribe: (kind, name, listener) => shared.unsubscribe(kind, name, listener),
    watch: (onReady, onLost, onEnded) => shared.watch(onReady, onLost, onEnded),
  }
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (typeof value !== "object") return `a ${typeof value}`
  return `an object of class ${value.constructor?.name ?? "(none)"}`
}

function remembered<K extends object, V>(map: WeakMap<K, V>, key: K, make: () => V): V {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}
