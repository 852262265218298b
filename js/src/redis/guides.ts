import { AdapterError } from "../errors.ts"
import { shuffled, within } from "./deployment.ts"
import { SlotMap } from "./slots.ts"

/** A server that says who has which slot. */
export interface Guide {
  /** The host that it is reached at. */
  host(): string
  /** Gives the answer to `CLUSTER SLOTS`. */
  ask(): Promise<unknown>
}

/** How many servers are asked for the slots at a time. */
const GUIDES = 3

/** The slots by whoever answers first. Rejects with `ERR_NOT_READY` when nobody does. */
export async function askForSlots(guides: readonly Guide[]): Promise<SlotMap> {
  const drawn = shuffled(guides)
  for (let at = 0; at < drawn.length; at += GUIDES) {
    try {
      return await Promise.any(drawn.slice(at, at + GUIDES).map(slotsBy))
    } catch {
      // the next ones may answer
    }
  }
  throw new AdapterError("ERR_NOT_READY", "no server of the Redis cluster says who has which slot")
}

async function slotsBy(guide: Guide): Promise<SlotMap> {
  const reply = await within(guide.ask())
  return new SlotMap(reply, guide.host())
}
