import { readFileSync } from "node:fs"

/** The core's WebAssembly module, compiled from the file beside this one in the package. */
export function wasmModule(): WebAssembly.Module {
  return new WebAssembly.Module(readFileSync(new URL("./core.wasm", import.meta.url)))
}
