// The same as ../bytes-server, as a fetch app.
const body = new Uint8Array(65_536).fill(0x78)

export default {
  async fetch(request) {
    if (request.method === "GET")
      return new Response(body, { headers: { "content-type": "application/octet-stream" } })
    let length = 0
    for await (const chunk of request.body) length += chunk.byteLength
    return new Response(String(length), { status: length === 1_048_576 ? 200 : 400 })
  },
}
