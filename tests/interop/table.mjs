// Writes the compatibility table of README.md from build/interop.json, which a whole run of matrix.test.ts leaves:
//   node tests/interop/table.mjs           writes it
//   node tests/interop/table.mjs --check   only says whether it is up to date
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { format } from "prettier"

const begin = "<!-- compatibility: written by tests/interop/table.mjs -->"
const end = "<!-- end of compatibility -->"

const lastRun = new URL("../../build/interop.json", import.meta.url)
const readme = new URL("../../README.md", import.meta.url)

/** What a cell says, by whether an operation works from our server to the peer, and from the peer to ours. */
function cell({ to, from } = {}) {
  if (to === false || from === false) return "fails"
  if (to && from) return "↔"
  if (to) return "→"
  return from ? "←" : ""
}

/** The name of a package without its scope, and its version. */
function heading({ name }) {
  const [packageName, ...version] = name.split(" ")
  return `\`${packageName.replace(/^.*\//, "")}\` ${version.join(" ")}`
}

function table({ features, peers }) {
  const row = (first, toCell) => `| ${[first].concat(peers.map(toCell)).join(" | ")} |`
  const rows = Object.entries(features).map(([feature, title]) =>
    row(title, ({ results }) => cell(results[feature])),
  )
  return [row("", heading), row("---", () => ":-:"), ...rows].join("\n")
}

function fail(message) {
  console.error(`error: ${message}`)
  process.exit(1)
}

if (!existsSync(lastRun)) fail("there is no build/interop.json; run tests/interop/matrix.test.ts")
const text = readFileSync(readme, "utf8")
const [start, stop] = [text.indexOf(begin), text.indexOf(end)]
if (start < 0 || stop < start) fail(`README.md lacks the lines ${begin} and ${end}`)
const lines = table(JSON.parse(readFileSync(lastRun, "utf8")))
const section = await format(lines, { parser: "markdown" })
const wanted = `${text.slice(0, start)}${begin}\n\n${section}\n${text.slice(stop)}`
if (!process.argv.includes("--check")) writeFileSync(readme, wanted)
else if (wanted !== text)
  fail("README.md's table is not that of the last run; node tests/interop/table.mjs")
