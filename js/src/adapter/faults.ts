import createDebug from "debug"
import type { Core } from "../boundary.ts"
import { AdapterError, type FaultCode, FaultError, TrapError } from "../errors.ts"
import { guarded } from "./guarded.ts"

// The name that users of @socket.io/redis-adapter know.
const debug = createDebug("socket.io-redis")

/** What faults need of the adapter, which is an event emitter. */
export interface FaultEvents {
  emit(event: "error", error: FaultError | TrapError): unknown
  listenerCount(event: "error"): number
}

/**
 * Tells of what went wrong: each time as a debug line, and where somebody listens to the adapter's event "error"
 * as often as the core allows. Nothing of this throws.
 */
export class Faults {
  readonly #core: Core
  readonly #adapter: number
  readonly #nsp: string
  readonly #events: FaultEvents
  #quietUntil = Number.NEGATIVE_INFINITY

  constructor(core: Core, adapter: number, nsp: string, events: FaultEvents) {
    this.#core = core
    this.#adapter = adapter
    this.#nsp = nsp
    this.#events = events
  }

  /** `text` says what happened, `cause` why, where somebody else knows. */
  tell(code: FaultCode, text: string, cause?: unknown): void {
    debug("%s on %s: %o", text, this.#nsp, cause ?? code)
    const occurrences = this.#count(code)
    if (occurrences > 0) this.#emit(new FaultError(code, text, occurrences, cause))
  }

  /** Takes what the Redis clients said to a subscription. */
  refused(error: unknown): void {
    const code = error instanceof AdapterError ? error.code : undefined
    // A lost connection is no refusal; the clients tell of it.
    if (code === "ERR_CONNECTION_LOST" || code === "ERR_NOT_READY") {
      return debug("not subscribed on %s: %s", this.#nsp, code)
    }
    this.tell("ERR_SUBSCRIBE_FAILED", "Redis refused a subscription; it is asked for again", error)
  }

  /** Takes what was thrown where nothing must be. */
  unexpected(where: string, error: unknown): void {
    if (error instanceof TrapError) return // was told of by `trapped`
    this.tell("ERR_UNEXPECTED", `something failed in ${where}; see the cause`, error)
  }

  /** The core that would count these is gone. */
  trapped(trap: TrapError): void {
    debug("%s on %s: %o", trap.message, this.#nsp, trap.cause)
    const now = performance.now()
    if (now < this.#quietUntil || this.#events.listenerCount("error") === 0) return
    this.#quietUntil = now + 60_000
    this.#emit(trap)
  }

  #count(code: FaultCode): number {
    const listening = this.#events.listenerCount("error") > 0
    try {
      return this.#core.wasm.report(this.#adapter, code, listening, performance.now())
    } catch {
      return 0 // The core stopped, and that was told of.
    }
  }

  #emit(error: FaultError | TrapError): void {
    guarded(() => this.#events.emit("error", error))
  }
}
