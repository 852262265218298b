import { Cluster as Ioredis5Cluster, Redis as Ioredis5 } from "ioredis5"
import { Cluster as Ioredis6Cluster, Redis as Ioredis6 } from "ioredis6"
import { createClient as createRedis3 } from "redis3"
import { createClient as createRedis4, createCluster as createCluster4 } from "redis4"
import {
  createClient as createRedis5,
  createCluster as createCluster5,
  createSentinel as createSentinel5,
} from "redis5"
import {
  createClient as createRedis6,
  createCluster as createCluster6,
  createSentinel as createSentinel6,
} from "redis6"
import type { RedisClient } from "../../../js/src/redis/driver.ts"
import type { MemoryBus } from "../../../js/src/redis/memory.ts"

/** Milliseconds between attempts to connect: tests that restart a server do not wait for back-off. */
const RETRY = 20

/** The Redis clients that every suite runs with, by their names in node_modules. */
export type ClientName = "redis3" | "redis4" | "redis5" | "redis6" | "ioredis5" | "ioredis6"

/** What clients connect to: one server, a cluster (any of its nodes) or sentinels. */
export type Deployment =
  | { readonly topology: "standalone"; readonly port: number }
  | { readonly topology: "cluster"; readonly ports: readonly number[] }
  | { readonly topology: "sentinel"; readonly ports: readonly number[]; readonly name: string }

export type Topology = Deployment["topology"]

type Client = NodeJS.EventEmitter & Exclude<RedisClient, MemoryBus>

interface TestClient {
  readonly client: Client
  open(): void
  ready(): Promise<void>
  close(): void
}

/** A publishing and a subscribing client of one package; errors that they emit are ignored. */
export interface ClientPair {
  readonly pubClient: Client
  readonly subClient: Client
  /** Starts to connect, where the package does not by itself. */
  open(): void
  /** Gives when both are connected. */
  ready(): Promise<void>
  /** Ends both connections at once. */
  close(): void
}

type Maker<T extends Topology> = (deployment: Extract<Deployment, { topology: T }>) => TestClient

const standalone: Record<ClientName, Maker<"standalone">> = {
  redis3({ port }) {
    const client = createRedis3({ host: "127.0.0.1", port, retry_strategy: () => RETRY })
    return testClient(client, { isReady: () => client.ready, close: () => client.end(false) })
  },
  redis4({ port }) {
    const client = createRedis4({ socket: { ...address(port), ...retrying } })
    return testClient(client, { isReady: () => client.isReady, close: () => client.disconnect() })
  },
  redis5({ port }) {
    const client = createRedis5({ socket: { ...address(port), ...retrying } })
    return testClient(client, { isReady: () => client.isReady, close: () => client.destroy() })
  },
  redis6({ port }) {
    const client = createRedis6({ socket: { ...address(port), ...retrying } })
    return testClient(client, { isReady: () => client.isReady, close: () => client.destroy() })
  },
  ioredis5: ({ port }) => ioredisClient(new Ioredis5({ ...address(port), ...patient })),
  ioredis6: ({ port }) => ioredisClient(new Ioredis6({ ...address(port), ...patient })),
}

const cluster: Partial<Record<ClientName, Maker<"cluster">>> = {
  redis4({ ports }) {
    const client = createCluster4({ rootNodes: rootNodes(ports), defaults: { socket: retrying } })
    return testClient(client, { isReady: () => client.isOpen, close: () => client.disconnect() })
  },
  redis5({ ports }) {
    const client = createCluster5({ rootNodes: rootNodes(ports), defaults: { socket: retrying } })
    return testClient(client, { isReady: () => client.isOpen, close: () => client.destroy() })
  },
  redis6({ ports }) {
    const client = createCluster6({ rootNodes: rootNodes(ports), defaults: { socket: retrying } })
    return testClient(client, { isReady: () => client.isReady, close: () => client.destroy() })
  },
  ioredis5({ ports }) {
    const options = { clusterRetryStrategy: () => RETRY }
    return ioredisClient(new Ioredis5Cluster(ports.map(address), options))
  },
  ioredis6({ ports }) {
    const options = { clusterRetryStrategy: () => RETRY }
    return ioredisClient(new Ioredis6Cluster(ports.map(address), options))
  },
}

