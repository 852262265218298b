import { type Gauge, gauges, holds, type Reading } from "./gauges.ts"

const HEADER = ["", "start", "middle", "end", ""]

/** Figures at the start, in the middle and at the end of a part of the whole load, as text. */
export function table(readings: readonly Reading[], scale: number): string {
  const rows = gauges.map((gauge) => {
    const figures = readings.map((reading) => figure(gauge, reading[gauge.name] ?? NaN))
    const verdict = gauge.tolerance && (holds(gauge, readings, scale) ? "ok" : "GROWN")
    return [gauge.name].concat(figures, verdict ?? "not judged")
  })
  const all = [HEADER, ...rows]
  const widths = HEADER.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)))
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => {
        const width = widths[column] as number
        return column === 0 || column === 4 ? cell.padEnd(width) : cell.padStart(width)
      })
      .join("  ")
      .trimEnd()
  return all.map(line).join("\n")
}

function figure({ unit }: Gauge, value: number): string {
  return unit === "bytes" ? `${(value / (1 << 20)).toFixed(2)} MB` : value.toLocaleString("en")
}
