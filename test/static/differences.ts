/** Where the host means to answer otherwise than nginx, and why; by the names of the rows. */
export interface Difference {
  readonly why: string
  /** Name of the row, and what the host answers. */
  readonly rows: readonly (readonly [string, string])[]
}

export const DIFFERENCES: readonly Difference[] = [
  {
    why: "A folder without an index is not there at all: who may not list it need not know of it.",
    rows: [
      ["GET /noindex", "404"],
      ["GET /noindex/", "404"],
      ["GET /noindex?q", "404"],
      ["GET /deep", "404"],
      ["GET /dir.d", "404"],
      ["HEAD /noindex/", "404"],
    ],
  },
  {
    why: "`.` and `..` are for clients to resolve (RFC 3986 5.2.4), and all do; whoever sends them wants something else. No segment that begins with a dot is served.",
    rows: [
      ["GET //evil.example/%2e%2e", "404"],
      ["GET //evil.example/..", "404"],
      ["GET /.", "404"],
      ["GET /./", "404"],
      ["GET /./hello.txt", "404"],
      ["GET /docs/.", "404"],
      ["GET /docs/./page.html", "404"],
      ["GET /docs/./", "404"],
      ["GET /..", "404"],
      ["GET /../", "404"],
      ["GET /../secret.txt", "404"],
      ["GET /docs/..", "404"],
      ["GET /docs/../", "404"],
      ["GET /docs/../hello.txt", "404"],
      ["GET /docs/../../secret.txt", "404"],
      ["GET /../public/hello.txt", "404"],
      ["GET /docs/../../public/hello.txt", "404"],
      ["GET /%2e%2e/secret.txt", "404"],
      ["GET /..%2fsecret.txt", "404"],
      ["GET /%2e/hello.txt", "404"],
      ["GET /%2e%2e", "404"],
      ["GET /docs/%2e%2e/hello.txt", "404"],
      ["GET /docs/%2e%2e/%2e%2e/secret.txt", "404"],
      ["GET /../public-sibling/secret.txt", "404"],
      ["GET /.well-known/../.env", "404"],
      ["GET /docs/../docs/../docs/../docs/../docs/..…(1615 bytes)", "404"],
    ],
  },
  {
    why: "An encoded `/` is a character of a name, and no file's name has one. nginx decodes first and splits then.",
    rows: [
      ["GET /%2e%2e%2fsecret.txt", "404"],
      ["GET /docs%2fpage.html", "404"],
      ["GET /docs%2Fpage.html", "404"],
      ["GET /docs%2f", "404"],
      ["GET /%2fhello.txt", "404"],
    ],
  },
  {
    why: "Files that begin with a dot are never served, but those of RFC 8615's `/.well-known/`.",
    rows: [
      ["GET /..dots.txt", "404"],
      ["GET /.hidden", "404"],
      ["GET /%2ehidden", "404"],
      ["GET /.env", "404"],
      ["GET /.git/config", "404"],
      ["GET /.git", "404"],
      ["GET /.hidden-dir/file.txt", "404"],
      ["GET /deep/.hidden/file.txt", "404"],
      ["GET /deep/.well-known/file.txt", "404"],
      ["GET /.well-known/.secret", "404"],
      ["GET /.well-known", "404"],
    ],
  },
  {
    why: "A symbolic link that leads out of the folder is not followed.",
    rows: [
      ["GET /link-out.txt", "404"],
      ["GET /link-dir-out/secret.txt", "404"],
      ["GET /link-dir-out/", "404"],
      ["GET /link-dir-out", "404"],
      ["GET /link-dir-sibling/secret.txt", "404"],
    ],
  },
  { why: "A link that leads nowhere is no file.", rows: [["GET /link-loop", "404"]] },
  {
    why: "The listener refuses bytes that no URL has (RFC 9112 3.2).",
    rows: [
      ["GET /%C3%83%C2%BCn%C3%83%C2%AF.txt", "400"],
      ["GET /hash#.txt", "400"],
    ],
  },
  {
    why: "The library knows the type of archives.",
    rows: [
      [
        "GET /archive.tar.gz",
        "200 type=application/gzip ranges=bytes length=3 sha=90aebae3 etag modified=Mon, 06 May 2024 07:08:09 GMT",
      ],
      [
        "GET /app.js.gz Accept-Encoding: gzip",
        "200 type=application/gzip ranges=bytes length=46 sha=e0a82104 etag modified=Mon, 06 May 2024 07:08:09 GMT",
      ],
    ],
  },
  {
    why: "What is not there is 404 for every method but those of a folder with an index; 405 names GET and HEAD in Allow, as RFC 9110 15.5.6 asks.",
    rows: [
      ["POST /docs Content-Length: 0", "405"],
      ["PUT /nothing Content-Length: 0", "404"],
      ["DELETE /nothing Content-Length: 0", "404"],
      ["PATCH /nothing Content-Length: 0", "404"],
      ["OPTIONS /nothing Content-Length: 0", "404"],
      ["TRACE /nothing Content-Length: 0", "404"],
      ["PROPFIND /nothing Content-Length: 0", "404"],
    ],
  },
  {
    why: "Overlapping ranges are sent once (RFC 9110 15.3.7.2).",
    rows: [
      [
        "GET /data.bin Range: bytes=0-9,5-14",
        "206 range=bytes 0-14/1000 type=application/octet-stream length=15 sha=0e67afc0 etag modified=Mon, 06 May 2024 07:08:09 GMT",
      ],
      [
        "GET /data.bin Range: bytes=0-99,50-59",
        "206 range=bytes 0-99/1000 type=application/octet-stream length=100 sha=56fee4b1 etag modified=Mon, 06 May 2024 07:08:09 GMT",
      ],
      [
        "GET /data.bin Range: bytes=0-0,0-0",
        "206 range=bytes 0-0/1000 type=application/octet-stream length=1 sha=6e340b9c etag modified=Mon, 06 May 2024 07:08:09 GMT",
      ],
    ],
  },
  {
    why: "RFC 9110 13.1.3: not modified since a later time either. nginx compares for equality (`if_modified_since exact`).",
    rows: [
      [
        "GET /hello.txt If-Modified-Since: Tue, 07 May 2024 00:00:00 GMT",
        "304 etag modified=Mon, 06 May 2024 07:08:09 GMT",
      ],
      [
        "GET /hello.txt If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT",
        "304 etag modified=Mon, 06 May 2024 07:08:09 GMT",
      ],
    ],
  },
  {
    why: "RFC 9110 13.1.3 and 13.1.4: what is no date of HTTP is ignored.",
    rows: [
      [
        "GET /hello.txt If-Unmodified-Since: garbage",
        "200 type=text/plain ranges=bytes length=12 sha=a948904f etag modified=Mon, 06 May 2024 07:08:09 GMT",
      ],
      [
        "GET /hello.txt If-Unmodified-Since: ",
        "200 type=text/plain ranges=bytes length=12 sha=a948904f etag modified=Mon, 06 May 2024 07:08:09 GMT",
      ],
      [
        "GET /hello.txt If-Unmodified-Since: 2024-05-07",
        "200 type=text/plain ranges=bytes length=12 sha=a948904f etag modified=Mon, 06 May 2024 07:08:09 GMT",
      ],
      [
        "GET /hello.txt If-Modified-Since: Mon, 06 May 2024 07:08:09 +0000",
        "200 type=text/plain ranges=bytes length=12 sha=a948904f etag modified=Mon, 06 May 2024 07:08:09 GMT",
      ],
    ],
  },
  {
    why: "RFC 9110 13.2.2: a time counts only where no tag is given.",
    rows: [
      [
        "GET /hello.txt If-None-Match: {etag} If-Modified-Since: Sun, 05 May 2024 00:00:00 GMT",
        "304 etag modified=Mon, 06 May 2024 07:08:09 GMT",
      ],
      [
        "GET /hello.txt If-Match: {etag} If-Unmodified-Since: Sun, 05 May 2024 00:00:00 GMT",
        "200 type=text/plain ranges=bytes length=12 sha=a948904f etag modified=Mon, 06 May 2024 07:08:09 GMT",
      ],
    ],
  },
  {
    why: "A range is one of what is sent (RFC 9110 14.2): a variant has an ETag of its own, and a download of it can go on.",
    rows: [
      [
        "GET /app.js Accept-Encoding: gzip",
        "200 type=application/javascript coding=gzip vary=Accept-Encoding ranges=bytes length=46 sha=e0a82104 etag modified=Mon, 06 May 2024 07:08:09 GMT",
      ],
      [
        "GET /app.js Accept-Encoding: gzip;q=0.5",
        "200 type=application/javascript coding=gzip vary=Accept-Encoding ranges=bytes length=46 sha=e0a82104 etag modified=Mon, 06 May 2024 07:08:09 GMT",
      ],
      [
        "GET /app.js Accept-Encoding: GZIP",
        "200 type=application/javascript coding=gzip vary=Accept-Encoding ranges=bytes length=46 sha=e0a82104 etag modified=Mon, 06 May 2024 07:08:09 GMT",
      ],
      [
        "GET /app.js Accept-Encoding: gzip, identity;q=0.1",
        "200 type=application/javascript coding=gzip vary=Accept-Encoding ranges=bytes length=46 sha=e0a82104 etag modified=Mon, 06 May 2024 07:08:09 GMT",
      ],
      [
        "GET /app.js Accept-Encoding: gzip;q=1.0",
        "200 type=application/javascript coding=gzip vary=Accept-Encoding ranges=bytes length=46 sha=e0a82104 etag modified=Mon, 06 May 2024 07:08:09 GMT",
      ],
      [
        "HEAD /app.js Accept-Encoding: gzip",
        "200 type=application/javascript coding=gzip vary=Accept-Encoding ranges=bytes length=46 etag modified=Mon, 06 May 2024 07:08:09 GMT",
      ],
      [
        "GET /app.js Accept-Encoding: gzip Range: bytes=0-9",
        "206 range=bytes 0-9/46 type=application/javascript coding=gzip vary=Accept-Encoding length=10 sha=9d1011ce etag modified=Mon, 06 May 2024 07:08:09 GMT",
      ],
    ],
  },
  {
    why: "RFC 9110 12.5.3: `*` takes every coding, and what is wanted less than `identity` is not sent.",
    rows: [
      [
        "GET /app.js Accept-Encoding: *",
        "200 type=application/javascript coding=gzip vary=Accept-Encoding ranges=bytes length=46 sha=e0a82104 etag modified=Mon, 06 May 2024 07:08:09 GMT",
      ],
      [
        "GET /app.js Accept-Encoding: identity, gzip;q=0.1",
        "200 type=application/javascript vary=Accept-Encoding ranges=bytes length=760 sha=b2f25798 etag modified=Mon, 06 May 2024 07:08:09 GMT",
      ],
    ],
  },
]
