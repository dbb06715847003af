/**
 * Requests that have made two readers disagree somewhere (request smuggling), and such as could. Each is Latin-1 text.
 * Longer than 300 lines: it is a list.
 */

const LENGTHS = [
  "5",
  "+5",
  "-5",
  "-0",
  "5 5",
  "5, 5",
  "5,5",
  "5,",
  ",5",
  "5;",
  "0x5",
  "5h",
  "1_0",
  "05",
  "005",
  "5.0",
  "5e0",
  '"5"',
  "",
  " ",
  "\t5",
  "5\t",
  "5 ",
  "\x0b5",
  "5\x0c",
  "5\0",
  "\xa05",
  "\xb2",
  "9007199254740992",
  "9007199254740993",
  "18446744073709551615",
  "18446744073709551616",
  "18446744073709551621",
  "4294967301",
  "99999999999999999999999",
  "00000000000000000000000005",
]

const CODINGS = [
  "chunked",
  "Chunked",
  "CHUNKED",
  " chunked ",
  "\tchunked\t",
  "chunked,",
  ",chunked",
  "chunked;",
  "chunked;a=b",
  "chunked, chunked",
  "chunked, identity",
  "identity, chunked",
  "identity",
  "gzip, chunked",
  "chunked, gzip",
  "gzip",
  "xchunked",
  "chunkedx",
  "x, chunked",
  '"chunked"',
  "chunk",
  "chunked\0",
  "\x0bchunked",
  "\x0cchunked",
  "chunked\x0b",
  "\xa0chunked",
  "chun\r\n ked",
  "\r\n chunked",
  "chunked\r\n ",
  "chu\tnked",
  "chunked chunked",
  "\x7fchunked",
  "",
]

/** Ways to write the line `NAME: VALUE` that are wrong, or are taken for right. */
const ODD_LINES = [
  "%n: %v",
  "%n:%v",
  "%n :%v",
  "%n : %v",
  "%n\t: %v",
  " %n: %v",
  "\t%n: %v",
  "%n;: %v",
  "%n\0: %v",
  "%n\x0b: %v",
  "%n:\x0b%v",
  "%n:\r\n %v",
  "%n:\r\n\t%v",
  "%n:\n %v",
  "%n\r\n : %v",
  "%n\r: %v",
  "%n: %v\r",
  "%n: %v\n",
  "X: y\r%n: %v",
  "X: y\n%n: %v",
  "X: y\n\r%n: %v",
  "X: y\r\r\n%n: %v",
  "X: y\0\r\n%n: %v",
  "X\r\n%n: %v",
  ":\r\n%n: %v",
  ": %n: %v",
  "\0%n: %v",
  "\xff%n: %v",
  '"%n": %v',
  "%n: %v\r\n%n: %v",
  "%n: %v\r\nX: y\r\n %n: 6",
  "%n: %v, %v",
  "%n-: %v",
  "%n%n: %v",
  "%n\xa0: %v",
  "%n=%v",
  "%n %v",
  "%n",
]

