import { hasMethods, type RedisConnection } from "./connection.ts"
import {
  type Address,
  type Deployment,
  type Server,
  type ServerLookup,
  within,
} from "./deployment.ts"
import {
  isNodeRedisBase,
  type NodeRedisBase,
  NodeRedisConnection,
  type NodeRedisNode,
  serversOf,
} from "./node-redis.ts"
import { HiddenServers } from "./node-redis-hidden.ts"

/** What is used of a cluster of node-redis (the npm package `redis`) 4, 5 or 6. */
export interface NodeRedisCluster extends NodeRedisBase {
  readonly masters: readonly NodeRedisClusterNode[]
  /** Without the option `useReplicas`: none. */
  readonly replicas: readonly NodeRedisClusterNode[]
  /** Gives the client of one server, or promises it, for a value of the lists above. */
  nodeClient(node: never): unknown
}

export interface NodeRedisClusterNode extends Address {
  /** Host and port, as Redis has them. */
  readonly address: string
}

/** How often a cluster of node-redis 4 is asked whether it is open now, in milliseconds. */
const OPEN_CHECK = 100

/** Whether a value is a cluster of node-redis 4 or newer. */
export function isNodeRedisCluster(value: object): value is NodeRedisCluster {
  return isNodeRedisBase(value) && "masters" in value && hasMethods(value, ["nodeClient"])
}

/** The servers of a cluster of node-redis 4, 5 or 6. */
export class NodeRedisClusterDeployment implements Deployment {
  readonly #cluster: NodeRedisCluster
  readonly #hidden: HiddenServers
  readonly #serverOf: (client: NodeRedisNode) => Server

  constructor(cluster: NodeRedisCluster, Connection = NodeRedisConnection) {
    this.#cluster = cluster
    this.#serverOf = serversOf(Connection)
    this.#hidden = new HiddenServers(Connection)
  }

  get open(): boolean {
    return this.#cluster.isOpen
  }

  watch(changed: () => void): void {
    this.#cluster.on("connect", changed)
    // Clusters of 4 (which cannot be destroyed) say nothing at all when they are opened.
    if (hasMethods(this.#cluster, ["destroy"]) || this.#cluster.masters.length > 0) return
    const timer = setInterval(() => {
      if (this.#cluster.masters.length === 0) return
      clearInterval(timer)
      changed()
    }, OPEN_CHECK).unref()
  }

  masters(): readonly ServerLookup[] {
    return this.#cluster.masters.map(
      (node) => async () => this.#serverOf(await this.clientOf(node)),
    )
  }

  async servers(): Promise<readonly (() => Promise<RedisConnection>)[]> {
    const nodes = this.nodes()
    const known = nodes.map(
      (node) => async () => this.#serverOf(await this.clientOf(node)).connection,
    )
    return [...known, ...(await this.#hiddenServers(nodes))]
  }

  async #hiddenServers(
    nodes: readonly NodeRedisClusterNode[],
  ): Promise<(() => Promise<RedisConnection>)[]> {
    const known = new Set(nodes.map(({ address }) => address))
    try {
      const client = await Promise.any(nodes.map((node) => within(this.clientOf(node))))
      return await within(this.#hidden.lookups(client, known))
    } catch {
      return [] // Those that answer are still counted at.
    }
  }

  /** All that the cluster's lists have, each once. */
  nodes(): readonly NodeRedisClusterNode[] {
    return distinct([...this.#cluster.masters, ...this.#cluster.replicas])
  }

  /** Gives the client of a node of the lists of the cluster, and rejects while that is not connected. */
  async clientOf(node: NodeRedisClusterNode): Promise<NodeRedisNode> {
    const client = (await this.#cluster.nodeClient(node as never)) as NodeRedisNode
    if (!client.isReady) throw new Error("a server of the Redis cluster is not connected")
    return client
  }
}

/** A cluster of node-redis 4 has a server in its list once for each range of slots (@redis/client 1.6). */
function distinct(nodes: readonly NodeRedisClusterNode[]): NodeRedisClusterNode[] {
  return [...new Map(nodes.map((node) => [node.address, node])).values()]
}
