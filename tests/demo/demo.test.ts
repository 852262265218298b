// `make demo`, from the outside: the page in a real browser, the scripted run, and how both end.

import assert from "node:assert/strict"
import { mkdirSync } from "node:fs"
import { after, before, describe, test } from "node:test"
import { type Browser, chromium, type Page } from "playwright-core"
import { Demo, isAlive, LIMIT, type Pane, pane, readEntry, ROOT } from "./harness.ts"

const ARTIFACTS = `${ROOT}build/artifacts`

describe("the page", { timeout: 4 * LIMIT }, () => {
  let demo: Demo
  let browser: Browser
  let page: Page
  let one: Pane
  let two: Pane
  let three: Pane
  const complaints: string[] = []

  before(async () => {
    mkdirSync(ARTIFACTS, { recursive: true })
    demo = new Demo([])
    const [, url] = await demo.line(/Open (http:\S+) in a browser/)
    assert.ok(url)
    browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    })
    page = await browser.newPage({ viewport: { width: 1360, height: 860 }, colorScheme: "light" })
    page.setDefaultTimeout(LIMIT)
    page.on("console", (message) => complaints.push(`${message.type()}: ${message.text()}`))
    page.on("pageerror", (error) => complaints.push(String(error)))
    page.on("requestfailed", (request) => complaints.push(`failed: ${request.url()}`))
    page.on("request", (request) => {
      if (new URL(request.url()).hostname !== "127.0.0.1") complaints.push(`left: ${request.url()}`)
    })
    await page.goto(url)
    one = pane(page, "one")
    two = pane(page, "two")
    three = pane(page, "three")
  })

  after(async () => {
    await browser?.close()
    await demo?.stop()
  })

  test("connects each pane to another server", async () => {
    const connected = page.locator('[data-state="connected"]')
    await Promise.all([one, two, three].map(({ root }) => root.and(connected).waitFor()))
    const states = await page.getByTestId("state").allTextContents()
    assert.deepEqual(states, ["connected", "connected", "connected"])
    const sids = await page.getByTestId("sid").allTextContents()
    assert.equal(new Set(sids).size, 3)
  })

  test("shows an emit to everyone in every pane, with its server and its milliseconds", async () => {
    await one.emit("all", "hello everyone")
    const entries = [one, two, three].map((each) => readEntry(each, "hello everyone"))
    for (const { from, to, ms } of await Promise.all(entries)) {
      assert.equal(from, "one")
      assert.equal(to, "to everyone")
      assert.ok(ms >= 0 && ms < LIMIT)
    }
    await demo.line(/ one +→ everyone +"hello everyone" +heard by 3 of 3 .*three \d+\.\d ms/)
  })

  test("shows an emit to a room in the panes that joined it only", async () => {
    await one.toggle("tea", true)
    await two.toggle("tea", true)
    await one.emit("room:tea", "the kettle is on")
    assert.equal((await readEntry(one, "the kettle is on")).to, "to room tea")
    assert.equal((await readEntry(two, "the kettle is on")).from, "one")
    // What one server publishes stays in order: after this, nothing that it sent before can come.
    await one.emit("all", "lunch at noon, all of you")
    await readEntry(three, "lunch at noon, all of you")
    assert.equal(await three.entry("the kettle is on").count(), 0)
    await demo.line(/→ room tea +"the kettle is on" +heard by 2 of 2/)
  })

  test("shows an emit to everyone except a room in the other panes only", async () => {
    await three.emit("except:tea", "coffee, anyone?")
    assert.equal((await readEntry(three, "coffee, anyone?")).to, "to everyone except tea")
    await three.emit("all", "see you there")
    await Promise.all([readEntry(one, "see you there"), readEntry(two, "see you there")])
    assert.equal(await page.getByText("coffee, anyone?").count(), 1)
  })

  test("offers a room typed into one pane in all panes, and no longer delivers after leaving it", async () => {
    await two.part("join-input").fill("garden")
    await two.part("join-button").click()
    await two.root.locator('[data-room="garden"][aria-pressed="true"]').waitFor()
    await three.toggle("garden", true)
    await one.emit("room:garden", "the roses are out")
    assert.equal((await readEntry(two, "the roses are out")).from, "one")
    await readEntry(three, "the roses are out")

    await three.toggle("garden", false)
    await one.emit("room:garden", "the tulips too")
    await readEntry(two, "the tulips too")
    await one.emit("all", "back to work, everyone")
    await readEntry(three, "back to work, everyone")
    assert.equal(await three.entry("the tulips too").count(), 0)
  })

  test("keeps screenshots, in light and in dark and on a narrow screen", async () => {
    const keep = (name: string) =>
      page.screenshot({ path: `${ARTIFACTS}/${name}`, fullPage: true, animations: "disabled" })
    await page.mouse.move(0, 0)
    await keep("demo.png")
    await page.emulateMedia({ colorScheme: "dark" })
    await keep("demo-dark.png")
    await page.setViewportSize({ width: 400, height: 860 })
    await keep("demo-narrow.png")
    const overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert.equal(overflow, 0, "nothing is wider than the screen")
  })

  test("logs no error and asks no other machine for anything", () => {
    assert.deepEqual(complaints, [])
  })
})