const CHUNKED_BODIES = [
  "5\r\nhello\r\n0\r\n\r\n",
  "05\r\nhello\r\n00\r\n\r\n",
  "0x5\r\nhello\r\n0\r\n\r\n",
  "+5\r\nhello\r\n0\r\n\r\n",
  "-5\r\nhello\r\n0\r\n\r\n",
  "-1\r\nhello\r\n0\r\n\r\n",
  " 5\r\nhello\r\n0\r\n\r\n",
  "5 \r\nhello\r\n0\r\n\r\n",
  "5\t\r\nhello\r\n0\r\n\r\n",
  "5 ;a\r\nhello\r\n0\r\n\r\n",
  "5;\r\nhello\r\n0\r\n\r\n",
  "5; \r\nhello\r\n0\r\n\r\n",
  "5;a\r\nhello\r\n0\r\n\r\n",
  "5; a\r\nhello\r\n0\r\n\r\n",
  "5;a \r\nhello\r\n0\r\n\r\n",
  "5;a=\r\nhello\r\n0\r\n\r\n",
  "5;=b\r\nhello\r\n0\r\n\r\n",
  "5;a=b\r\nhello\r\n0\r\n\r\n",
  "5;a=b;c;d=e\r\nhello\r\n0;x\r\n\r\n",
  '5;a="b"\r\nhello\r\n0\r\n\r\n',
  '5;a="b;\\"c"\r\nhello\r\n0\r\n\r\n',
  '5;a="b\r\nhello\r\n0\r\n\r\n',
  '5;a="\r\n"\r\nhello\r\n0\r\n\r\n',
  '5;a="b"x\r\nhello\r\n0\r\n\r\n',
  '5;a=""\r\nhello\r\n0\r\n\r\n',
  '5;a="\\\r\n"\r\nhello\r\n0\r\n\r\n',
  '5;a="\\\0"\r\nhello\r\n0\r\n\r\n',
  '5;"a"=b\r\nhello\r\n0\r\n\r\n',
  "5;a\nhello\r\n0\r\n\r\n",
  "5;a\rhello\r\n0\r\n\r\n",
  "5;a\r\r\nhello\r\n0\r\n\r\n",
  "5;a\0\r\nhello\r\n0\r\n\r\n",
  "5\nhello\r\n0\r\n\r\n",
  "5\rhello\r\n0\r\n\r\n",
  "5\r\nhello\n0\r\n\r\n",
  "5\r\nhello\r0\r\n\r\n",
  "5\r\nhello0\r\n\r\n",
  "5\r\nhelloX\r\n0\r\n\r\n",
  "5\r\nhelloXX0\r\n\r\n",
  "5\r\nhell\r\n0\r\n\r\n",
  "5\r\nhello\r\n0\r\n",
  "5\r\nhello\r\n0\n\n",
  "5\r\nhello\r\n0\r\n\n",
  "5\r\nhello\r\n0\n\r\n",
  "5\r\nhello\r\n0\r\n\r",
  "5\r\nhello\r\n\r\n",
  "5\r\nhello\r\n\r\n0\r\n\r\n",
  "5\r\nhello\r\n;\r\n\r\n",
  "\r\n5\r\nhello\r\n0\r\n\r\n",
  "0\r\n\r\n",
  "0\r\nX: 1\r\n\r\n",
  "0\r\nTransfer-Encoding: chunked\r\n\r\n",
  "0\r\nContent-Length: 5\r\n\r\n",
  "0\r\nHost: b\r\n\r\n",
  "0\r\nX : 1\r\n\r\n",
  "0\r\nX\r\n\r\n",
  "0\r\n X: 1\r\n\r\n",
  "0\r\nX: 1\r\n 2\r\n\r\n",
  "0\r\nX: 1\n\r\n",
  "0\r\nX: \x001\r\n\r\n",
  "0\r\nX: 1\r\r\n\r\n",
  "0\r\nConnection: close\r\n\r\n",
  "0\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
  "0\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
  "10000000000000005\r\nhello\r\n0\r\n\r\n",
  "100000005\r\nhello\r\n0\r\n\r\n",
  "fffffffffffffffb\r\nhello\r\n0\r\n\r\n",
  "0000000000000005\r\nhello\r\n0\r\n\r\n",
  "00000000000000005\r\nhello\r\n0\r\n\r\n",
  "A\r\nhellohello\r\n0\r\n\r\n",
  "a\r\nhellohello\r\n0\r\n\r\n",
  "g\r\nhello\r\n0\r\n\r\n",
  "5g\r\nhello\r\n0\r\n\r\n",
  "5_\r\nhello\r\n0\r\n\r\n",
]

const REQUEST_LINES = [
  "GET / HTTP/1.1",
  "GET  / HTTP/1.1",
  "GET /  HTTP/1.1",
  "GET / HTTP/1.1 ",
  " GET / HTTP/1.1",
  "GET\t/ HTTP/1.1",
  "GET /\tHTTP/1.1",
  "GET\x0b/ HTTP/1.1",
  "GET /\x0cHTTP/1.1",
  "GET /",
  "GET",
  "GET / ",
  "GET / http/1.1",
  "GET / HTTP/1.10",
  "GET / HTTP/01.1",
  "GET / HTTP/1.01",
  "GET / HTTP/1",
  "GET / HTTP/1.",
  "GET / HTTP/1.2",
  "GET / HTTP/0.9",
  "GET / HTTP/2.0",
  "GET / HTTP/3",
  "GET / HTTP/1,1",
  "GET / HTTP /1.1",
  "GET / HTTPS/1.1",
  "GET / ICE/1.0",
  "GET / RTSP/1.0",
  "GET / HTTP/1.1 HTTP/1.1",
  "GET / HTTP/1.1\t",
  "GET / HTTP/1.1\r",
  "get / HTTP/1.1",
  "G\0T / HTTP/1.1",
  "GETT / HTTP/1.1",
  "GE / HTTP/1.1",
  "PRI * HTTP/2.0",
  "SOURCE / HTTP/1.1",
  "DESCRIBE / HTTP/1.1",
  "QUERY / HTTP/1.1",
  "PURGE / HTTP/1.1",
  "M-SEARCH * HTTP/1.1",
  "OPTIONS * HTTP/1.1",
  "OPTIONS *x HTTP/1.1",
  "OPTIONS ** HTTP/1.1",
  "GET * HTTP/1.1",
  "GET x HTTP/1.1",
  "GET ?x HTTP/1.1",
  "GET \\x HTTP/1.1",
  "GET //a HTTP/1.1",
  "GET //a@b:c HTTP/1.1",
  "GET /?a=b&c#d HTTP/1.1",
  "GET /#d HTTP/1.1",
  "GET /\xe4 HTTP/1.1",
  "GET /\x80\xff HTTP/1.1",
  "GET /\0 HTTP/1.1",
  "GET /\x7f HTTP/1.1",
  "GET /\x01 HTTP/1.1",
  'GET /"<>`{|}^\\ HTTP/1.1',
  "GET /%00%zz HTTP/1.1",
  "GET http://b/x HTTP/1.1",
  "GET HTTP://b/x HTTP/1.1",
  "GET https://b:443/x?y HTTP/1.1",
  "GET http://b?y HTTP/1.1",
  "GET http://b HTTP/1.1",
  "GET http://me@b/ HTTP/1.1",
  "GET http://me:pw@b/ HTTP/1.1",
  "GET http:///x HTTP/1.1",
  "GET http://b:x/ HTTP/1.1",
  "GET http://b:80:80/ HTTP/1.1",
  "GET http://[::1]/ HTTP/1.1",
  "GET http://[::1]:80/x HTTP/1.1",
  "GET http://[::1/ HTTP/1.1",
  "GET http://b\\x/ HTTP/1.1",
  "GET http:b HTTP/1.1",
  "GET ftp://b/ HTTP/1.1",
  "CONNECT b:443 HTTP/1.1",
  "POST / HTTP/1.0",
  "GET / HTTP/1.0",
]

