// The page: one pane for each server, and the rooms that any of them knows offered in all.

import { Pane } from "./pane.mjs"

const servers = await (await fetch("servers.json")).json()
const panes = servers.map((server) => new Pane(server, offerRoom))

function offerRoom(room) {
  for (const pane of panes) pane.offerRoom(room)
}

document.querySelector("#panes").append(...panes.map((pane) => pane.element))
for (const room of ["tea", "chess"]) offerRoom(room)
