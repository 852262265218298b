// Run by better.test.ts with the name of a package, the port of a Redis and a key: a server that others hear.
import { packages, start } from "../packages.ts"

const [, , name, port, key = ""] = process.argv
await start(name as keyof typeof packages, Number(port), { key })
console.log("listening")
