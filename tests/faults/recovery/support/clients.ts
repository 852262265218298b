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
import {
  type ClientName,
  type ClientPair,
  type Deployment,
  makePair,
} from "../../../node/support/clients.ts"

type Client = ClientPair["pubClient"]

/**
 * How clients connect again: as they do by themselves, with their default options; or after 20 ms each
 * time, however long it has been in vain.
 */
export type Reconnection = "default" | "eager"

/** A pair that has begun to connect. */
export function openPair(
  name: ClientName,
  deployment: Deployment,
  reconnection: Reconnection,
): ClientPair {
  const pair = reconnection === "eager" ? makePair(name, deployment) : defaultPair(name, deployment)
  pair.open()
  return pair
}

function defaultPair(name: ClientName, deployment: Deployment): ClientPair {
  const [pubClient, subClient] = [makeClient(name, deployment), makeClient(name, deployment)]
  const clients = [pubClient, subClient]
  for (const client of clients) client.on("error", () => {})
  return {
    pubClient,
    subClient,
    open: () => clients.forEach(open),
    ready: () => Promise.reject(new Error("nobody waits for these")),
    close: () => clients.forEach(close),
  }
}

function open(client: Client): void {
  if ("isOpen" in client && "connect" in client) client.connect().catch(() => {})
}

function close(client: Client): void {
  const methods = client as unknown as Record<string, ((flush?: false) => unknown) | undefined>
  const end = (methods.end ?? methods.destroy ?? methods.disconnect)?.bind(client)
  // Some throw, and some reject, where they are closed already.
  new Promise((resolve) => resolve(end?.(false))).catch(() => {})
}

function makeClient(name: ClientName, deployment: Deployment): Client {
  switch (deployment.topology) {
    case "standalone":
      return standalone(name, deployment.port)
    case "cluster":
      return cluster(name, deployment.ports)
    case "sentinel":
      return sentinel(name, deployment.ports, deployment.name)
  }
}

const host = "127.0.0.1"

function standalone(name: ClientName, port: number): Client {
  switch (name) {
    case "redis3":
      return createRedis3({ host, port })
    case "redis4":
      return createRedis4({ socket: { host, port } })
    case "redis5":
      return createRedis5({ socket: { host, port } })
    case "redis6":
      return createRedis6({ socket: { host, port } })
    case "ioredis5":
      return new Ioredis5({ host, port })
    case "ioredis6":
      return new Ioredis6({ host, port })
  }
}

function cluster(name: ClientName, ports: readonly number[]): Client {
  const rootNodes = ports.map((port) => ({ socket: { host, port } }))
  const nodes = ports.map((port) => ({ host, port }))
  switch (name) {
    case "redis4":
      return createCluster4({ rootNodes })
    case "redis5":
      return createCluster5({ rootNodes })
    case "redis6":
      return createCluster6({ rootNodes })
    case "ioredis5":
      return new Ioredis5Cluster(nodes)
    case "ioredis6":
      return new Ioredis6Cluster(nodes)
    case "redis3":
      throw new Error("redis 3 has no clusters")
  }
}

function sentinel(name: ClientName, ports: readonly number[], master: string): Client {
  const sentinels = ports.map((port) => ({ host, port }))
  switch (name) {
    case "redis5":
      return createSentinel5({ name: master, sentinelRootNodes: sentinels })
    case "redis6":
      return createSentinel6({ name: master, sentinelRootNodes: sentinels })
    case "ioredis5":
      return new Ioredis5({ sentinels, name: master })
    case "ioredis6":
      return new Ioredis6({ sentinels, name: master })
    case "redis3":
    case "redis4":
      throw new Error(`${name} has no sentinels`)
  }
}
