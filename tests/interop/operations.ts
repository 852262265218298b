import { acknowledgements } from "./operations/acknowledgements.ts"
import { broadcasts } from "./operations/broadcasts.ts"
import { requests } from "./operations/requests.ts"
import { serverSide } from "./operations/server-side.ts"
import { sockets } from "./operations/sockets.ts"
import type { Operation } from "./scene.ts"

/** Everything that the matrix tries, as far as both sides of a cell have it. */
export const operations: readonly Operation[] = [
  ...broadcasts,
  ...sockets,
  ...requests,
  ...serverSide,
  ...acknowledgements,
]
