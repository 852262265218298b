import type { Socket } from "socket.io-client"

/** Milliseconds between two calls to a server that may not hear yet. */
const PAUSE = 25
/** How long something is waited for that may never be heard, in milliseconds. */
const PATIENCE = 5_000

/** What a client hears. */
export class Ear {
  readonly #socket: Socket
  readonly #times = new Map<string, number>()
  readonly #first = new Map<string, number>()

  constructor(socket: Socket) {
    this.#socket = socket
    socket.onAny((event: string) => {
      this.#times.set(event, (this.#times.get(event) ?? 0) + 1)
      if (!this.#first.has(event)) this.#first.set(event, performance.now())
    })
  }

  /** How many of these events were heard exactly once. */
  count(events: readonly string[]): number {
    return events.filter((event) => this.#times.get(event) === 1).length
  }

  /** How long after `since` each of these was heard, in milliseconds; infinite for those that were not. */
  latencies(events: readonly string[], since: number): number[] {
    return events.map((event) => (this.#first.get(event) ?? Number.POSITIVE_INFINITY) - since)
  }

  /** Whether an event was heard already, or is within so many milliseconds. */
  hears(event: string, milliseconds = PATIENCE): Promise<boolean> {
    if (this.#times.has(event)) return Promise.resolve(true)
    return new Promise((resolve) => {
      const heard = () => {
        clearTimeout(timer)
        resolve(true)
      }
      const timer = setTimeout(() => {
        this.#socket.off(event, heard)
        resolve(false)
      }, milliseconds)
      this.#socket.once(event, heard)
    })
  }

  /** Has an event sent again and again; whether it is heard within so many milliseconds. */
  async calls(
    event: string,
    send: () => Promise<unknown>,
    milliseconds = PATIENCE,
  ): Promise<boolean> {
    // What is not heard in the end may not even be sent.
    const call = () => void send().catch(() => {})
    call()
    const calling = setInterval(call, PAUSE)
    const heard = await this.hears(event, milliseconds)
    clearInterval(calling)
    return heard
  }
}
