import { createAdapter as createPublishedAdapter } from "@socket.io/redis-adapter"
import { createAdapter } from "socket.io-redis-edge"
import { connectPair } from "./clients.ts"
import { TestServer } from "./cluster.ts"

/** Ours, and the package that it takes the place of. */
export const packages = { ours: createAdapter, published: createPublishedAdapter }

export type PackageName = keyof typeof packages

interface Options {
  key: string
  requestsTimeout?: number
  /** Known to ours alone. */
  partial?: boolean
  parser?: { encode(value: unknown): Buffer; decode(bytes: Uint8Array): unknown }
}

/** A server of a package; gives when it takes requests. */
export async function start(
  name: PackageName,
  port: number,
  options: Options,
): Promise<TestServer> {
  const pair = await connectPair("ioredis6", port)
  const adapter = packages[name](pair.pubClient, pair.subClient, options)
  const server = await TestServer.start({ adapter }, pair)
  await until(server, 1)
  return server
}

/** Gives when there are so many servers, for those that do not say when they are heard. */
export async function until({ io }: TestServer, servers: number): Promise<void> {
  while ((await io.of("/").adapter.serverCount()) < servers);
}
