import { hasMethods, type RedisConnection } from "./connection.ts"
import {
  type Address,
  type Deployment,
  LIST_LIFETIME,
  type Satellite,
  type Server,
  type ServerLookup,
  within,
} from "./deployment.ts"
import { type IoredisClient, IoredisConnection, isIoredisClient } from "./ioredis.ts"

/** What is used of a `Cluster` of ioredis 5 or 6. */
export interface IoredisCluster extends IoredisClient {
  /** Gives clients of single servers. */
  nodes(role: "all" | "master"): readonly unknown[]
  /** Asks for the list of servers; calls back when it is there, or cannot be had. */
  refreshSlotsCache(callback: () => void): void
}

/** The client of one server, as a cluster holds it. */
export interface IoredisNode extends IoredisClient {
  readonly options: { readonly host?: string; readonly port?: number }
  duplicate(options: object): IoredisNode
  once(event: string, listener: () => void): unknown
  off(event: string, listener: () => void): unknown
}

/** What a cluster says while it is connected, or tries to be. */
const OPEN = new Set(["connect", "connecting", "ready", "reconnecting"])

/** Whether a value is a cluster of ioredis. */
export function isIoredisCluster(value: object): value is IoredisCluster {
  return isIoredisClient(value) && hasMethods(value, ["nodes"])
}

/** The servers of a `Cluster` of ioredis 5 or 6. */
export class IoredisDeployment implements Deployment {
  readonly #cluster: IoredisCluster
  readonly #Connection: typeof IoredisConnection
  readonly #connections = new WeakMap<IoredisNode, IoredisConnection>()
  #listedAt = Number.NEGATIVE_INFINITY

  constructor(cluster: IoredisCluster, Connection = IoredisConnection) {
    this.#cluster = cluster
    this.#Connection = Connection
    // With `lazyConnect`, a cluster waits for its first command, and gets none here before it is ready.
    if (cluster.status === "wait") cluster.connect().catch(() => {})
  }

  get open(): boolean {
    return OPEN.has(this.#cluster.status)
  }

  get #ready(): boolean {
    return this.#cluster.status === "ready"
  }

  watch(changed: () => void): void {
    this.#cluster.on("ready", changed)
  }

  masters(): readonly ServerLookup[] {
    return this.#lookups("master")
  }

  async servers(): Promise<readonly (() => Promise<RedisConnection>)[]> {
    if (this.#ready && performance.now() - this.#listedAt > LIST_LIFETIME) {
      this.#listedAt = performance.now()
      // The client also forgets a server as soon as the connection to it is lost (ioredis 5.11, 6.0).
      const listed = new Promise<void>((resolve) => this.#cluster.refreshSlotsCache(resolve))
      await within(listed).catch(() => {})
    }
    return this.#lookups("all").map((find) => async () => (await find()).connection)
  }

  #lookups(role: "all" | "master"): ServerLookup[] {
    // Until then the cluster holds the servers that it was given to start with, which it lets go of.
    if (!this.#ready) return []
    return (this.#cluster.nodes(role) as IoredisNode[]).map((node) => () => this.#serverOf(node))
  }

  async #serverOf(node: IoredisNode): Promise<Server> {
    const connection = this.#connections.get(node) ?? new this.#Connection(node)
    this.#connections.set(node, connection)
    await answer(node)
    return { connection, satellite: () => satelliteOf(node) }
  }
}

/** The client connects for its first command and holds that back until it is ready. */
async function answer(client: IoredisClient): Promise<void> {
  if (client.status !== "ready") await client.call("PING")
}

/**
 * A connection beside that of a client, to the same server or with the same options to another one. It is
 * made once, and ends with the client that it was made from.
 */
export function satelliteOf(
  node: IoredisNode,
  address?: Address,
  Connection = IoredisConnection,
): Satellite {
  const { client, opened, end } = duplicateOf(node, address)
  const close = () => {
    node.off("end", close)
    end()
  }
  node.once("end", close)
  return { connection: new Connection(client), opened, close }
}

/** A client of the same options as another one, to the same server or to another one, that connects once. */
export function duplicateOf(node: IoredisNode, address?: Address) {
  const client = node.duplicate({
    autoResubscribe: false,
    enableOfflineQueue: true,
    enableReadyCheck: true,
    lazyConnect: true,
    readOnly: false,
    retryStrategy: null,
    ...address,
  })
  client.on("error", () => {}) // Somebody handles errors: nobody is told that nobody does.
  const end = () => {
    // Of what is closed already, it would wait for the end, and keep the process alive meanwhile.
    if (client.status !== "close" && client.status !== "end") client.disconnect()
  }
  return { client, opened: answer(client), end }
}
