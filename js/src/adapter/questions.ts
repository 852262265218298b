import type { Core } from "../boundary.ts"
import { RequestError } from "../errors.ts"
import { guarded } from "./guarded.ts"
import type { Ending, QuestionOutput } from "../output.ts"

/** What waits for the answers of other servers. */
interface Question {
  /** Takes the answer of one server, or of one client. */
  answer(value: unknown): void
  clientCount?(count: number): void
  counted?(): void
  ended(ending: Ending): void
}

/** What was asked: its name in errors, what is known before any answer, and what the answers make of it. */
export interface Inquiry<Result> {
  readonly operation: string
  /** Whether what is known is an answer too, with the option `partial`. */
  readonly partial?: true
  result(answers: readonly unknown[]): Result
}

/** The questions of this server to the others, by the core's numbers. */
export class Questions {
  readonly #core: Core
  readonly #partial: boolean
  readonly #open = new Map<number, Question>()
  /** Why Redis did not take a request, until the core has ended it. */
  readonly #causes = new Map<number, unknown>()

  /** `partial`: whether what is known is good enough when others do not answer. */
  constructor(core: Core, partial: boolean) {
    this.#core = core
    this.#partial = partial
  }

  /** The answers to a request; rejects with a `RequestError` that holds those that came. */
  ask<Result>(request: number, inquiry: Inquiry<Result>): Promise<Result> {
    const { operation, result, partial = false } = inquiry
    return new Promise((resolve, reject) => {
      const answers: unknown[] = []
      this.#open.set(request, {
        answer: (value) => void answers.push(value),
        ended: (ending) => {
          try {
            const known = result(answers)
            if (ending.ending === "complete") resolve(known)
            else if (partial && this.#partial && ending.ending !== "closed") resolve(known)
            else reject(this.#failure(request, ending, operation, answers.length, known))
          } catch (error) {
            reject(error) // Whoever asked must not wait for ever.
          }
        },
      })
    })
  }

  /**
   * The acknowledgements of an event; gives how many servers, this one included, have told to how many
   * clients they sent it, when all have.
   */
  acknowledgements(
    request: number,
    clientCount: (count: number) => void,
    acknowledge: (value: unknown) => void,
  ): Promise<number> {
    return new Promise((resolve) => {
      let servers = 1
      this.#open.set(request, {
        // Both call the application in the end.
        answer: (value) => guarded(() => acknowledge(value)),
        clientCount: (count) => {
          servers += 1
          guarded(() => clientCount(count))
        },
        counted: () => resolve(servers),
        // Whoever waits has a timer of its own.
        ended: () => {},
      })
    })
  }

  /** Ends all with what is known: what the core knew of them is lost. */
  fail(cause: unknown): void {
    for (const [request, question] of this.#open) {
      this.#causes.set(request, cause)
      this.#open.delete(request)
      question.ended({ ending: "failed" })
      this.#causes.delete(request)
    }
  }

  /** Notes why a request is about to fail. */
  blame(request: number, cause: unknown): void {
    if (this.#open.has(request)) this.#causes.set(request, cause)
  }

  /** Takes what became of a request. */
  perform(output: QuestionOutput): void {
    const question = this.#open.get(output.request)
    if (question === undefined) return
    switch (output.type) {
      case "answer":
        return question.answer(this.#core.value(output.value))
      case "clientCount":
        return question.clientCount?.(output.count)
      case "counted":
        return question.counted?.()
      case "ended":
        this.#open.delete(output.request)
        question.ended(output)
        this.#causes.delete(output.request)
    }
  }

  #failure<Result>(
    request: number,
    ending: Exclude<Ending, { ending: "complete" }>,
    operation: string,
    answered: number,
    known: Result,
  ): RequestError<Result> {
    const cause = this.#causes.get(request)
    switch (ending.ending) {
      case "closed": {
        const message = `the adapter was closed while waiting for ${operation} response`
        return new RequestError("ERR_CLOSED", message, known, undefined, cause)
      }
      case "failed": {
        const message = `the ${operation} request failed; see the cause`
        return new RequestError("ERR_REQUEST_FAILED", message, known, undefined, cause)
      }
      case "timedOut": {
        const { missing } = ending
        return new RequestError(
          "ERR_REQUEST_TIMEOUT",
          timedOut(operation, answered, missing),
          known,
          missing,
          cause,
        )
      }
    }
  }
}

/** The text of @socket.io/redis-adapter 8.3.0, then what it leaves open. */
function timedOut(operation: string, answered: number, missing: number | undefined): string {
  const text = `timeout reached while waiting for ${operation} response`
  if (missing === undefined) return `${text}: the servers could not be counted`
  const all = answered + missing
  return operation === "serverSideEmit"
    ? `timeout reached: only ${answered} responses received out of ${all}`
    : `${text}: ${answered} of ${all} other servers have answered`
}
