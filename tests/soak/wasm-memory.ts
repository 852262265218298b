// Imported before the first adapter is made: an adapter's module keeps its WebAssembly to itself.

const memories: WeakRef<WebAssembly.Memory>[] = []
const { Instance } = WebAssembly

WebAssembly.Instance = class extends Instance {
  constructor(module: WebAssembly.Module, imports?: WebAssembly.Imports) {
    super(module, imports)
    const { memory } = this.exports
    if (memory instanceof WebAssembly.Memory) memories.push(new WeakRef(memory))
  }
}

/** The bytes of the memories of all WebAssembly that was instantiated here since. */
export function wasmBytes(): number {
  return memories.reduce((sum, memory) => sum + (memory.deref()?.buffer.byteLength ?? 0), 0)
}
