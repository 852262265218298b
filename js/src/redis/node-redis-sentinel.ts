import { hasMethods, type RedisConnection } from "./connection.ts"
import type { Deployment, Server, ServerLookup } from "./deployment.ts"
import {
  isNodeRedisBase,
  type NodeRedisBase,
  NodeRedisConnection,
  type NodeRedisNode,
  serversOf,
} from "./node-redis.ts"

/** What is used of a sentinel client of node-redis (the npm package `redis`) 5 or 6. */
export interface NodeRedisSentinel extends NodeRedisBase {
  /** Gives nothing while no master is connected. */
  getMasterNode(): object | undefined
  /** Calls the function with the client of the master, once that is connected. */
  _execute(isReadonly: false, use: never): Promise<unknown>
}

/** Whether a value is a sentinel client of node-redis 5 or newer. */
export function isNodeRedisSentinel(value: object): value is NodeRedisSentinel {
  return isNodeRedisBase(value) && hasMethods(value, ["getMasterNode", "_execute"])
}

/** The master that the sentinels of a client of node-redis 5 or 6 watch over. */
export class NodeRedisSentinelDeployment implements Deployment {
  readonly #sentinel: NodeRedisSentinel
  readonly #serverOf: (client: NodeRedisNode) => Server

  constructor(sentinel: NodeRedisSentinel, Connection = NodeRedisConnection) {
    this.#sentinel = sentinel
    this.#serverOf = serversOf(Connection)
  }

  get open(): boolean {
    return this.#sentinel.isOpen
  }

  watch(changed: () => void): void {
    this.#sentinel.on("topology-change", changed)
  }

  masters(): readonly ServerLookup[] {
    // While none is connected, `_execute` asks the sentinels without a pause (@redis/client 5.12, 6.3).
    return this.#sentinel.getMasterNode() ? [() => this.#master()] : []
  }

  async servers(): Promise<readonly (() => Promise<RedisConnection>)[]> {
    return this.masters().map((find) => async () => (await find()).connection)
  }

  async #master(): Promise<Server> {
    // oxlint-disable-next-line no-underscore-dangle -- nothing else gives the client itself
    return this.#serverOf((await this.#sentinel._execute(false, itself as never)) as NodeRedisNode)
  }
}

async function itself(client: NodeRedisNode): Promise<NodeRedisNode> {
  return client
}
