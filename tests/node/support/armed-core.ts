// Imported first: lets calls of the core stop as a trap would, one at a time, and instances fail to be made.

type Exported = (...args: unknown[]) => unknown

/** Calls that will stop, by the names that wasm exports; how many of each go well before. */
const armed = new Map<string, number>()
/** How many instances will not be made for want of memory. */
let missing = 0
/** How many were asked for. */
let asked = 0

const { Instance } = WebAssembly
WebAssembly.Instance = class extends Instance {
  constructor(module: WebAssembly.Module, imports?: WebAssembly.Imports) {
    asked += 1
    if (missing-- > 0) throw new RangeError("WebAssembly.Instance(): Out of memory")
    super(module, imports)
    const guarded = Object.entries(this.exports).map(([name, value]) => {
      if (typeof value !== "function") return [name, value]
      const exported: Exported = (...args) => {
        stopIfArmed(name)
        return (value as Exported)(...args)
      }
      return [name, exported]
    })
    Object.defineProperty(this, "exports", { value: Object.fromEntries(guarded) })
  }
}

function stopIfArmed(name: string): void {
  const left = armed.get(name)
  if (left === undefined) return
  if (left > 0) {
    armed.set(name, left - 1)
    return
  }
  armed.delete(name)
  throw new WebAssembly.RuntimeError("unreachable")
}

/** Lets a call stop, after so many that do not. */
export function arm(name: string, after = 0): void {
  armed.set(name, after)
}

/** Whether an armed call has not come yet. */
export function isArmed(name: string): boolean {
  return armed.has(name)
}

/** Lets the next instances not be made. */
export function starve(count: number): void {
  missing = count
}

export function instances(): number {
  return asked
}