const CHUNKED = CHUNKED_BODIES[0]!
const NEXT = "GET /next HTTP/1.1\r\nHost: a\r\n\r\n"
const LINE = "POST / HTTP/1.1\r\nHost: a\r\n"

/** Every one of them, each followed by another request. */
export const CORPUS: readonly string[] = [...new Set(corpus())]

function* corpus(): Generator<string> {
  for (const line of REQUEST_LINES) {
    yield `${line}\r\nHost: a\r\n\r\n${NEXT}`
    yield `${line}\nHost: a\n\n${NEXT}`
    yield `${line}\r\n\r\n${NEXT}`
    yield `\r\n${line}\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello${NEXT}`
    yield `${line}\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNKED}${NEXT}`
  }
  for (const length of LENGTHS)
    for (const odd of ODD_LINES) yield `${LINE}${made(odd, "Content-Length", length)}\r\n\r\nhello${NEXT}`
  for (const coding of CODINGS)
    for (const odd of ODD_LINES) {
      const line = made(odd, "Transfer-Encoding", coding)
      yield `${LINE}${line}\r\n\r\n${CHUNKED}${NEXT}`
      yield `${LINE}Content-Length: 5\r\n${line}\r\n\r\n${CHUNKED}${NEXT}`
      yield `${LINE}${line}\r\nContent-Length: ${CHUNKED.length}\r\n\r\n${CHUNKED}${NEXT}`
      yield `${LINE}Transfer-Encoding: chunked\r\n${line}\r\n\r\n${CHUNKED}${NEXT}`
    }
  for (const odd of ODD_LINES)
    for (const name of ["Host", "Connection", "Expect", "X", "Transfer-Encoding", "Content-Length"])
      for (const value of ["a", "close", "100-continue", "keep-alive, close", "upgrade\r\nUpgrade: h2c"])
        yield `GET / HTTP/1.1\r\n${made(odd, name, value)}\r\nHost: a\r\n\r\n${NEXT}`
  for (const body of CHUNKED_BODIES) {
    yield `${LINE}Transfer-Encoding: chunked\r\n\r\n${body}${NEXT}`
    yield `${LINE}Transfer-Encoding: chunked\r\nTrailer: X\r\nTE: trailers\r\n\r\n${body}`
    yield `POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n${body}${NEXT}`
    yield `POST / HTTP/1.1\r\nHost: a\r\nConnection: Transfer-Encoding, close\r\nTransfer-Encoding: chunked\r\n\r\n${body}${NEXT}`
  }
  for (const end of ["\r\n", "\n", "\r", "\n\r", "\r\r\n", "\0\r\n", "\r\n\r\n", " \r\n", "\x0b\r\n"]) {
    yield `GET / HTTP/1.1${end}Host: a${end}${end}${NEXT}`
    yield `GET / HTTP/1.1\r\nHost: a${end}X: y\r\n\r\n${NEXT}`
    yield `GET / HTTP/1.1\r\nHost: a\r\n${end}${NEXT}`
    yield `${end}GET / HTTP/1.1\r\nHost: a\r\n\r\n${end}${NEXT}`
    yield `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello${end}${NEXT}`
  }
  for (const host of [
    "",
    " ",
    "a b",
    "a,b",
    "a/b",
    "a?b",
    "a#b",
    "me@a",
    "a:",
    "a:80",
    "a:x",
    "a\0",
    "[::1]",
    "[::1",
    "\xe4",
    "a\r\nHost: a",
    "a\r\nHost: b",
    "%41",
    "-",
    ".",
  ])
    yield `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n${NEXT}`
}

function made(pattern: string, name: string, value: string): string {
  return pattern.replaceAll("%n", name).replaceAll("%v", value)
}
