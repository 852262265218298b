// The terminal's account of what happens on the page: one line for each join, leave and emit.

import { SERVER_NAMES } from "./cluster.mjs"
import { describeTarget, formatMs, paint, paintServer } from "./terminal.mjs"

/** How long to wait for the last client to hear an emit before the line is written, in milliseconds. */
const HEARD_LIMIT = 2000

/** A text cut to `width` characters, quoted. */
const quote = (text, width = 32) =>
  JSON.stringify(text.length > width ? `${text.slice(0, width - 1)}…` : text)

/** A socket id as the page shows it. */
const shorten = (sid) => `${sid.slice(0, 6)}…`

/** Whether an emit is for a client. */
const isFor = ({ rooms, except, local, server }, client) =>
  (!local || client.server === server) &&
  (rooms.length === 0 || rooms.some((room) => client.rooms.has(room))) &&
  !except.some((room) => client.rooms.has(room))

/**
 * An account that takes the reports of the servers and writes lines with `write`. Who must hear an
 * emit is worked out from the joins and leaves alone, so that the count shows when one is missing.
 */
export function createJournal(write) {
  /** @type {Map<string, {server: string, rooms: Set<string>}>} */
  const clients = new Map()
  /** @type {Map<string, {report: object, expected: Set<string>, heard: Map<string, number>, timer: NodeJS.Timeout}>} */
  const pending = new Map()

  const note = (server, text) => {
    const time = new Date().toTimeString().slice(0, 8)
    write(`${paint("dim", time)}  ${paintServer(server)}  ${text}`)
  }

  function finish(id) {
    const { report, expected, heard, timer } = pending.get(id)
    clearTimeout(timer)
    pending.delete(id)
    const slowest = new Map()
    for (const [sid, ms] of heard) {
      const server = clients.get(sid)?.server
      slowest.set(server, Math.max(ms, slowest.get(server) ?? 0))
    }
    const times = SERVER_NAMES.filter((name) => slowest.has(name)).map(
      (name) => `${paintServer(name, 0)} ${formatMs(slowest.get(name))}`,
    )
    const count = `heard by ${heard.size} of ${expected.size}`
    const missed = [...expected].some((sid) => !heard.has(sid))
    note(
      report.server,
      [
        `→ ${describeTarget(report).padEnd(26)}`,
        quote(report.text).padEnd(20),
        missed ? paint("red", count) : count,
        times.join("  "),
      ]
        .join("  ")
        .trimEnd(),
    )
  }

  const handlers = {
    connect({ server, sid }) {
      clients.set(sid, { server, rooms: new Set() })
      note(server, `+ client ${shorten(sid)}`)
    },
    disconnect({ server, sid }) {
      if (clients.delete(sid)) note(server, `- client ${shorten(sid)}`)
    },
    join({ server, sid, room }) {
      clients.get(sid)?.rooms.add(room)
      note(server, `joins room ${room}`)
    },
    leave({ server, sid, room }) {
      clients.get(sid)?.rooms.delete(room)
      note(server, `leaves room ${room}`)
    },
    emit(report) {
      const expected = new Set()
      for (const [sid, client] of clients) if (isFor(report, client)) expected.add(sid)
      const timer = setTimeout(finish, HEARD_LIMIT, report.id)
      pending.set(report.id, { report, expected, heard: new Map(), timer })
      if (expected.size === 0) finish(report.id)
    },
    heard({ sid, id, ms }) {
      // Two processes report through two pipes: the emit itself may still wait to be read in this turn.
      setImmediate(() => {
        const entry = pending.get(id)
        if (!entry) return
        entry.heard.set(sid, ms)
        if ([...entry.expected].every((each) => entry.heard.has(each))) finish(id)
      })
    },
    trouble({ server, text }) {
      note(server, paint("red", text))
    },
  }

  return { report: (report) => handlers[report.kind](report) }
}
