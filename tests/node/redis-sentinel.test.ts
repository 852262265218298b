// What a driver does for clients of sentinels beyond what it does for all.
import assert from "node:assert/strict"
import { Buffer } from "node:buffer"
import { after, before, describe, it } from "node:test"
import { setTimeout as delay } from "node:timers/promises"
import { createSentinel as createSentinel5 } from "redis5"
import { createSentinel as createSentinel6 } from "redis6"
import { driverFor } from "../../js/src/redis/driver.ts"
import { clientNamesFor, makePair } from "./support/clients.ts"
import {
  becomes,
  connect,
  connectDriver,
  Inbox,
  noop,
  refuseUnhandledRejections,
} from "./support/drivers.ts"
import { type SentinelDeployment, startSentinel } from "./support/redis-sentinel.ts"

interface SentinelOptions {
  name: string
  sentinelRootNodes: { host: string; port: number }[]
}

const timeout = 20_000
const names = clientNamesFor.sentinel

refuseUnhandledRejections()

describe("sentinels", () => {
  let sentinel: SentinelDeployment

  before(async () => {
    sentinel = await startSentinel()
  })
  after(() => sentinel[Symbol.asyncDispose]())

  for (const name of names) {
    describe(name, () => {
      it("is ready once the clients are connected, though made before", { timeout }, async (t) => {
        const pair = makePair(name, sentinel)
        t.after(() => pair.close())
        const driver = driverFor(pair.pubClient, pair.subClient)
        const inbox = new Inbox()
        assert.equal(driver.ready, false)
        await assert.rejects(driver.subscribe("channel", "early", inbox.listener), {
          code: "ERR_NOT_READY",
        })
        const ready = becomes(driver, "ready")
        pair.open()
        await ready
        await driver.subscribe("channel", "early", inbox.listener)
        await pair.ready()
        assert.equal(await driver.publish("early", Buffer.from("end")), 1)
        await inbox.until("end")
      })

      it("keeps no connection of its own once the clients are closed", { timeout }, async (t) => {
        const [driver, pair] = await connectDriver(t, name, sentinel)
        const control = connect(t, sentinel.masterPort)
        const inbox = new Inbox()
        const count = async () => ((await control.pubsub("NUMSUB", "closing")) as number[])[1]
        await driver.subscribe("channel", "closing", inbox.listener)
        assert.equal(await count(), 1)
        const lost = becomes(driver, "lost")
        pair.close()
        await lost
        assert.equal(driver.ready, false)
        await driver.unsubscribe("channel", "closing", inbox.listener)
        while ((await count()) !== 0) await delay(10)
      })
    })
  }

  const sentinels = {
    redis5: (options: SentinelOptions) => createSentinel5(options),
    redis6: (options: SentinelOptions) => createSentinel6(options),
  }
  for (const [name, createSentinel] of Object.entries(sentinels)) {
    it(`keeps an order that ${name} loses by itself`, { timeout }, async (t) => {
      const sentinelRootNodes = sentinel.ports.map((port) => ({ host: "127.0.0.1", port }))
      const client = createSentinel({ name: sentinel.name, sentinelRootNodes })
      t.after(() => client.destroy())
      await client.connect()
      const driver = driverFor(client, connect(t, sentinel.masterPort))
      await becomes(driver, "ready")
      const inbox = new Inbox()
      await driver.subscribe("channel", "sent", inbox.listener)
      const numbers = ["0", "1", "2", "3"]
      // The package lets the first message have the only connection to the master. The later ones
      // share it then, while the second one still waits for it to be given back.
      const send = async (publish: (message: string) => Promise<unknown>) => {
        inbox.heard.length = 0
        for (const number of numbers) {
          publish(number).catch(noop)
          if (number !== "0") for (let turn = 0; turn < 5; turn += 1) await undefined
        }
        while (inbox.heard.length < numbers.length) await inbox.next()
        return inbox.heard.map(({ message }) => message.toString())
      }
      const ours = await send((message) => driver.publish("sent", Buffer.from(message)))
      assert.deepEqual(ours, numbers)
      assert.notDeepEqual(await send((message) => client.publish("sent", message)), numbers)
    })
  }

  it("goes on at the new master after a failover", { timeout }, async (t) => {
    const all = await Promise.all(
      names.map(async (name) => {
        const [driver] = await connectDriver(t, name, sentinel)
        const inbox = new Inbox()
        await driver.subscribe("channel", name, inbox.listener)
        return { name, driver, inbox }
      }),
    )
    const lost = all.map(({ driver }) => becomes(driver, "lost"))
    const ready = all.map(({ driver }) => becomes(driver, "ready"))
    const earlier = sentinel.masterPort
    await sentinel.failover()
    assert.notEqual(sentinel.masterPort, earlier)
    await Promise.all(lost)
    await Promise.all(ready)
    for (const { name, driver, inbox } of all) {
      await driver.subscribe("channel", name, inbox.listener)
      assert.equal(await driver.publish(name, Buffer.from("end")), 1)
      await inbox.until("end")
      assert.deepEqual(inbox.texts(), [`${name} end`])
      assert.deepEqual(await driver.count([name, "nobody"]), [1, 0])
    }
  })
})
