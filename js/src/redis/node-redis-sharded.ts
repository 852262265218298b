import type { Buffer } from "node:buffer"
import { Batch } from "./batch.ts"
import {
  countsOf,
  hasMethods,
  payloadOf,
  type RedisConnection,
  type Subscription,
} from "./connection.ts"
import { type Address, within } from "./deployment.ts"
import {
  type Listener,
  type NodeRedisBase,
  type NodeRedisClient,
  NodeRedisConnection,
  type NodeRedisNode,
  satelliteOf,
} from "./node-redis.ts"
import {
  type NodeRedisCluster,
  NodeRedisClusterDeployment,
  type NodeRedisClusterNode,
} from "./node-redis-cluster.ts"
import { dial } from "./node-redis-dial.ts"
import { askForSlots, type Guide } from "./guides.ts"
import { ShardPublisher } from "./shard-publisher.ts"
import type { ShardedCluster } from "./sharded-cluster.ts"
import { keyOf } from "./slots.ts"
import type { Wire } from "./wire.ts"

/** What is used of a client of node-redis for shard channels. */
interface ShardedClient extends NodeRedisClient {
  sPublish(channel: string, message: Buffer | string): Promise<unknown>
  sSubscribe(channels: string[], listener: Listener, bufferMode: true): Promise<unknown>
  sUnsubscribe(channels: string[], listener: Listener, bufferMode: true): Promise<unknown>
}

/** Why a client of node-redis, of whatever kind, cannot do; nothing where it can. */
export function lackOfNodeRedis(client: NodeRedisBase): string | undefined {
  // Sentinels publish by a command of their own for each; their clients of one server have all of it.
  if (hasMethods(client, ["sSubscribe", "sUnsubscribe"])) return undefined
  return "this version of node-redis has no shard channels: use redis 4.7 or newer"
}

/** Shard channels of one server, through a client of node-redis 4, 5 or 6. */
export class ShardedNodeRedisConnection extends NodeRedisConnection {
  declare protected readonly client: ShardedClient
  readonly #subscriptions = new Map<string, Subscription>()

  readonly #batch = new Batch((verb, names) => {
    const send = verb === "ssubscribe" ? this.client.sSubscribe : this.client.sUnsubscribe
    return this.inStep(send.call(this.client, [...names], this.#receive, true))
  })

  /** One for all names, as the client keeps a set of listeners for each. */
  readonly #receive: Listener = (message, channel) => {
    this.#subscriptions.get(String(channel))?.receive(message, channel)
  }

  override publish(channel: string, message: Uint8Array | string): Promise<number> {
    return this.client.sPublish(channel, payloadOf(message)) as Promise<number>
  }

  override async count(channels: readonly string[]): Promise<number[]> {
    const args = ["PUBSUB", "SHARDNUMSUB", ...channels]
    return countsOf(channels, await this.client.sendCommand(args))
  }

  override subscribe(subscription: Subscription): Promise<void> {
    this.#subscriptions.set(subscription.name, subscription)
    return this.#batch.ask("ssubscribe", subscription.name)
  }

  override unsubscribe({ name }: Subscription): Promise<void> {
    this.#subscriptions.delete(name)
    return this.#batch.ask("sunsubscribe", name)
  }
}

/** A cluster of node-redis 4, 5 or 6. */
export class ShardedNodeRedisCluster implements ShardedCluster {
  readonly publisher: ShardPublisher
  readonly #cluster: NodeRedisCluster
  readonly #deployment: NodeRedisClusterDeployment
  readonly #watched = new WeakSet<NodeRedisNode>()
  #changed = () => {}

  constructor(cluster: NodeRedisCluster) {
    this.#cluster = cluster
    this.#deployment = new NodeRedisClusterDeployment(cluster, ShardedNodeRedisConnection)
    this.publisher = new ShardPublisher({
      open: () => this.open,
      slots: () => askForSlots(this.guides()),
      satelliteTo: async (address) => {
        const [client, elsewhere] = await this.#clientFor(address)
        return satelliteOf(client, elsewhere, ShardedNodeRedisConnection)
      },
    })
  }

  get open(): boolean {
    return this.#cluster.isOpen && this.#cluster.masters.length > 0
  }

  watch(changed: () => void): void {
    this.#deployment.watch(changed)
    this.#cluster.on("disconnect", changed)
    this.#changed = changed
  }

  servers(): Promise<readonly (() => Promise<RedisConnection>)[]> {
    return this.#deployment.servers()
  }

  guides(): readonly Guide[] {
    return this.#deployment.nodes().map((node) => ({
      host: () => node.host,
      ask: async () => (await this.#clientOf(node)).sendCommand(["CLUSTER", "SLOTS"]),
    }))
  }

  async connect(address: Address): Promise<Wire> {
    const [client, elsewhere] = await this.#clientFor(address)
    return dial(client, elsewhere)
  }

  async #clientOf(node: NodeRedisClusterNode): Promise<NodeRedisNode> {
    const client = await this.#deployment.clientOf(node)
    if (!this.#watched.has(client)) {
      this.#watched.add(client)
      // Clusters of 4 tell nobody that they are closed, but the clients of their servers end then.
      client.once("end", () => setImmediate(this.#changed))
    }
    return client
  }

  /** A client whose options lead to a server, and where else than the client that is. */
  async #clientFor(address: Address): Promise<[client: NodeRedisNode, elsewhere?: Address]> {
    const nodes = this.#deployment.nodes()
    // The client's own node where there is one: it knows of an option `nodeAddressMap`.
    const known = nodes.find((node) => node.address === keyOf(address))
    const own = known && (await this.#clientOf(known).catch(() => undefined))
    if (own) return [own]
    const clients = nodes.map((node) => within(this.#clientOf(node)))
    return [await Promise.any(clients), address]
  }
}
