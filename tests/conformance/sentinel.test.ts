import { after, before, describe } from "node:test"
import { clientNamesFor } from "../node/support/clients.ts"
import { refuseUnhandledRejections } from "../node/support/drivers.ts"
import { type SentinelDeployment, startSentinel } from "../node/support/redis-sentinel.ts"
import { behaviours, behavioursOn } from "./behaviours.ts"
import { type Mode, modes, redisEnvironment } from "./environment.ts"
import { Stage } from "./stage.ts"

let sentinel: SentinelDeployment

before(async () => {
  sentinel = await startSentinel()
})
after(() => sentinel[Symbol.asyncDispose]())
refuseUnhandledRejections()

const place = () => ({ deployment: sentinel, ports: [sentinel.masterPort] })
const environments = clientNamesFor.sentinel.flatMap((client) =>
  modes.map((mode) => redisEnvironment(client, "sentinel", mode, place)),
)

describe("sentinels", { concurrency: 4 }, () => environments.forEach(behaviours))

describe("after a failover", { concurrency: 2 }, () => {
  // Packages take turns at the modes: the more clients look for the dead master, the longer it takes.
  const stages = clientNamesFor.sentinel.map((client, index) => {
    const mode = modes[index % modes.length] as Mode
    return new Stage(redisEnvironment(client, "sentinel", mode, place))
  })

  before(async () => {
    await Promise.all(stages.map((stage) => stage.open()))
    await sentinel.failover()
    await Promise.all(stages.map((stage) => stage.recovered()))
  })
  after(() => Promise.all(stages.map((stage) => stage.close())))

  for (const stage of stages)
    describe(stage.environment.name, { concurrency: 1 }, () => behavioursOn(stage))
})
