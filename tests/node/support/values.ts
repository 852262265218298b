import { Buffer } from "node:buffer"

class Point {
  readonly x = 1
  readonly #hidden = 2
  y: unknown = undefined

  sum(): number {
    return this.x + this.#hidden
  }
}

class Named {
  readonly name = "of the instance"
  readonly toJSON = () => ({ name: "of toJSON", at: new Date(0) })
}

const bytes = (length: number) => Uint8Array.from({ length }, (_, index) => index * 7)

/** `length` bytes that stand in the middle of a larger buffer. */
function within(length: number): ArrayBuffer {
  const { buffer } = bytes(length + 16)
  return buffer
}

function nested(depth: number): unknown {
  let value: unknown = "bottom"
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { value }
  return value
}

const integers = [23, 31, 32, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 2 ** 31, 2 ** 32]
const lengths = [0, 1, 15, 16, 31, 32, 33, 255, 256, 65535, 65536]

/** Arguments of events without binary data, each by what is particular about it. */
export const plainValues: readonly [what: string, args: unknown[]][] = [
  ["no argument", []],
  ["several arguments", [1, "two", null, true, { five: [] }]],
  ["integers of each width", [integers.flatMap((n) => [n, n - 1, -n, -n - 1])]],
  ["whole numbers", [[0, -0, 1e20, 1e21, 1e300, -1e300, 2 ** 53, 2 ** 63, 2 ** 64, -(2 ** 63)]]],
  ["safe integers", [[Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]]],
  ["fractions", [[0.1, -0.5, 1 / 3, 5e-324, 1.7976931348623157e308, 1e-7, 123456.789, 3.4e38]]],
  ["numbers that JSON lacks", [NaN, Infinity, -Infinity, [NaN], { nan: NaN }]],
  ["undefined arguments", [undefined, 1, undefined]],
  ["undefined members and items", [{ a: undefined, b: [undefined, 1] }]],
  ["holes", [Object.assign([], { 0: 1, 3: 2 })]],
  ["dates", [new Date(0), { at: new Date(1e12), before: new Date(-1) }, [new Date(8.64e15)]]],
  ["an invalid date", [new Date(NaN)]],
  ["strings of each width", lengths.map((length) => "x".repeat(length))],
  ["arrays of each width", lengths.slice(0, 6).map((length) => Array(length).fill(length))],
  [
    "objects of each width",
    [15, 16, 70_000].map((length) =>
      Object.fromEntries(Array.from({ length }, (_, index) => [`k${index}`, index])),
    ),
  ],
  ["escapes", ['"\\\b\f\n\r\t\u0000\u001F\u007F\u2028\u2029/', { '"\n': 1 }]],
  ["characters of each length", ["aé€😀", { é: "€", "😀": 1 }, "é".repeat(20), "😀".repeat(300)]],
  ["byte order marks", ["\uFEFFa", `${"\uFEFF"}${"b".repeat(300)}`]],
  ["lone surrogates", ["\uD800", "a\uDC00b", "\uDC00\uD800", { "\uD83D": "\uDE00" }]],
  ["lone surrogates in long text", [`${"x".repeat(300)}\uD800${"y".repeat(300)}\uDFFF`]],
  ["lone surrogates before ASCII", ["\uD800abc", "\uD83Dé", "\uD83D\uD83D\uDE00"]],
  ["an own __proto__", [JSON.parse('{"__proto__":{"a":1},"b":{"__proto__":2}}')]],
  ["members of Object.prototype", [{ constructor: 1, toString: "2", hasOwnProperty: null }]],
  ["keys like integers", [{ b: 1, 10: 2, 2: 3, a: 4, "-1": 5, "01": 6, "": 7 }]],
  ["nested empties", [[], {}, [[]], [{}], { a: [] }, { a: {} }, [[[]], {}], ""]],
  ["deep nesting", [nested(90)]],
  ["what looks like a placeholder", [{ _placeholder: true, num: 0 }, [{ _placeholder: true }]]],
  ["booleans and null", [true, false, null, [true, [null]]]],
  ["objects with toJSON", [new Named(), { toJSON: () => undefined, a: 1 }, [{ toJSON: () => 1 }]]],
  ["class instances", [new Point(), Object.create(null, { a: { value: 1, enumerable: true } })]],
  [
    "maps, sets, errors, regular expressions",
    [new Map([[1, 2]]), new Set([1]), new Error("e"), /a/],
  ],
  ["functions and symbols", [{ f: () => 1, s: Symbol("s") }, [() => 1, Symbol("s")]]],
  ["boxed primitives", [Object(1), Object("text"), Object(false)]],
  ["100 KB", [Array.from({ length: 1_000 }, (_, id) => ({ id, text: "é".repeat(40), ok: true }))]],
  ["3 MB of text", ["0123456789abcdef".repeat(196_608)]],
]

/** Arguments of events with binary data. */
export const binaryValues: readonly [what: string, args: unknown[]][] = [
  ["a Buffer", [Buffer.from([0, 127, 128, 255])]],
  ["an empty Buffer", [Buffer.alloc(0)]],
  ["a Uint8Array", [bytes(5)]],
  ["an ArrayBuffer", [bytes(7).buffer]],
  ["a view into a bigger buffer", [new Uint8Array(within(5), 8, 5)]],
  ["a pooled Buffer", [Buffer.from("pooled").subarray(1, 4)]],
  ["a Float32Array", [new Float32Array([1.5, -2.25, NaN])]],
  ["a Float32Array into a bigger buffer", [new Float32Array(within(8), 4, 2)]],
  ["a Uint16Array", [new Uint16Array([1, 65_535])]],
  ["a BigInt64Array", [new BigInt64Array([1n, -1n])]],
  ["a DataView", [new DataView(within(9), 3, 9)]],
  ["binary at any depth", [{ a: [{ b: { c: [Buffer.from("deep"), 1] } }] }, [[[bytes(2)]]]]],
  ["the same Buffer twice", [Buffer.from("twice"), { again: Buffer.from("twice") }]],
  [
    "as many attachments as the parser takes",
    [Array.from({ length: 10 }, (_, index) => Buffer.alloc(index, index))],
  ],
  ["binary beside other values", [new Date(0), Buffer.from("b"), undefined, NaN, -0, 1e20, "€"]],
  ["binary of each width", [255, 256, 65_535, 65_536].map((length) => Buffer.alloc(length, 1))],
  ["toJSON that gives binary", [{ toJSON: () => ({ inner: Buffer.from("json") }) }]],
  ["3 MB of binary", [Buffer.alloc(3 << 20, "binary")]],
]

export const values = [...plainValues, ...binaryValues]