const sentinel: Partial<Record<ClientName, Maker<"sentinel">>> = {
  redis5({ ports, name }) {
    const nodeClientOptions = { socket: retrying }
    const sentinelRootNodes = ports.map(address)
    const client = createSentinel5({ name, sentinelRootNodes, nodeClientOptions })
    return testClient(client, { isReady: () => client.isReady, close: () => client.destroy() })
  },
  redis6({ ports, name }) {
    const nodeClientOptions = { socket: retrying }
    const sentinelRootNodes = ports.map(address)
    const client = createSentinel6({ name, sentinelRootNodes, nodeClientOptions })
    return testClient(client, { isReady: () => client.isReady, close: () => client.destroy() })
  },
  ioredis5({ ports, name }) {
    const options = { sentinels: ports.map(address), name, sentinelRetryStrategy: () => RETRY }
    return ioredisClient(new Ioredis5({ ...options, ...patient }))
  },
  ioredis6({ ports, name }) {
    const options = { sentinels: ports.map(address), name, sentinelRetryStrategy: () => RETRY }
    return ioredisClient(new Ioredis6({ ...options, ...patient }))
  },
}

/** The packages that have a client for each topology. */
export const clientNamesFor: Record<Topology, readonly ClientName[]> = {
  standalone: Object.keys(standalone) as ClientName[],
  cluster: Object.keys(cluster) as ClientName[],
  sentinel: Object.keys(sentinel) as ClientName[],
}

/** All packages; each of them has a client for one server. */
export const clientNames = clientNamesFor.standalone

/**
 * A pair that is not connected yet; the packages that connect by themselves are trying to. The
 * deployment can be the port of one server.
 */
export function makePair(name: ClientName, deployment: Deployment | number): ClientPair {
  const place =
    typeof deployment === "number"
      ? ({ topology: "standalone", port: deployment } as const)
      : deployment
  const both = [makeClient(name, place), makeClient(name, place)] as const
  return {
    pubClient: both[0].client,
    subClient: both[1].client,
    open: () => both.forEach((one) => one.open()),
    ready: async () => void (await Promise.all(both.map((one) => one.ready()))),
    close: () => both.forEach((one) => one.close()),
  }
}

/** A connected pair. */
export async function connectPair(
  name: ClientName,
  deployment: Deployment | number,
): Promise<ClientPair> {
  const pair = makePair(name, deployment)
  pair.open()
  await pair.ready()
  return pair
}

function makeClient(name: ClientName, deployment: Deployment): TestClient {
  switch (deployment.topology) {
    case "standalone":
      return standalone[name](deployment)
    case "cluster":
      if (cluster[name]) return cluster[name](deployment)
      break
    case "sentinel":
      if (sentinel[name]) return sentinel[name](deployment)
  }
  throw new Error(`${name} has no client for the topology ${deployment.topology}`)
}

const retrying = { reconnectStrategy: () => RETRY }
const patient = { retryStrategy: () => RETRY, disconnectTimeout: RETRY }

function address(port: number) {
  return { host: "127.0.0.1", port }
}

function rootNodes(ports: readonly number[]) {
  return ports.map((port) => ({ socket: address(port) }))
}

function ioredisClient(
  client: Ioredis5 | Ioredis5Cluster | Ioredis6 | Ioredis6Cluster,
): TestClient {
  const isReady = () => client.status === "ready"
  return testClient(client, { isReady, close: () => client.disconnect() })
}

function testClient(
  client: Client,
  { isReady, close }: { isReady: () => boolean; close: () => unknown },
): TestClient {
  // Servers are stopped on purpose here; what matters shows in "ready" and in the tests' own checks.
  client.on("error", () => {})
  let opened: Promise<unknown> = Promise.resolve()
  return {
    client,
    open() {
      if (!("connect" in client) || !("isOpen" in client)) return
      opened = client.connect()
      opened.catch(() => {})
    },
    async ready() {
      await opened
      while (!isReady()) await new Promise((resolve) => client.once("ready", resolve))
    },
    close() {
      try {
        Promise.resolve(close()).catch(() => {})
      } catch {
        // Some packages throw, and some reject, where a client is closed already.
      }
    },
  }
}
