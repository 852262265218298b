import { isCount, isUnknownCommand, type RedisConnection } from "./connection.ts"

/** How often it is looked whether anything was answered, in milliseconds. */
const BEAT = 1_000

/**
 * How many beats in a row may bring no answer at all until the connection is dropped. Redis may be stopped
 * or blocked for seconds, and what is open on a connection that is dropped while it is healthy is lost, or
 * sent twice. Beats are counted, not time: a process that was itself held up has not listened meanwhile.
 */
const PATIENCE = 20

/**
 * Drops a publishing connection that takes messages and answers none, as one does for a quarter of an
 * hour that was cut off without a word; and one that answers what was not asked on it.
 */
export class Silence {
  readonly #connection: RedisConnection
  /** How many messages are unanswered that were published since the connection was last dropped. */
  #open = 0
  #silentBeats = 0
  /** Runs while messages are open. */
  #timer: NodeJS.Timeout | undefined

  constructor(connection: RedisConnection) {
    this.#connection = connection
  }

  /** Takes the answer to a message that was just published; throws where that is no promise. */
  follow(answer: Promise<unknown>): void {
    answer.then(this.#answered, this.#refused)
    this.#open++
    this.#timer ??= setInterval(this.#beat, BEAT).unref()
  }

  // Functions for all messages, as they are many.

  readonly #answered = (answer: unknown) => {
    this.#settle()
    if (!isCount(answer) && this.#connection.settingUp) this.#drop()
  }

  readonly #refused = (error: unknown) => {
    this.#settle()
    if (isUnknownCommand(error) && this.#connection.settingUp) this.#drop()
  }

  readonly #beat = () => {
    if (this.#open === 0) return this.#rest()
    // What the client keeps while it is not connected cannot be answered.
    this.#silentBeats = this.#connection.publishes ? this.#silentBeats + 1 : 0
    if (this.#silentBeats >= PATIENCE) this.#drop()
  }

  #settle(): void {
    this.#silentBeats = 0
    if (this.#open > 0) this.#open--
  }

  #drop(): void {
    this.#rest()
    this.#connection.reconnect("publish")
  }

  #rest(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#silentBeats = 0
    // A client that forgot an answer must not have each connection dropped from then on.
    this.#open = 0
  }
}
