// Compares the built package with @socket.io/redis-adapter 8.3.0, in one process, in turns:
// node --expose-gc bench/run.mjs [--quick] [--only TEXT] [--ours MODULE] [--out FILE] [--rounds N] [--turn MS]
//
//   --quick        fewer and shorter rounds, under a minute; also with QUICK=1
//   --only TEXT    the rows whose "group name" contains TEXT; writes a file only with --out
//   --ours MODULE  measure another build of ours: a name or a URL
//   --out FILE     where the results go, bench/results.json if not told
//   --rounds N     pairs of turns for each row
//   --turn MS      length of a turn
//
// Each row is checked first: both sides must write, publish, find and report the same. Nothing is
// measured if one does not. Exits with 1 then, and with 0 whatever the ratios are.

import { spawnSync } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { measure, summary, warmUp } from "./measure.mjs"
import { packetRows } from "./packet-rows.mjs"
import { circumstances, formatHeader, formatJudgement, formatRow, judge } from "./report.mjs"
import { churnRows, targetingRows } from "./room-rows.mjs"

const { values: options } = parseArgs({
  options: {
    help: { type: "boolean", default: false },
    only: { type: "string", default: "" },
    ours: { type: "string", default: "socket.io-redis-edge" },
    out: { type: "string" },
    quick: { type: "boolean", default: process.env.QUICK === "1" },
    rounds: { type: "string" },
    turn: { type: "string" },
  },
})
const here = (file) => fileURLToPath(new URL(file, import.meta.url))
const modules = { ours: options.ours, reference: "@socket.io/redis-adapter" }
const extent = {
  rounds: Number(options.rounds ?? (options.quick ? 7 : 25)),
  milliseconds: Number(options.turn ?? (options.quick ? 8 : 40)),
}
const memoryName = "100,000 sockets"
const subscriptionRows = [
  { group: "subscribe", name: "time", unit: "ms", figure: "milliseconds" },
  { group: "subscribe", name: "commands", unit: "commands", figure: "commands" },
  { group: "subscribe", name: "memory of Redis", unit: "bytes", figure: "bytes" },
]
const results = []

if (options.help) showHelp()
else await run()

/** The opening comment of this file is its help text. */
function showHelp() {
  const [text] = readFileSync(here("run.mjs"), "utf8").split("\n\nimport ")
  console.log(text.replaceAll(/^\/\/ ?/gm, ""))
}

async function run() {
  const adapters = {}
  for (const [side, module] of Object.entries(modules)) {
    adapters[side] = (await import(module)).createAdapter
  }
  // One after the other: a heap full of sockets makes the garbage of messages dearer.
  for (const make of [packetRows, targetingRows, churnRows]) await measureAll(await make(adapters))
  if (isWanted({ group: "memory", name: memoryName })) {
    announce("memory")
    add({ group: "memory", name: memoryName, unit: "bytes", ...compareMemory() })
  }
  const subscriptions = subscriptionRows.filter(isWanted)
  if (subscriptions.length > 0) {
    announce("subscribe")
    const pairs = inTurns(subscriptionsOf)
    for (const { figure, ...row } of subscriptions) {
      add({ ...row, ...summary(pairs.map((pair) => pair.map((found) => found[figure]))) })
    }
  }

  if (results.length === 0) throw new Error(`no row is called "${options.only}"`)

  const { bars, slower, reached } = judge(results)
  console.log(formatJudgement({ bars, slower }))
  const out = options.out ?? (options.only === "" ? here("results.json") : undefined)
  if (out === undefined) return
  const report = { ...circumstances(), ...extent, rows: results, bars, reached }
  writeFileSync(out, `${JSON.stringify(report, null, 2)}\n`)
  console.log(`\nwritten to ${out}`)
}

async function measureAll(all) {
  const rows = all.filter(isWanted)
  for (const row of rows) {
    try {
      row.check()
    } catch (error) {
      throw new Error(`the two sides differ: ${row.group} ${row.name}`, { cause: error })
    }
  }
  for (const row of rows) await warmUp(row, extent.milliseconds)
  for (const row of rows) {
    const { group, name } = row
    announce(group)
    add({ group, name, unit: "ns", ...(await measure(row, extent)) })
  }
}

function isWanted({ group, name }) {
  return `${group} ${name}`.includes(options.only)
}

function announce(group) {
  if (results.at(-1)?.group !== group) console.log(formatHeader(group))
}

function add(result) {
  results.push(result)
  console.log(formatRow(result))
}

/** Each side's memory in a process of its own; how many times as much the reference takes. */
function compareMemory() {
  return summary(inTurns((side) => Number(outputOf("memory.mjs", side))))
}

/** What 100,000 subscriptions of one side cost, in a process and with a Redis of its own. */
function subscriptionsOf(side) {
  return JSON.parse(outputOf("subscriptions.mjs", side))
}

function inTurns(find) {
  const rounds = options.quick ? 1 : 3
  return Array.from({ length: rounds }, () => [find("ours"), find("reference")])
}

/** What a script of this folder finds out about a side. */
function outputOf(script, side) {
  const { status, stdout } = spawnSync(
    process.execPath,
    ["--expose-gc", here(script), modules[side]],
    { stdio: ["ignore", "pipe", "inherit"], encoding: "utf8" },
  )
  if (status !== 0) throw new Error(`${script} could not be run with ${modules[side]}`)
  return stdout
}
