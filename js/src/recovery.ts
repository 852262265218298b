/** How it is noticed that the core stopped in the middle of a call, and how it is built again. */
import { TrapError } from "./errors.ts"

/** What an object of wasm-bindgen throws while it is in use: for ever, if a call never came back. */
const IN_USE = "recursive use of an object detected"

/** What it throws when the core was discarded and no other could be made. */
const STALE = "Invalid stale object"

/** How often in a short time (in milliseconds) a core is built again at once; then after a pause. */
const OFTEN = 20
const SHORT = 1_000
const PAUSE = 100

/** How many words before and behind an object its lock may be. */
const NEIGHBOURHOOD = 4

type Method = (...args: unknown[]) => unknown
type Restore = (trap: TrapError) => void

/**
 * Saves what the core knows of an adapter and nobody else does, when the core stopped: as far as it still tells. Gives
 * what tells it a new core. `unlock` lets a core be asked on that stopped once more. Throws nothing but a
 * `RangeError`, where there is too little stack.
 */
export type Save<Adapter> = (adapter: Adapter, unlock: () => void) => Restore

/** What a recovery needs of the core. */
export interface Mortal {
  /** What was handed to it last. */
  input(): Uint8Array
  /** Calls it, which throws if it has stopped. */
  try(): void
  /** Lets it be asked though it is in use for ever. */
  unlock(): void
  /** Puts a new one in its place. */
  replace(): void
}

/** Builds the core again when it has stopped, with all adapters that somebody still has. */
export class Recovery {
  readonly #core: Mortal
  /** By handle. */
  readonly #adapters = new Map<number, () => Restore | undefined>()
  /** What stopped the core, until it is built again; what was saved of it. */
  #trap: TrapError | undefined
  #saved: readonly Restore[] | undefined
  #rebuilding = false
  #scheduled = false
  /** How often in a row it was built again in a short time, and when that was last. */
  #rebuilt = 0
  #rebuiltAt = Number.NEGATIVE_INFINITY

  constructor(core: Mortal) {
    this.#core = core
  }

  add<Adapter extends object>(handle: number, adapter: Adapter, save: Save<Adapter>): void {
    const held = new WeakRef(adapter)
    this.#adapters.set(handle, () => {
      const living = held.deref()
      return living && save(living, () => this.#core.unlock())
    })
  }

  remove(handle: number): void {
    this.#adapters.delete(handle)
  }

  /** Guards every method of a class from now on. */
  watch(prototype: object): void {
    const thrown = this.#thrown.bind(this)
    for (const name of Object.getOwnPropertyNames(prototype)) {
      if (name === "constructor") continue
      const method = Reflect.get(prototype, name) as Method
      Reflect.set(prototype, name, function guarded(this: unknown, ...args: unknown[]) {
        // Not `guard`, which would cost a closure for each message.
        try {
          return method.apply(this, args)
        } catch (error) {
          throw thrown(name, error)
        }
      })
    }
  }

  /** Does the call; throws a `TrapError` where the core stopped in it, or in an earlier one that never came back. */
  guard<T>(name: string, call: () => T): T {
    try {
      return call()
    } catch (error) {
      throw this.#thrown(name, error)
    }
  }

  /** Takes what a call threw; gives what is to be thrown. */
  #thrown(call: string, error: unknown): unknown {
    if (isTrap(error)) return this.#stopped(call, error)
    // The application had used up the stack, and what the core would have undone may not be: the next call tells.
    if (error instanceof RangeError) this.#rebuildLater()
    return error
  }

  #stopped(call: string, cause: Error): Error {
    // One that stops while it is built again stops for the same reason.
    if (this.#rebuilding) return cause
    this.#trap ??= new TrapError(call, this.#core.input(), cause)
    const trap = this.#trap
    // At once, so that nothing else is lost; but not where the stack may be used up, nor again and again.
    const often = this.#rebuilt >= OFTEN && performance.now() - this.#rebuiltAt < SHORT
    if (cause instanceof WebAssembly.RuntimeError && !often) this.#rebuild()
    else this.#rebuildLater(often)
    return trap
  }

  #rebuild(): void {
    this.#rebuilding = true
    try {
      this.#saved ??= this.#save()
      this.#core.replace()
      for (const restore of this.#saved) this.#alone(() => restore(this.#trap as TrapError))
      this.#saved = undefined
      this.#trap = undefined
      const now = performance.now()
      this.#rebuilt = now - this.#rebuiltAt < SHORT ? this.#rebuilt + 1 : 1
      this.#rebuiltAt = now
    } catch {
      // There may have been too little stack for this too, or no memory for another core.
      this.#rebuildLater(true)
    } finally {
      this.#rebuilding = false
    }
  }

  /** One adapter that cannot be saved or restored does not keep the others from it. */
  #alone<T>(action: () => T): T | undefined {
    try {
      return action()
    } catch (error) {
      if (error instanceof RangeError) throw error
      return undefined
    }
  }

  #save(): Restore[] {
    return [...this.#adapters.values()].flatMap((save) => {
      this.#core.unlock()
      return this.#alone(save) ?? []
    })
  }

  /** Builds the core again, if that proves to be needed, when whoever calls now has come to an end. */
  #rebuildLater(pause = false): void {
    if (this.#scheduled) return
    const rebuild = (): void => {
      try {
        this.#core.try()
      } catch {
        // It has stopped, and `#trap` is set.
      }
      this.#scheduled = false
      if (this.#trap !== undefined) this.#rebuild()
    }
    if (pause) setTimeout(rebuild, PAUSE)
    else queueMicrotask(rebuild)
    this.#scheduled = true
  }
}

function isTrap(error: unknown): error is Error {
  if (error instanceof WebAssembly.RuntimeError) return true
  if (!(error instanceof Error)) return false
  return error.message.startsWith(IN_USE) || error.message.startsWith(STALE)
}

/**
 * Where wasm-bindgen notes that an object is in use, in words from `place`, its own address in words:
 * the one word near it that is 0, but not while one of its methods runs. `run` calls a method that calls
 * back. `undefined` if there is none.
 */
export function findLock(
  place: number,
  words: () => Uint32Array,
  run: (look: () => void) => void,
): number | undefined {
  const near = () => words().slice(place - NEIGHBOURHOOD, place + NEIGHBOURHOOD)
  const before = near()
  const changed: number[] = []
  run(() => {
    near().forEach((word, index) => {
      // Beside the lock it counts who holds the object, at least one.
      if (word !== before[index] && before[index] === 0) changed.push(index - NEIGHBOURHOOD)
    })
  })
  return changed.length === 1 ? changed[0] : undefined
}
