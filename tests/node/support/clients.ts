import { Redis as Ioredis5 } from "ioredis5"
import { Redis as Ioredis6 } from "ioredis6"
import { createClient as createRedis3 } from "redis3"
import { createClient as createRedis4 } from "redis4"
import { createClient as createRedis5 } from "redis5"
import { createClient as createRedis6 } from "redis6"
import type { RedisClient } from "../../../js/src/redis/driver.ts"

/** Milliseconds between attempts to connect: tests that restart a server do not wait for back-off. */
const RETRY = 20

interface TestClient {
  readonly client: NodeJS.EventEmitter & RedisClient
  open(): void
  ready(): Promise<void>
  close(): void
}

/** A publishing and a subscribing client of one package; errors that they emit are ignored. */
export interface ClientPair {
  readonly pubClient: NodeJS.EventEmitter & RedisClient
  readonly subClient: NodeJS.EventEmitter & RedisClient
  /** Starts to connect, where the package does not by itself. */
  open(): void
  /** Gives when both are connected. */
  ready(): Promise<void>
  /** Ends both connections at once. */
  close(): void
}

const makers = {
  redis3(port: number): TestClient {
    const client = createRedis3({ host: "127.0.0.1", port, retry_strategy: () => RETRY })
    const isReady = () => client.ready
    return testClient(client, isReady, { open: () => {}, close: () => client.end(false) })
  },
  redis4(port: number): TestClient {
    const client = createRedis4({ socket: socket(port) })
    return testClient(client, () => client.isReady, {
      open: () => client.connect().catch(() => {}),
      close: () => client.disconnect().catch(() => {}),
    })
  },
  redis5(port: number): TestClient {
    const client = createRedis5({ socket: socket(port) })
    return testClient(client, () => client.isReady, {
      open: () => client.connect().catch(() => {}),
      close: () => client.isOpen && client.destroy(),
    })
  },
  redis6(port: number): TestClient {
    const client = createRedis6({ socket: socket(port) })
    return testClient(client, () => client.isReady, {
      open: () => client.connect().catch(() => {}),
      close: () => client.destroy(),
    })
  },
  ioredis5(port: number): TestClient {
    const client = new Ioredis5({ host: "127.0.0.1", port, retryStrategy: () => RETRY })
    const isReady = () => client.status === "ready"
    return testClient(client, isReady, { open: () => {}, close: () => client.disconnect() })
  },
  ioredis6(port: number): TestClient {
    const client = new Ioredis6({ host: "127.0.0.1", port, retryStrategy: () => RETRY })
    const isReady = () => client.status === "ready"
    return testClient(client, isReady, { open: () => {}, close: () => client.disconnect() })
  },
}

/** The Redis clients that every suite runs with, by their names in node_modules. */
export type ClientName = keyof typeof makers

export const clientNames = Object.keys(makers) as readonly ClientName[]

/** A pair that is not connected yet; the packages that connect by themselves are trying to. */
export function makePair(name: ClientName, port: number): ClientPair {
  const both = [makers[name](port), makers[name](port)] as const
  return {
    pubClient: both[0].client,
    subClient: both[1].client,
    open: () => both.forEach((one) => one.open()),
    ready: async () => void (await Promise.all(both.map((one) => one.ready()))),
    close: () => both.forEach((one) => one.close()),
  }
}

/** A connected pair. */
export async function connectPair(name: ClientName, port: number): Promise<ClientPair> {
  const pair = makePair(name, port)
  pair.open()
  await pair.ready()
  return pair
}

function socket(port: number) {
  return { host: "127.0.0.1", port, reconnectStrategy: () => RETRY }
}

function testClient(
  client: NodeJS.EventEmitter & RedisClient,
  isReady: () => boolean,
  { open, close }: { open: () => unknown; close: () => unknown },
): TestClient {
  // Servers are stopped on purpose here; what matters shows in "ready" and in the tests' own checks.
  client.on("error", () => {})
  return {
    client,
    open,
    close,
    async ready() {
      while (!isReady()) await new Promise((resolve) => client.once("ready", resolve))
    },
  }
}
