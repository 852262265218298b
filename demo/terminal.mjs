// What the demo writes to the terminal, with colours only where there is a terminal to show them.

import { styleText } from "node:util"

const COLOURED = Boolean(process.stdout.isTTY) && !process.env.NO_COLOR

const SERVER_COLOURS = { one: "cyan", two: "yellow", three: "magenta" }

/** Writes one line to the standard output. */
export const say = (line) => void process.stdout.write(`${line}\n`)

/** The text in a style of `util.styleText`, or as it is where colours are not wanted. */
export const paint = (style, text) => (COLOURED ? styleText(style, text) : text)

/** A server's name in its colour, padded to `width` characters so that columns line up. */
export const paintServer = (name, width = 5) =>
  paint(SERVER_COLOURS[name] ?? "white", name.padEnd(width))

/** Milliseconds as the demo shows them everywhere: one decimal. */
export const formatMs = (ms) => `${ms.toFixed(1)} ms`

const listRooms = (names) => `room${names.length > 1 ? "s" : ""} ${names.join(" and ")}`

/** Whom an emit is for, in words: `everyone`, `room tea`, `everyone except room tea`. */
export function describeTarget({ rooms, except, local }) {
  const base = rooms.length > 0 ? listRooms(rooms) : "everyone"
  const target = except.length > 0 ? `${base} except ${listRooms(except)}` : base
  return local ? `${target} on this server` : target
}
