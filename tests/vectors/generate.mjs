// Writes notepack.jsonl beside this file: what notepack.io and JSON.stringify make of several hundred values.
// Run with `node tests/vectors/generate.mjs` after `npm ci`.
//
// Each line is {note, msgpack, json, attachments, direction}. `msgpack` is hexadecimal; `attachments` too, in the order of
// their placeholders in `json`. A direction of "both" means that notepack encodes the value to these bytes and decodes them to
// this text, "decode" that it only decodes them. A long text is a list of [piece, times].
import { createRequire } from "node:module"
import { writeFileSync } from "node:fs"

const require = createRequire(import.meta.url)
const notepack = require("notepack.io")

const lines = []

// As deconstructPacket of socket.io-parser does, except that a Date is left for JSON.stringify.
function deconstruct(value, buffers) {
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) {
    return { _placeholder: true, num: buffers.push(Buffer.from(value)) - 1 }
  }
  if (Array.isArray(value)) return value.map((item) => deconstruct(item, buffers))
  if (value === null || typeof value !== "object" || value instanceof Date) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, deconstruct(item, buffers)]),
  )
}

function runs(text) {
  const list = []
  let end = 0
  for (const match of text.matchAll(/(.{1,8}?)\1{99,}/gs)) {
    list.push([text.slice(end, match.index), 1], [match[1], match[0].length / match[1].length])
    end = match.index + match[0].length
  }
  return list.length > 0 ? [...list, [text.slice(end), 1]] : text
}

function line(note, direction, bytes) {
  const buffers = []
  const json = JSON.stringify(deconstruct(notepack.decode(bytes), buffers)) ?? "null"
  lines.push({
    note,
    direction,
    msgpack: runs(bytes.toString("hex")),
    json: runs(json),
    attachments: buffers.map((buffer) => runs(buffer.toString("hex"))),
  })
}

// The encoder's key cache must not decide what is recorded, so values are encoded twice and must agree.
function both(note, value) {
  const bytes = notepack.encode(value)
  if (!bytes.equals(notepack.encode(value))) throw new Error(`${note}: not deterministic`)
  line(note, "both", bytes)
}

const decode = (note, hex) => line(note, "decode", Buffer.from(hex.replaceAll(" ", ""), "hex"))
const hex = (text) => Buffer.from(text).toString("hex")

for (const value of [null, true, false, "", [], {}, [[]], [{}], { a: [] }, { "": "" }])
  both("smallest values", value)

for (const power of [5, 7, 8, 15, 16, 31, 32, 52, 53, 62, 63]) {
  for (const offset of [-1, 0, 1]) {
    both(`2^${power}`, 2 ** power + offset)
    both(`-2^${power}`, -(2 ** power) + offset)
  }
}
both("largest below 2^64", 18446744073709549568)
both("zero without a sign", -0)
for (let exponent = -12; exponent <= 18; exponent++)
  both("powers of ten", [10 ** exponent, -3 * 10 ** exponent, 1.25 * 10 ** exponent])
for (const value of [
  0.1,
  0.5,
  1.5,
  -1.5,
  1 / 3,
  123.456,
  5e-324,
  2.2250738585072014e-308,
  1e-7,
  1.5e-7,
  0.000001,
  0.0000015,
]) {
  both("fractions", [value, -value])
}
both(
  "a hundredth of each",
  Array.from({ length: 120 }, (_, index) => index / 100),
)

for (const character of ["a", "é", "世", "😀", '"', "\\", "\u0001", "\u007f"]) {
  const width = Buffer.byteLength(character)
  for (const bytes of [
    1, 2, 7, 8, 9, 15, 16, 17, 23, 31, 32, 33, 47, 48, 63, 64, 65, 127, 128, 129, 255, 256,
  ]) {
    if (bytes % width === 0) both(`text of ${bytes} bytes`, character.repeat(bytes / width))
  }
  both(
    "text inside others",
    `${"x".repeat(30)}${character}${"y".repeat(30)}${character}${character}${"z".repeat(5)}`,
  )
}
for (const length of [65535, 65536, 70000]) both(`text of ${length} bytes`, "a".repeat(length))
for (let code = 0; code < 128; code++)
  both("ASCII", `${String.fromCharCode(code)}<${String.fromCharCode(code)}>`)
