/** What a connection wrote, read back as answers: simple, since the tests know what their apps say. */

export interface Answer {
  readonly status: number
  readonly body: string
  readonly closes: boolean
}

/** The answers in what a connection wrote; one that was cut at the end is left out. */
export function readAnswers(text: string): Answer[] | string {
  const answers: Answer[] = []
  let at = 0
  while (at < text.length) {
    const headEnd = text.indexOf("\r\n\r\n", at)
    if (headEnd === -1) return "half a head"
    const head = text.slice(at, headEnd + 2)
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1])
    at = headEnd + 4
    if (status === 100) continue
    if (!(status >= 200)) return "no status"
    const closes = head.includes("\r\nConnection: close\r\n")
    let body = ""
    const length = /\r\nContent-Length: (\d+)\r\n/i.exec(head)
    if (head.includes("\r\nTransfer-Encoding: chunked\r\n")) {
      while (true) {
        const size = /^([0-9a-f]+)\r\n/.exec(text.slice(at, at + 10))
        if (size === null) return at === text.length ? answers : "a malformed chunk"
        at += size[0].length
        const bytes = Number.parseInt(size[1]!, 16)
        body += text.slice(at, at + bytes)
        at += bytes + 2
        if (bytes === 0) break
      }
    } else if (length !== null) {
      // An answer to HEAD has a length and no body; the next one begins like any.
      const isBodyless = /^(?:HTTP\/1\.1 |$)/.test(text.slice(at, at + 9)) && Number(length[1]) > 0
      if (!isBodyless) {
        body = text.slice(at, at + Number(length[1]))
        at += Number(length[1])
      }
    } else if (closes) {
      body = text.slice(at)
      at = text.length
    }
    answers.push({ status, body, closes })
  }
  return answers
}
