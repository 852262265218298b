/**
 * What waits in its order for something to send it to. All of it is sent in one go, not one microtask
 * after the other, so that nothing that is sent directly from then on can come in between.
 */
export class WaitingLine<Target> {
  readonly #waiting: { send(target: Target): void; fail(reason: unknown): void }[] = []

  /** Whether nothing waits. */
  get empty(): boolean {
    return this.#waiting.length === 0
  }

  /** Gives what `send` gives, once there is something to send to; rejects as `send` or `refuse` does. */
  join<T>(send: (target: Target) => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const sendNow = (target: Target) => {
        try {
          resolve(send(target))
        } catch (error) {
          reject(error)
        }
      }
      this.#waiting.push({ send: sendNow, fail: reject })
    })
  }

  /** Sends all that waits. */
  release(target: Target): void {
    for (const { send } of this.#waiting.splice(0)) send(target)
  }

  /** Rejects all that waits. */
  refuse(reason: unknown): void {
    for (const { fail } of this.#waiting.splice(0)) fail(reason)
  }
}