for (const text of [
  "\u2028\u2029",
  "\ufeffbom",
  "\ufffd",
  "\u0000",
  "\u0080",
  "\u07ff",
  "\u0800",
  "\ud7ff",
  "\ue000",
  "\uffff",
  "👨‍👩‍👧",
  "\u{10ffff}",
  "\u{10000}",
  "/",
  "'",
]) {
  both("code points", [text, `${text}${text}`, { [text]: text }])
}

for (const length of [1, 14, 15, 16, 17, 256]) {
  both(
    `array of ${length}`,
    Array.from({ length }, (_, index) => index),
  )
  both(
    `map of ${length}`,
    Object.fromEntries(Array.from({ length }, (_, index) => [`key${index}`, index])),
  )
}
for (const length of [65535, 65536])
  both(
    `array of ${length}`,
    Array.from({ length }, () => 0),
  )
for (const depth of [2, 15, 16, 17, 18, 100]) {
  let value = 1
  for (let level = 0; level < depth; level++) value = level % 2 ? { inner: value } : [value, level]
  both(`${depth} levels`, value)
}
both(
  "wide inside wide",
  Array.from({ length: 17 }, () => [
    Array.from({ length: 16 }, () => [0]),
    { a: Array.from({ length: 18 }, () => 7) },
  ]),
)
both("integer-like keys", {
  0: "a",
  10: "b",
  4294967294: "c",
  4294967295: "d",
  "01": "e",
  "-1": "f",
  1.5: "g",
  " 1": "h",
})
both("keys of the prototype", { constructor: 1, toString: 2, hasOwnProperty: 3 })

for (const length of [0, 1, 7, 255, 256, 65535, 65536])
  both(`${length} bytes`, ["file", Buffer.alloc(length, 0xa5)])
both("binary at depth", [
  "a",
  Buffer.from([1]),
  { b: Buffer.from([2, 3]), c: [Buffer.from([4]), { d: Buffer.alloc(0) }] },
  "z",
])

let seed = 1
const random = (below) => (seed = (seed * 48271) % 2147483647) % below
const alphabet = [
  "a",
  "b",
  " ",
  '"',
  "\\",
  "\n",
  "\t",
  "\u0000",
  "\u001f",
  "é",
  "ß",
  "世",
  "界",
  "😀",
  "\u2028",
  "/",
  "0",
  "long run of plain text ",
]
const text = () =>
  Array.from({ length: random(12) }, () => alphabet[random(alphabet.length)]).join("")
function randomValue(depth) {
  const kinds = [
    () => random(2147483647) - 1073741823,
    () => (random(2147483647) - 1073741823) / 2 ** random(40),
    () => random(2147483647) * 2 ** random(33),
    text,
    () => [null, true, false][random(3)],
    () => Array.from({ length: random(6) }, () => randomValue(depth - 1)),
    () =>
      Object.fromEntries(
        Array.from({ length: random(6) }, () => [text() + random(9), randomValue(depth - 1)]),
      ),
  ]
  return kinds[random(depth > 0 ? 7 : 5)]()
}
for (let count = 0; count < 120; count++) both("random", ["event", randomValue(3), randomValue(2)])

// Forms that other senders write.
for (const form of [
  "cc00",
  "cd0001",
  "ce00000001",
  "cf0000000000000001",
  "d001",
  "d0ff",
  "d1ffff",
  "d2ffffffff",
  "d3ffffffffffffffff",
  "d38000000000000000",
  "d37fffffffffffffff",
  "cfffffffffffffffff",
  "cf0020000000000001",
  "cf0020000000000003",
  "d3ffdfffffffffffff",
  "d3ffdffffffffffffd",
]) {
  decode("wider than needed", form)
}
for (const form of [
  "3f800000",
  "3dcccccd",
  "c0200000",
  "7f800000",
  "ff800000",
  "7fc00000",
  "80000000",
  "00000001",
  "7f7fffff",
  "4b800000",
])
  decode("float 32", `ca${form}`)
for (const form of [
  "3ff0000000000000",
  "7ff0000000000000",
  "fff0000000000000",
  "7ff8000000000000",
  "8000000000000000",
  "43e0000000000000",
  "43f0000000000000",
  "4415af1d78b58c40",
  "444b1ae4d6e2ef50",
  "444b1ae4d6e2ef4f",
  "7fefffffffffffff",
  "4340000000000000",
  "c340000000000001",
  "3eb0c6f7a0b5ed8d",
  "3eb0c6f7a0b5ed8c",
  "40590ccccccccccd",
  "412e848000000000",
  "412e847f00000000",
  "41cdcd6500000000",
  "430c6bf526340000",
  "430c6bf52633ffff",
]) {
  decode("float 64", `cb${form}`)
}
for (const form of [
  "d903616263",
  "da0003616263",
  "db00000003616263",
  "dc000101",
  "dd0000000101",
  "de0001a16101",
  "df00000001a16101",
])
  decode("lengths wider than needed", form)

