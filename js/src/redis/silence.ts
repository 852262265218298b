import type { RedisConnection } from "./connection.ts"

/** How long messages may be unanswered until their connection is doubted, then dropped; in milliseconds. */
const PATIENCE = 3_000

/**
 * Drops a publishing connection that takes messages and answers none, as one does for a quarter of an
 * hour that was cut off without a word. It looks when something is published, at one message at a time.
 */
export class Silence {
  readonly #connection: RedisConnection
  #followed: Promise<unknown> | undefined
  #since = 0
  /** The first time, the client may just have connected and be about to send what it has kept. */
  #doubted = false

  constructor(connection: RedisConnection) {
    this.#connection = connection
  }

  /** Takes the answer to a message that was just published. */
  follow(answer: Promise<unknown>): void {
    if (!this.#followed) return this.#begin(answer)
    if (performance.now() - this.#since < PATIENCE) return
    const dead = this.#doubted && this.#connection.publishes
    this.#doubted = this.#connection.publishes && !dead
    this.#begin(answer)
    if (dead) this.#connection.reconnect("publish")
  }

  #begin(answer: Promise<unknown>): void {
    this.#followed = answer
    this.#since = performance.now()
    const settled = () => {
      if (this.#followed !== answer) return
      this.#followed = undefined
      this.#doubted = false
    }
    answer.then(settled, settled)
  }
}