describe("the run", { timeout: 4 * LIMIT }, () => {
  test("with ONCE=1 checks what scripted clients hear, and exits 0", async () => {
    const demo = new Demo([], { ONCE: "1" })
    assert.equal(await demo.ended, 0, demo.lines.join("\n"))
    await demo.line(/^✓ all \d+ emits were heard once by each client they were for/)
    assert.deepEqual((await demo.pids()).filter(isAlive), [])
  })

  test("names the server that died, stops the rest and exits 1", async () => {
    const demo = new Demo([])
    await demo.line(/Open http/)
    const pids = await demo.pids()
    process.kill(pids[1] as number, "SIGKILL")
    assert.equal(await demo.ended, 1)
    await demo.line(/^✗ server two \(pid \d+\) ended by SIGKILL$/)
    assert.deepEqual(pids.filter(isAlive), [])
  })

  test("ends with code 0 on Ctrl-C and leaves nothing behind", async () => {
    const demo = new Demo([])
    await demo.line(/Open http/)
    const pids = await demo.pids()
    assert.equal(await demo.stop(), 0, demo.lines.join("\n"))
    assert.deepEqual(pids.filter(isAlive), [])
  })

  test("uses the Redis of REDIS_URL and leaves it running", async () => {
    const host = new Demo([])
    await host.line(/Open http/)
    const [, address] = await host.line(/^redis +(\S+)/)
    const guest = new Demo(["--once", "--redis-url", `redis://${address}`])
    assert.equal(await guest.ended, 0, guest.lines.join("\n"))
    assert.equal(host.process.exitCode, null)
    assert.ok(!host.lines.some((line) => line.includes("→")), "the two do not hear each other")
    assert.equal(await host.stop(), 0)
  })

  test("says so and exits 1 when the Redis of REDIS_URL is not there", async () => {
    const demo = new Demo(["--once"], { REDIS_URL: "redis://127.0.0.1:1" })
    assert.equal(await demo.ended, 1)
    await demo.line(/redis: .*ECONNREFUSED/)
    await demo.line(/^✗ server \w+ \(pid \d+\) ended with code 1$/)
  })

  test("leaves nothing behind even when it is killed itself", async () => {
    const demo = new Demo([])
    await demo.line(/Open http/)
    demo.process.kill("SIGKILL")
    // The servers hold the output and Redis the error output: both close when the last of them ends.
    assert.equal(await demo.ended, null)
  })

  test("refuses options it does not know", async () => {
    const demo = new Demo(["--prot", "80"])
    assert.equal(await demo.ended, 2)
    await demo.line(/'--prot'/)
  })
})

interface Heard {
  client: string
  from: string
  payload: unknown
  ms: number
}

interface Judgement {
  text: string
  problem?: string
}

describe("the judgement of the scripted run", async () => {
  const { judge } = (await import(`${ROOT}demo/verdict.mjs`)) as {
    judge(step: object, client: { name: string }): Judgement
  }
  const good: Heard = {
    client: "ada",
    from: "two",
    payload: { bytes: Buffer.of(1, 255) },
    ms: 1.25,
  }
  const problemOf = (heard: string[], records: Heard[]) =>
    judge({ from: "two", payload: { bytes: Buffer.of(1, 255) }, heard, records }, { name: "ada" })
      .problem

  test("accepts what is heard once and unchanged, and silence where nothing is due", () => {
    assert.equal(problemOf(["ada"], [good]), undefined)
    assert.equal(problemOf([], [{ ...good, client: "ben" }]), undefined)
  })

  test("finds the missing, the repeated, the unwanted, the changed and the misnamed", () => {
    assert.equal(problemOf(["ada"], []), "did not hear it")
    assert.equal(problemOf(["ada"], [good, good]), "heard it 2 times, not once")
    assert.equal(problemOf([], [good]), "heard what was not for it")
    const changed = { ...good, payload: { bytes: Buffer.of(1, 254) } }
    assert.equal(problemOf(["ada"], [changed]), "heard something else than was sent")
    assert.equal(problemOf(["ada"], [{ ...good, from: "one" }]), "heard it from one, not from two")
  })
})
