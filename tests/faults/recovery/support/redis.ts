import { setTimeout as delay } from "node:timers/promises"
import { Redis } from "ioredis5"
import type { Deployment } from "../../../node/support/clients.ts"

/** How many subscribe to each channel, and to patterns: over all these servers. */
export type Standing = Record<string, number>

/** Asks each server with a connection of its own. */
export async function atEach<T>(
  ports: readonly number[],
  ask: (redis: Redis) => Promise<T>,
): Promise<T[]> {
  return Promise.all(
    ports.map(async (port) => {
      const redis = new Redis(port)
      redis.on("error", () => {})
      try {
        return await ask(redis)
      } finally {
        redis.disconnect()
      }
    }),
  )
}

export async function standing(ports: readonly number[]): Promise<Standing> {
  const total: Standing = {}
  const add = (name: string, count: number) => {
    if (count) total[name] = (total[name] ?? 0) + count
  }
  await atEach(ports, async (redis) => {
    for (const sharded of ["", "SHARD"]) {
      const channels = (await redis.call("PUBSUB", `${sharded}CHANNELS`)) as string[]
      const counting = () => redis.call("PUBSUB", `${sharded}NUMSUB`, ...channels)
      const counts = channels.length ? ((await counting()) as unknown[]) : []
      // Sentinels talk to each other there.
      channels.forEach((channel, index) => {
        if (channel !== "__sentinel__:hello") add(channel, Number(counts[2 * index + 1]))
      })
    }
    // NUMPAT counts a pattern once, however many subscribe to it.
    const clients = String(await redis.client("LIST", "TYPE", "PUBSUB"))
    for (const [, count] of clients.matchAll(/ psub=(\d+)/g)) add("patterns", Number(count))
  })
  return Object.fromEntries(Object.entries(total).toSorted())
}

/** Gives when Redis has the same subscriptions again: how long that took, in milliseconds. */
export async function standingAgain(
  ports: readonly number[],
  expected: Standing,
  limit: number,
): Promise<number> {
  const start = performance.now()
  for (;;) {
    const now = await standing(ports)
    const took = performance.now() - start
    if (JSON.stringify(now) === JSON.stringify(expected)) return took
    if (took > limit) {
      const all = `${JSON.stringify(now)} instead of ${JSON.stringify(expected)}`
      throw new Error(`after ${limit} ms, these subscriptions stand: ${all}`)
    }
    await delay(10)
  }
}

/** One server, as clients are told of it: the Redis itself, or what stands in front of it. */
export function at({ port }: { readonly port: number }): Deployment {
  return { topology: "standalone", port }
}
