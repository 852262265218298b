import type { Core } from "../boundary.ts"

/** A value in the core's input. */
export interface Written {
  readonly length: number
  /** Whether it is MessagePack; otherwise it is JSON. */
  readonly raw: boolean
}

/** Hands values of the application to the core, for other servers. */
export class Values {
  readonly #core: Core
  readonly #carriesBinary: boolean

  /** `carriesBinary`: whether requests and answers can carry binary data as such, which the classic dialect's cannot. */
  constructor(core: Core, carriesBinary: boolean) {
    this.#core = core
    this.#carriesBinary = carriesBinary
  }

  /**
   * Writes a value into the core's input; gives nothing for what `JSON.stringify` leaves out. Throws for what it
   * cannot write: a bigint, a cycle.
   */
  write(value: unknown): Written | undefined {
    if (this.#carriesBinary && hasBinary(value)) {
      const bytes = this.#core.encode(value)
      this.#core.writeBytes(bytes)
      return { length: bytes.length, raw: true }
    }
    const json = JSON.stringify(value)
    return json === undefined ? undefined : { length: this.#core.writeText(json), raw: false }
  }
}

/**
 * Whether a value holds binary data, as `hasBinary` of @socket.io/redis-adapter 8.3.0 has it: in its own members and
 * items, or in what its `toJSON` gives. Throws a RangeError for a cycle.
 */
function hasBinary(value: unknown, isJson = false): boolean {
  if (typeof value !== "object" || value === null) return false
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return true
  if (Array.isArray(value)) return value.some((item) => hasBinary(item))
  if (Object.values(value).some((member) => hasBinary(member))) return true
  const { toJSON } = value as { toJSON?: unknown }
  return typeof toJSON === "function" && !isJson && hasBinary(toJSON.call(value), true)
}