for (const time of [
  0, 1, 999, 1000, 1e12, 1734567890123, -1, -1000, -62135596800000, -62167219200000,
  -62167219200001, -62198755200000, 253402300799999, 253402300800000, 8.64e15, -8.64e15,
  951782400000, 951868799999, 4107542400000, 68169600000, 94694400000,
]) {
  decode("Date", notepack.encode(new Date(time)).toString("hex"))
  const old = Buffer.alloc(10)
  old.set([0xd7, 0])
  old.writeBigInt64BE(BigInt(time), 2)
  decode("Date of notepack.io 2", old.toString("hex"))
}
decode("Date out of range", "d700 001eb208c2dc0001")
decode("Date out of range", "d700 7fffffffffffffff")
decode("Date out of range", "c70cff 00000000 7fffffffffffffff")
decode("Date with nanoseconds", "d7ff 0000000c 00000001")
decode("Date with more nanoseconds than a second has", "d7ff fffffffc 00000001")
decode("Date before 1970 with nanoseconds", "c70cff 3b9ac9ff ffffffffffffffff")
decode("Dates inside", "93 d6ff00000000 81a161d6ff00000001 d6ffffffffff")

decode("undefined", "d40000")
decode("undefined in an array", "93 01 d40000 02")
decode("undefined members", "83 a161 d40000 a162 02 a163 d40000")
decode("only undefined members", "82 a161 d40000 a162 d40000")
decode("ArrayBuffer", "c70300 010203")
decode("ArrayBuffers", "93 c8000100 ff c9000000020 0 aabb c70000")
decode(
  "other extensions",
  "96 d40505 d5070102 d6080a0b0c0d d7090102030405060708 d80a000102030405060708090a0b0c0d0e0f c702fe0102",
)
decode(
  "fixed extensions of type 0",
  "93 d5000102 d60001020304 d80000112233445566778899aabbccddeeff",
)
decode("binary in each width", "93 c40101 c5000102 c60000000103")

decode(
  "keys that are no text",
  "87 01 01 fe 02 c0 03 c3 04 c2 05 cb3ff8000000000000 06 cb7ff8000000000000 07",
)
decode(
  "keys that are floats",
  "84 cb7ff0000000000000 01 cbfff0000000000000 02 cb8000000000000000 03 ca40400000 04",
)
decode("keys beyond 2^53", "82 cfffffffffffffffff 01 d38000000000000000 02")
decode("key that is binary", "81 c403616263 01")
decode("integer-like keys out of order", "84 a162 01 a132 02 a161 03 a131 04")
decode(
  "integer-like keys inside each other out of order",
  "83 a162 82 a178 01 05 c40107 a131 c40108 00 93 81 a179 c40109 01 82 02 01 01 02",
)
decode("integer keys out of order", "85 09 01 a163 02 03 03 cb4000000000000000 04 cefffffffe 05")
decode("key beside the largest index", "82 cefffffffe 01 ceffffffff 02")
decode("key behind a larger one", "82 ceffffffff 01 cefffffffe 02")
decode("keys that only look like integers", "84 a3303031 01 a131 02 a22d31 03 a130 04")
decode("undefined among keys out of order", "83 a161 01 a131 d40000 a130 02")

const ill = [
  "ff",
  "80",
  "c3",
  "c328",
  "e4b8",
  "e4b861",
  "f09f98",
  "f09f9861",
  "c0af",
  "f5808080",
  "e08080",
  "f08080ae",
  "f4908080",
  "fefe",
  "61ff62",
  "c3a9ff22",
  "22ff5c",
  "eda0",
  "ed9fbf",
  "ee8080",
]
for (const piece of ill) {
  const long = `${hex("some text in front of it, longer than a block; é")}${piece}${hex(' and "more" behind it\n')}`
  decode(
    "text that is not UTF-8",
    `92 d9${(piece.length / 2).toString(16).padStart(2, "0")}${piece} d9${(long.length / 2).toString(16)}${long}`,
  )
}

writeFileSync(
  new URL("notepack.jsonl", import.meta.url),
  lines.map((entry) => `${JSON.stringify(entry)}\n`).join(""),
)
console.log(`${lines.length} lines`)
