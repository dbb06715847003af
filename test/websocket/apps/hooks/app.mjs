/** Echoes messages by the portable hooks; text that begins with ":" asks for something. */
let opened = 0
const peers = new Set()
const closes = []

export default {
  fetch() {
    return Response.json({ opened, open: peers.size, closes })
  },
  websocket: {
    open(peer) {
      opened++
      peers.add(peer)
    },
    message(peer, message) {
      const bytes = message.uint8Array()
      const text = bytes.length < 100 ? message.text() : ""
      if (text === ":flood") for (let n = 0; n < 400; n++) peer.send(new Uint8Array(65536))
      else if (text === ":close") peer.close(4001, "as asked")
      else if (text === ":exit") process.exit(1)
      else if (typeof message.rawData === "string") peer.send(message.text())
      else peer.send(bytes)
    },
    close(peer, details) {
      peers.delete(peer)
      closes.push(details.code ?? 0)
    },
  },
}
