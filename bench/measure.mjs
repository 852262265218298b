import { setImmediate as afterMicrotasks } from "node:timers/promises"

/** How many operations run before the promises that they left are settled. */
const BATCH = 256

/**
 * Runs an operation so many times and gives the nanoseconds that each took, its garbage and the
 * promises that it left included. It is the processor's time, V8's helper threads included: other
 * processes on the machine take none of it.
 */
async function turn(operation, count, settles) {
  const start = process.cpuUsage()
  for (let left = count; left > 0; left -= BATCH) {
    const batch = settles ? Math.min(left, BATCH) : left
    for (let i = 0; i < batch; i++) operation()
    if (!settles) break
    await afterMicrotasks()
  }
  globalThis.gc({ type: "minor" })
  const { user, system } = process.cpuUsage(start)
  return ((user + system) * 1e3) / count
}

/** How many operations fill a turn of so many milliseconds. */
async function countFor(operation, settles, milliseconds) {
  let count = 1
  for (;;) {
    const elapsed = ((await turn(operation, count, settles)) * count) / 1e6
    if (elapsed >= milliseconds / 2)
      return Math.max(1, Math.round((count * milliseconds) / elapsed))
    count *= elapsed < milliseconds / 20 ? 8 : 2
  }
}

/** Runs both sides of a row without measuring, so that all rows meet the same compiled code. */
export async function warmUp(row, milliseconds) {
  for (const side of [row.ours, row.reference]) {
    await turn(side, await countFor(side, row.settles, milliseconds), row.settles)
  }
}

/**
 * Measures a row in turns: ours, the reference, the reference, ours, … Gives a `summary` of the
 * nanoseconds that an operation takes.
 */
export async function measure(row, { rounds, milliseconds }) {
  const sides = ["ours", "reference"]
  const counts = {}
  for (const side of sides) {
    counts[side] = await countFor(row[side], row.settles, milliseconds)
  }
  const pairs = []
  for (let round = 0; round < rounds; round++) {
    const pair = {}
    for (const side of round % 2 === 0 ? sides : sides.toReversed()) {
      pair[side] = await turn(row[side], counts[side], row.settles)
    }
    pairs.push([pair.ours, pair.reference])
  }
  return summary(pairs)
}

/** The medians of pairs of ours and the reference, and how many times as much the reference takes. */
export function summary(pairs) {
  const ratios = pairs.map(([ours, reference]) => reference / ours)
  return {
    ours: median(pairs.map(([ours]) => ours)),
    reference: median(pairs.map(([, reference]) => reference)),
    ratio: { median: median(ratios), min: Math.min(...ratios), max: Math.max(...ratios) },
  }
}

function median(values) {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

export function geometricMean(values) {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length)
}
