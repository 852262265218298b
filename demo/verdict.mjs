// The judgement on what scripted clients have heard, and the table that shows it.

import { isDeepStrictEqual } from "node:util"
import { formatMs, paint, paintServer } from "./terminal.mjs"

/** Widths of the table's columns, in characters. */
const TITLE = 40
const SERVER = 7
const CELL = 11

/**
 * Judges one client in one step. `text` is what the table shows; `problem` says what is wrong, and
 * is `undefined` if the client heard what it had to: once and unchanged, or nothing.
 */
export function judge(step, client) {
  const heard = step.records.filter((record) => record.client === client.name)
  const [first] = heard
  if (!step.heard.includes(client.name)) {
    return first ? { text: "unwanted", problem: "heard what was not for it" } : { text: "–" }
  }
  if (!first) return { text: "missing", problem: "did not hear it" }
  if (heard.length > 1) {
    return { text: `${heard.length} times`, problem: `heard it ${heard.length} times, not once` }
  }
  if (first.from !== step.from) {
    return { text: "misnamed", problem: `heard it from ${first.from}, not from ${step.from}` }
  }
  if (!isDeepStrictEqual(first.payload, step.payload)) {
    return { text: "changed", problem: "heard something else than was sent" }
  }
  return { text: formatMs(first.ms) }
}

const cell = (text, style) => paint(style, text.padStart(CELL))

function printHead(clients, write) {
  const names = clients.map(({ name }) => cell(name, "bold"))
  const servers = clients.map(
    ({ server }) => " ".repeat(CELL - server.length) + paintServer(server, 0),
  )
  write(
    `\n  ${paint("dim", "to".padEnd(TITLE))}${paint("dim", "from".padEnd(SERVER))}${names.join("")}`,
  )
  write(`  ${" ".repeat(TITLE + SERVER)}${servers.join("")}`)
}

function printRow(step, verdicts, right, write) {
  const cells = verdicts.map(({ text, problem }) =>
    cell(text, problem ? "red" : text === "–" ? "dim" : "reset"),
  )
  const mark = right ? paint("green", "✓") : paint("red", "✗")
  write(`${mark} ${step.title.padEnd(TITLE)}${paintServer(step.from, SERVER)}${cells.join("")}`)
}

/**
 * Prints the table of all steps, and below it what is wrong. Returns whether nothing is. A step
 * whose marker not everyone has heard is wrong, since more may have been on its way.
 */
export function printVerdict(steps, clients, write) {
  const problems = []
  printHead(clients, write)
  for (const step of steps) {
    const verdicts = clients.map((client) => judge(step, client))
    const found = verdicts.flatMap(({ problem }, index) =>
      problem ? [`${clients[index].name} ${problem}`] : [],
    )
    if (!step.marked) found.push("a marker sent after it did not reach every client")
    problems.push(...found.map((problem) => `${step.title}, by ${step.by}: ${problem}`))
    printRow(step, verdicts, found.length === 0, write)
  }
  write("")
  if (problems.length === 0) {
    write(
      paint(
        "green",
        `✓ all ${steps.length} emits were heard once by each client they were for, and by no other`,
      ),
    )
  } else {
    for (const problem of problems) write(paint("red", `✗ ${problem}`))
  }
  return problems.length === 0
}
