// The types of notepack.io 3.0.1 are not found through its exports.
declare module "notepack.io" {
  export function encode(value: unknown): Buffer
}
