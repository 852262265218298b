// A source file longer than 600 lines wants to be two.

import { existsSync, readdirSync, readFileSync } from "node:fs"

const LONGEST = 600
const SOURCE = /\.(?:rs|ts|mjs|css|html|sh)$|^scripts\/[a-z]+$/

for (const folder of ["src", "fuzz", "js", "tests", "demo", "bench", "scripts", ".ci"].filter(
  existsSync,
)) {
  for (const name of readdirSync(folder, { recursive: true })) {
    const path = `${folder}/${name}`
    if (!SOURCE.test(path)) continue
    const lines = readFileSync(path, "utf8").split("\n").length - 1
    if (lines > LONGEST) {
      console.error(`${path}: ${lines} lines, more than ${LONGEST}`)
      process.exitCode = 1
    }
  }
}
