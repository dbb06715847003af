/** Connects as an authority does, to see whether a name's server shows the proof (RFC 8555 8.3, RFC 8737 3). Every name is at 127.0.0.1. */
import { createHash } from "node:crypto"
import { get } from "node:http"
import { connect } from "node:tls"
import { Refused } from "./test-authority-jws.ts"
import { readAlpnCertificate } from "./test-authority-pki.ts"

export interface Proof {
  readonly host: string
  readonly token: string
  readonly text: string
  readonly port: number
}

const PATIENCE_MS = 5000

/** @throws Refused */
export function validate(type: string, proof: Proof): Promise<void> {
  return type === "http-01" ? validateHttp(proof) : validateTls(proof)
}

function validateHttp({ host, token, text, port }: Proof): Promise<void> {
  const path = `/.well-known/acme-challenge/${token}`
  return new Promise((resolve, reject) => {
    const asked = get({ host: "127.0.0.1", port, path, headers: { Host: host }, agent: false }, (answer) => {
      let body = ""
      answer.setEncoding("latin1")
      answer.on("data", (chunk: string) => {
        body += chunk
      })
      answer.on("end", () => {
        if (answer.statusCode !== 200)
          reject(new Refused(403, "unauthorized", `http://${host}${path}: ${answer.statusCode}`))
        else if (body.trimEnd() !== text)
          reject(new Refused(403, "unauthorized", `http://${host}${path}: not the key authorization`))
        else resolve()
      })
    })
    asked.setTimeout(PATIENCE_MS, () => asked.destroy(new Error("no answer")))
    asked.on("error", (error) =>
      reject(new Refused(400, "connection", `http://${host}${path}: ${error.message}`)),
    )
  })
}

function validateTls({ host, text, port }: Proof): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: "127.0.0.1",
      port,
      servername: host,
      ALPNProtocols: ["acme-tls/1"],
      rejectUnauthorized: false,
    })
    const refuse = (type: string, detail: string): void => {
      socket.destroy()
      reject(new Refused(403, type, `${host}: ${detail}`))
    }
    socket.setTimeout(PATIENCE_MS, () => refuse("connection", "no answer"))
    socket.on("error", (error) =>
      refuse(/^ECONN/.test(String((error as { code?: string }).code)) ? "connection" : "tls", error.message),
    )
    socket.on("secureConnect", () => {
      const { names, digest, isCritical } = readAlpnCertificate(socket.getPeerCertificate().raw)
      if (socket.alpnProtocol !== "acme-tls/1") refuse("unauthorized", `ALPN ${socket.alpnProtocol}`)
      else if (names.length !== 1 || names[0] !== host) refuse("unauthorized", `names ${names.join()}`)
      else if (!isCritical) refuse("unauthorized", "acmeIdentifier is not critical")
      else if (digest !== createHash("sha256").update(text).digest("hex"))
        refuse("unauthorized", "not the key authorization")
      else {
        socket.end()
        resolve()
      }
    })
  })
}
