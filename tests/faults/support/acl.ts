import type { TestContext } from "node:test"
import { Redis } from "ioredis5"
import { startRedis } from "../../node/support/redis-server.ts"

/** A Redis whose clients may do less than all, except for `control`. */
export interface GuardedRedis {
  readonly port: number
  /** A client that may do all, */
  readonly control: Redis
  /** and one that subscribes. */
  readonly listener: Redis
  /** Changes what all others may do, by rules as `ACL SETUSER` has them. */
  allow(...rules: string[]): Promise<void>
  /** How often each command was asked for so far, also in vain. */
  calls(): Promise<Map<string, number>>
}

/** Starts a server where everything is allowed at first. */
export async function startGuardedRedis(t: TestContext): Promise<GuardedRedis> {
  const server = await startRedis()
  const { port } = server
  const everybody = new Redis(port)
  await everybody.acl("SETUSER", "control", "on", "nopass", "~*", "&*", "+@all")
  everybody.disconnect()
  const credentials = { port, username: "control", password: "any" }
  const control = new Redis(credentials)
  const listener = new Redis({ ...credentials, lazyConnect: true })
  t.after(async () => {
    control.disconnect()
    listener.disconnect()
    await server[Symbol.asyncDispose]()
  })
  return {
    port,
    control,
    listener,
    async allow(...rules) {
      // Those who connect without a name are this user.
      await control.acl("SETUSER", "default", ...rules)
    },
    async calls() {
      const lines = (await control.info("commandstats")).split("\r\n")
      const counts = lines.map((line) =>
        /^cmdstat_([^:]+):calls=(\d+).*rejected_calls=(\d+)/.exec(line),
      )
      return new Map(
        counts
          .filter((found) => found !== null)
          .map(([, command = "", calls, refused]) => [command, Number(calls) + Number(refused)]),
      )
    },
  }
}
