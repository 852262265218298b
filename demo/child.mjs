// Child processes of the demo: an early end is reported, and none outlives the demo.

/** How long a child may take to end by itself before it is killed, in milliseconds. */
const STOP_LIMIT = 3000

/**
 * Watches a child process. `onDeath` gets a sentence if it ends before `stop` was called; `stop`
 * resolves when the process is gone.
 */
export function supervise(name, child, onDeath) {
  let stopping = false
  const kill = () => child.kill("SIGKILL")
  process.on("exit", kill)
  const ended = new Promise((resolve) => {
    const close = (reason) => {
      process.off("exit", kill)
      if (!stopping) onDeath(`${name} ${reason}`)
      resolve()
    }
    child.once("error", (error) => close(`did not start: ${error.message}`))
    child.once("exit", (code, signal) => {
      close(`(pid ${child.pid}) ended ${signal ? `by ${signal}` : `with code ${code}`}`)
    })
  })

  async function stop() {
    stopping = true
    child.kill("SIGTERM")
    const timer = setTimeout(kill, STOP_LIMIT)
    await ended
    clearTimeout(timer)
  }

  return { pid: child.pid, stop }
}
