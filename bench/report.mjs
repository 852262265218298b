import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { cpus, totalmem } from "node:os"
import { geometricMean } from "./measure.mjs"

const require = createRequire(import.meta.url)

/** What a group of rows is called, and how many times as good as the reference it is to be, if that is said. */
export const groups = {
  receive: { title: "receive, for one local socket", bar: 5 },
  "receive-room": { title: "receive, for one local socket in the room", bar: 5 },
  unwanted: { title: "drop what no local socket wants (two rooms)", bar: 20 },
  "unwanted-room": { title: "the same, told by the channel's name (one room)", bar: 1 },
  echo: { title: "drop the own echo", bar: 8 },
  send: { title: "send to all, one local socket", bar: 1.8 },
  "send-room": { title: "send to a room with one local socket", bar: 1.8 },
  target: { title: "find the sockets of rooms, among 10,000", bar: 4 },
  churn: { title: "come and go, beside 1,000 sockets", bar: 1.3 },
  memory: { title: "memory of 1.1 million memberships", bar: 3 },
  subscribe: { title: "subscribe to 100,000 rooms, sharded, with a real Redis" },
}

/** Bars of single rows. */
const rowBars = { "target room of 10,000": 10 }

export function formatHeader(group) {
  const columns = ["ours", "reference", "ratio", "min", "max"].map((name) => name.padStart(11))
  return `\n${groups[group].title.padEnd(30)}\n${" ".repeat(30)}${columns.join("")}`
}

export function formatRow({ name, unit, ours, reference, ratio }) {
  const amounts = [ours, reference].map((value) => formatAmount(value, unit))
  const ratios = [ratio.median, ratio.min, ratio.max].map((value) => `${value.toFixed(2)}x`)
  return `  ${name.padEnd(28)}${[...amounts, ...ratios].map((text) => text.padStart(11)).join("")}`
}

function formatAmount(value, unit) {
  if (unit === "bytes") return `${(value / 1e6).toFixed(1)} MB`
  if (unit === "ms") return `${Math.round(value)} ms`
  if (unit === "commands") return value.toLocaleString("en-US")
  return value < 10_000 ? `${Math.round(value)} ns` : `${(value / 1_000).toFixed(1)} µs`
}

/** What the rows come to: each bar with what was reached, and the rows slower than the reference. */
export function judge(rows) {
  const bars = []
  for (const [group, { title, bar }] of Object.entries(groups)) {
    const ratios = rows.filter((row) => row.group === group).map(({ ratio }) => ratio.median)
    if (ratios.length > 0 && bar !== undefined) bars.push(judged(title, geometricMean(ratios), bar))
  }
  for (const row of rows) {
    const bar = rowBars[`${row.group} ${row.name}`]
    if (bar !== undefined) bars.push(judged(`among them: ${row.name}`, row.ratio.median, bar))
  }
  const slower = rows
    .filter(({ ratio }) => ratio.median < 1)
    .map((row) => `${row.group} ${row.name}`)
  return { bars, slower, reached: slower.length === 0 && bars.every(({ reached }) => reached) }
}

const judged = (title, mean, bar) => ({ title, mean, bar, reached: mean >= bar })

export function formatJudgement({ bars, slower }) {
  const lines = bars.map(({ title, mean, bar, reached }) => {
    const outcome = reached ? "reached" : "MISSED"
    return `  ${title.padEnd(52)}${`${mean.toFixed(2)}x`.padStart(9)}  bar ${bar}x  ${outcome}`
  })
  const rest = slower.length === 0 ? "nowhere slower" : `SLOWER: ${slower.join(", ")}`
  return ["\ngeometric means", ...lines, `  ${rest}`].join("\n")
}

/** The machine and what was compared. */
export function circumstances() {
  const [{ model }] = cpus()
  return {
    date: new Date().toISOString(),
    node: process.version,
    machine: {
      cpu: model,
      cores: cpus().length,
      memory: totalmem(),
      platform: `${process.platform} ${process.arch}`,
    },
    versions: Object.fromEntries(
      ["socket.io-redis-edge", "@socket.io/redis-adapter", "notepack.io", "socket.io"].map(
        (name) => [
          name,
          JSON.parse(readFileSync(require.resolve(`${name}/package.json`), "utf8")).version,
        ],
      ),
    ),
  }
}
