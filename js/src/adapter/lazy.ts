/** A promise whose work begins when somebody waits for it: most calls that give one are not waited for. */
export class Lazy<T> implements Promise<T> {
  readonly [Symbol.toStringTag] = "Promise"
  readonly #begin: () => Promise<T>
  #promise: Promise<T> | undefined

  constructor(begin: () => Promise<T>) {
    this.#begin = begin
  }

  // oxlint-disable-next-line unicorn/no-thenable -- it is a promise
  then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#begun().then(onFulfilled, onRejected)
  }

  catch<B = never>(onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<T | B> {
    return this.#begun().catch(onRejected)
  }

  finally(onFinally?: (() => void) | null): Promise<T> {
    return this.#begun().finally(onFinally)
  }

  #begun(): Promise<T> {
    this.#promise ??= this.#begin()
    return this.#promise
  }
}
