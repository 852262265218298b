import type { RedisConnection } from "./connection.ts"
import { type Address, LIST_LIFETIME, type Satellite } from "./deployment.ts"
import { NodeRedisConnection, type NodeRedisNode, satelliteOf } from "./node-redis.ts"

/**
 * The servers that a cluster client of node-redis does not know of: replicas, without `useReplicas`,
 * and what has joined since a command was last redirected. Others may be subscribed at them. They are
 * asked over connections of our own, which stay for the next time; an option `nodeAddressMap` is not
 * known here, so that they do not answer behind one.
 */
export class HiddenServers {
  readonly #Connection: typeof NodeRedisConnection
  readonly #satellites = new Map<string, Satellite>()
  #addresses: ReadonlyMap<string, Address> = new Map()
  #listedAt = Number.NEGATIVE_INFINITY

  constructor(Connection: typeof NodeRedisConnection) {
    this.#Connection = Connection
  }

  /** Functions that connect to what `client`, of a server of the cluster, names beside what is known. */
  async lookups(
    client: NodeRedisNode,
    known: ReadonlySet<string>,
  ): Promise<(() => Promise<RedisConnection>)[]> {
    if (performance.now() - this.#listedAt > LIST_LIFETIME) {
      this.#addresses = addressesIn(await client.sendCommand(["CLUSTER", "SLOTS"]))
      this.#listedAt = performance.now()
    }
    return [...this.#addresses]
      .filter(([name]) => !known.has(name))
      .map(
        ([name, address]) =>
          () =>
            this.#connect(client, name, address),
      )
  }

  async #connect(client: NodeRedisNode, name: string, address: Address): Promise<RedisConnection> {
    const satellite =
      this.#satellites.get(name) ?? this.#add(name, satelliteOf(client, address, this.#Connection))
    await satellite.opened
    return satellite.connection
  }

  #add(name: string, satellite: Satellite): Satellite {
    const { connection, opened } = satellite
    const drop = () => {
      satellite.close()
      if (this.#satellites.get(name) === satellite) this.#satellites.delete(name)
    }
    opened.then(() => connection.attach(() => connection.ready || drop()), drop)
    this.#satellites.set(name, satellite)
    return satellite
  }
}

/** In each range of slots, two bounds precede a master and its replicas: each host, port and more. */
function addressesIn(slots: unknown): Map<string, Address> {
  const addresses = new Map<string, Address>()
  for (const range of listOf(slots)) {
    for (const server of listOf(range).slice(2)) {
      const [host, port] = listOf(server)
      if (host) addresses.set(`${host}:${port}`, { host: String(host), port: Number(port) })
    }
  }
  return addresses
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}
