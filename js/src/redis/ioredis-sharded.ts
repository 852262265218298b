import type { Buffer } from "node:buffer"
import type { Socket } from "node:net"
import { Batch } from "./batch.ts"
import {
  type ClientEvents,
  countsOf,
  hasMethods,
  payloadOf,
  type RedisConnection,
  type Subscription,
} from "./connection.ts"
import { type Address, within } from "./deployment.ts"
import { type IoredisClient, IoredisConnection } from "./ioredis.ts"
import {
  duplicateOf,
  type IoredisCluster,
  IoredisDeployment,
  satelliteOf,
  type IoredisNode,
} from "./ioredis-cluster.ts"
import { askForSlots, type Guide } from "./guides.ts"
import { ShardPublisher } from "./shard-publisher.ts"
import type { ShardedCluster } from "./sharded-cluster.ts"
import { keyOf } from "./slots.ts"
import { type Wire, wireOf } from "./wire.ts"

/** What is used of a client of ioredis for shard channels. */
interface ShardedClient extends IoredisClient {
  spublish(channel: string, message: Buffer | string): Promise<unknown>
  ssubscribe(...channels: string[]): Promise<unknown>
  sunsubscribe(...channels: string[]): Promise<unknown>
}

interface Options {
  readonly keyPrefix?: string
  readonly redisOptions?: Options
  readonly natMap?: NatMap | null
}

type NatMap = ((key: string) => Address | null) | Record<string, Address>

/** Why a client of ioredis, of one server or a cluster, cannot do; nothing where it can. */
export function lackOfIoredis(client: IoredisClient): string | undefined {
  if (!hasMethods(client, ["spublish", "ssubscribe", "sunsubscribe"])) {
    return "this version of ioredis has no shard channels: use ioredis 5.11 or newer"
  }
  const { keyPrefix, redisOptions } = optionsOf(client)
  // Channels become keys there: what others publish would not be heard.
  if (keyPrefix || redisOptions?.keyPrefix) {
    return "ioredis would put its keyPrefix before shard channels: make the client without this option"
  }
  return undefined
}

/** Shard channels of one server, through a client of ioredis 5 or 6. */
export class ShardedIoredisConnection extends IoredisConnection {
  declare protected readonly client: ShardedClient
  readonly #subscriptions = new Map<string, Subscription>()
  readonly #batch = new Batch((verb, names) => this.client[verb](...names))

  override publish(channel: string, message: Uint8Array | string): Promise<number> {
    return this.inOrder(
      (client) =>
        (client as ShardedClient).spublish(channel, payloadOf(message)) as Promise<number>,
    )
  }

  override async count(channels: readonly string[]): Promise<number[]> {
    const send = (client: IoredisClient) => client.call("PUBSUB", "SHARDNUMSUB", ...channels)
    return countsOf(channels, await this.inOrder(send))
  }

  override subscribe(subscription: Subscription): Promise<void> {
    this.#subscriptions.set(subscription.name, subscription)
    return this.#batch.ask("ssubscribe", subscription.name)
  }

  override unsubscribe({ name }: Subscription): Promise<void> {
    this.#subscriptions.delete(name)
    return this.#batch.ask("sunsubscribe", name)
  }

  protected override listen(client: ClientEvents): void {
    client.on("smessageBuffer", (channel, message) => {
      this.#subscriptions
        .get(String(channel))
        ?.receive(message as Uint8Array, channel as Uint8Array)
    })
  }
}

/** A `Cluster` of ioredis 5 or 6; its option `shardedSubscribers` is of no account here. */
export class ShardedIoredisCluster implements ShardedCluster {
  readonly publisher: ShardPublisher
  readonly #cluster: IoredisCluster
  readonly #deployment: IoredisDeployment

  constructor(cluster: IoredisCluster) {
    this.#cluster = cluster
    this.#deployment = new IoredisDeployment(cluster, ShardedIoredisConnection)
    this.publisher = new ShardPublisher({
      open: () => this.open,
      slots: () => askForSlots(this.guides()),
      satelliteTo: async (address) => {
        const [node, place] = this.#nodeFor(address)
        return satelliteOf(node, place, ShardedIoredisConnection)
      },
    })
  }

  get open(): boolean {
    return this.#deployment.open
  }

  watch(changed: () => void): void {
    for (const event of ["ready", "close", "end"]) this.#cluster.on(event, changed)
  }

  servers(): Promise<readonly (() => Promise<RedisConnection>)[]> {
    return this.#deployment.servers()
  }

  guides(): readonly Guide[] {
    return this.#nodes().map((node) => ({
      host: () => node.options.host ?? "",
      ask: () => node.call("CLUSTER", "SLOTS"),
    }))
  }

  async connect(address: Address): Promise<Wire> {
    const { client, opened, end } = duplicateOf(...this.#nodeFor(address))
    try {
      await within(opened)
      // What it has asked is answered: nothing that comes now is for the client.
      return wireOf((client as IoredisNode & { readonly stream: Socket }).stream, end)
    } catch (error) {
      end()
      throw error
    }
  }

  /** A client whose options are good for a server, at best its own, and where that is. */
  #nodeFor(address: Address): [node: IoredisNode, place: Address] {
    const nodes = this.#nodes()
    const place = this.#mapped(address)
    const isThere = ({ options: { host, port } }: IoredisNode) =>
      host === place.host && port === place.port
    const node = nodes.find(isThere) ?? nodes[0]
    if (node) return [node, place]
    throw new Error("no server of the Redis cluster is connected")
  }

  #nodes(): IoredisNode[] {
    return this.#cluster.status === "ready" ? (this.#cluster.nodes("all") as IoredisNode[]) : []
  }

  /** Where the application says that a server is reached. */
  #mapped(address: Address): Address {
    const { natMap } = optionsOf(this.#cluster)
    const key = keyOf(address)
    return (typeof natMap === "function" ? natMap(key) : natMap?.[key]) ?? address
  }
}

function optionsOf(client: IoredisClient): Options {
  return (client as IoredisClient & { readonly options?: Options }).options ?? {}
}
