// The types of notepack.io are not found through its exports.
declare module "notepack.io" {
  export function encode(value: unknown): Buffer
  export function decode(bytes: Buffer): unknown
}

declare module "notepack.io2" {
  export function decode(bytes: Buffer): unknown
}
