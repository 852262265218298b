// One soak in a process of its own; run.ts starts it. Ends with 1 where a figure is not where it was.
import { parseArgs } from "node:util"
import type { ClientName } from "../node/support/clients.ts"
import { startRedis } from "../node/support/redis-server.ts"
import { gauges, holds, read, type Reading } from "./gauges.ts"
import { table } from "./table.ts"
import { tasks } from "./tasks.ts"
import { type CreateAdapter, startWorld, stopWorld, type World } from "./world.ts"

/** It is shown what becomes of it, but it is known to leak. */
const PUBLISHED = "@socket.io/redis-adapter"

/** Of all the work, done before the start: code is compiled, and tables are as long as they get. */
const WARM_UP = 0.1

/** A task that takes longer says how far it is, in milliseconds. */
const SILENCE = 5_000

const { values: options } = parseArgs({
  options: {
    client: { type: "string", default: "redis6" },
    mode: { type: "string", default: "pattern" },
    only: { type: "string", default: "" },
    package: { type: "string", default: "socket.io-redis-edge" },
    scale: { type: "string", default: "1" },
  },
})
const label = `${options.package}, ${options.client}, ${options.mode} subscriptions`
const scale = Number(options.scale)
const chosen = tasks.filter(({ name }) => name.includes(options.only))

if (!(scale > 0)) throw new Error(`scale ${options.scale} is no positive number`)
if (chosen.length === 0) throw new Error(`no task is called "${options.only}"`)
// Ended by run.ts, or by hand: Redis ends with it.
process.once("SIGTERM", () => process.exit(143))
await soak()

async function soak(): Promise<void> {
  const { createAdapter } = (await import(options.package)) as { createAdapter: CreateAdapter }
  await using redis = await startRedis()
  const mode = { subscriptionMode: options.mode }
  const world = await startWorld(createAdapter, options.client as ClientName, redis.port, mode)
  await work(world, "warm-up", WARM_UP)
  const start = await read(world)
  const readings: Reading[] = [start]
  for (const round of ["first half", "second half"]) {
    await work(world, round, 0.5)
    readings.push(await read(world, start))
  }
  console.log(`\n${label}, ${options.scale} of the whole:\n\n${table(readings, scale)}\n`)
  const published = options.package === PUBLISHED
  // Closing that one leaves rejections that nobody handles.
  if (published) process.on("unhandledRejection", () => {})
  await stopWorld(world)
  const grown = gauges.filter((gauge) => !holds(gauge, readings, scale))
  if (published || grown.length === 0) return
  console.log(`grown: ${grown.map(({ name }) => name).join(", ")}`)
  process.exitCode = 1
}

async function work(world: World, round: string, part: number): Promise<void> {
  for (const { name, total, run } of chosen) {
    const count = Math.ceil(total * scale * part)
    const tell = (text: string) => console.log(`${label}, ${round}: ${text}`)
    const began = performance.now()
    let [behind, told] = [0, began]
    await run(world, count, (done) => {
      behind += done
      if (performance.now() - told < SILENCE) return
      told = performance.now()
      tell(`${Math.floor((100 * behind) / count)} % of ${name}`)
    })
    const seconds = ((performance.now() - began) / 1_000).toFixed(1)
    tell(`${count.toLocaleString("en")} ${name} in ${seconds} s`)
  }
}
