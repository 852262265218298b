import { hasMethods, type RedisConnection, type Role, type Subscription } from "./connection.ts"
import { DeploymentConnection } from "./deployment.ts"
import {
  isNodeRedisClient,
  NodeRedisConnection,
  type NodeRedisNode,
  serversOf,
} from "./node-redis.ts"

/** Whether a value is a client of one server, of node-redis 4. */
export function isNodeRedis4Client(value: object): value is NodeRedisNode {
  return (
    isNodeRedisClient(value) && !hasMethods(value, ["destroy"]) && hasMethods(value, ["duplicate"])
  )
}

/**
 * A connection through node-redis 4. When one of its clients loses its connection in the middle of an
 * array, as all that subscriptions bring is, it never understands an array again: the next connection
 * reads on where the last one ended (`RESP2Decoder.reset` in @redis/client 1.6). So it publishes, and
 * connections of our own subscribe, of which each has a client to itself.
 */
export class NodeRedis4Connection implements RedisConnection {
  readonly ordered = true
  readonly repeats = false
  readonly #publisher: RedisConnection
  readonly #subscriber: DeploymentConnection

  constructor(client: NodeRedisNode, Connection = NodeRedisConnection) {
    const server = serversOf(Connection)(client)
    this.#publisher = server.connection
    this.#subscriber = new DeploymentConnection({
      get open() {
        return client.isOpen
      },
      watch: (changed) => void client.on("connect", changed),
      masters: () => [async () => server],
      servers: async () => [async () => server.connection],
    })
  }

  get ready(): boolean {
    return this.#subscriber.ready
  }

  get publishes(): boolean {
    return this.#publisher.publishes
  }

  get settingUp(): boolean {
    return this.#publisher.settingUp
  }

  attach(changed: () => void): void {
    this.#subscriber.attach(changed)
  }

  publish(channel: string, message: Uint8Array | string): Promise<number> {
    return this.#publisher.publish(channel, message)
  }

  count(channels: readonly string[]): Promise<number[]> {
    return this.#publisher.count(channels)
  }

  reconnect(role: Role): void {
    if (role === "publish") this.#publisher.reconnect(role)
    else this.#subscriber.reconnect(role)
  }

  subscribe(subscription: Subscription): Promise<void> {
    return this.#subscriber.subscribe(subscription)
  }

  unsubscribe(subscription: Subscription): Promise<void> {
    return this.#subscriber.unsubscribe(subscription)
  }
}
