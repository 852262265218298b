import { refuseUnhandledRejections } from "../node/support/drivers.ts"
import { behaviours } from "./behaviours.ts"
import { memoryEnvironment, modes, shardedModes } from "./environment.ts"

refuseUnhandledRejections()

for (const mode of shardedModes) behaviours(memoryEnvironment(mode))
for (const mode of modes) {
  if (!mode.publishOnSpecificResponseChannel) behaviours(memoryEnvironment(mode))
}
