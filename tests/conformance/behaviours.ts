import { after, before, describe } from "node:test"
import { acknowledgements } from "./behaviours/acknowledgements.ts"
import { broadcasts } from "./behaviours/broadcasts.ts"
import { closing } from "./behaviours/closing.ts"
import { exact } from "./behaviours/exact.ts"
import { membership } from "./behaviours/membership.ts"
import { serverSide } from "./behaviours/server-side.ts"
import { sockets } from "./behaviours/sockets.ts"
import type { Environment } from "./environment.ts"
import { Stage } from "./stage.ts"

/** Tests all that adapters do, in one environment. */
export function behaviours(environment: Environment): void {
  describe(environment.name, { concurrency: 1 }, () => {
    const stage = new Stage(environment)
    before(() => stage.open())
    after(() => stage.close())
    behavioursOn(stage)
  })
}

/** The same on a stage that is open by the time its tests run. */
export function behavioursOn(stage: Stage): void {
  broadcasts(stage)
  sockets(stage)
  membership(stage)
  serverSide(stage)
  acknowledgements(stage)
  closing(stage)
  if (stage.environment.subscribesToRooms) exact(stage)
}
