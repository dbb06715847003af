const name = new URLSearchParams(location.search).get("name") ?? `guest-${Math.floor(Math.random() * 1000)}`
const [state, lines, form, text] = ["state", "lines", "form", "text"].map((id) => document.getElementById(id))

let socket
connect()

// A reload of the app closes its sockets with 1012, "come again": so does this.
function connect() {
  socket = new WebSocket(
    new URL(`room?name=${encodeURIComponent(name)}`, location.href.replace(/^http/, "ws")),
  )
  socket.onopen = () => show(state, `connected as ${name}`)
  socket.onmessage = ({ data }) => {
    lines.append(show(document.createElement("li"), data))
    lines.scrollTop = lines.scrollHeight
  }
  socket.onclose = ({ code }) => {
    show(state, `closed (${code}), connecting …`)
    setTimeout(connect, 1000)
  }
}

form.onsubmit = (event) => {
  event.preventDefault()
  if (text.value !== "" && socket.readyState === WebSocket.OPEN) socket.send(text.value)
  text.value = ""
}

function show(element, content) {
  element.textContent = content
  return element
}
