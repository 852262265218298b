// The web server of the page: a fixed set of files and the list of the Socket.IO servers.

import { readFile } from "node:fs/promises"
import { createServer } from "node:http"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const PAGE = fileURLToPath(new URL("page/", import.meta.url))
const CLIENT = join(
  dirname(createRequire(import.meta.url).resolve("socket.io-client/package.json")),
  "dist/socket.io.esm.min.js",
)

const HTML = "text/html; charset=utf-8"
const SCRIPT = "text/javascript; charset=utf-8"
const STYLE = "text/css; charset=utf-8"

const FILES = new Map([
  ["/", [join(PAGE, "index.html"), HTML]],
  ["/style.css", [join(PAGE, "style.css"), STYLE]],
  ["/pane.css", [join(PAGE, "pane.css"), STYLE]],
  ["/icon.svg", [join(PAGE, "icon.svg"), "image/svg+xml"]],
  ["/main.mjs", [join(PAGE, "main.mjs"), SCRIPT]],
  ["/pane.mjs", [join(PAGE, "pane.mjs"), SCRIPT]],
  ["/socket.io.mjs", [CLIENT, SCRIPT]],
])

/** The page loads nothing from elsewhere; its connections go to the demo's servers alone. */
const policy = (servers) =>
  `default-src 'self'; connect-src 'self' ${servers.map(({ url }) => url.replace("http", "ws")).join(" ")}`

/** Serves the page on the loopback. Port 0 is a free one. Rejects if the port cannot be had. */
export async function serveWeb(port, servers) {
  const list = JSON.stringify(servers.map(({ name, url }) => ({ name, url })))
  const headers = { "Content-Security-Policy": policy(servers), "Cache-Control": "no-store" }

  const web = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://demo")
    if (pathname === "/servers.json") {
      response.writeHead(200, { ...headers, "Content-Type": "application/json" }).end(list)
    } else if (FILES.has(pathname)) {
      const [file, type] = FILES.get(pathname)
      response.writeHead(200, { ...headers, "Content-Type": type }).end(await readFile(file))
    } else {
      response.writeHead(404, { "Content-Type": "text/plain" }).end("not found\n")
    }
  })

  await new Promise((resolve, reject) => {
    web.once("error", reject)
    web.listen(port, "127.0.0.1", resolve)
  })

  async function stop() {
    web.closeAllConnections()
    await new Promise((resolve) => web.close(resolve))
  }

  return { url: `http://127.0.0.1:${web.address().port}`, stop }
}
