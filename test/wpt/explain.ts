/** Why subtests fail, by rule: what `--update` writes beside a failure. The first rule that fits counts. */

export interface Explanation {
  readonly reason: string
  /** Makes no sense on a server: not counted. */
  readonly senseless: boolean
}

interface Rule extends Explanation {
  readonly file?: RegExp
  readonly subtest?: RegExp
  readonly message?: RegExp
}

const senseless = (reason: string, rule: Omit<Rule, keyof Explanation>): Rule => ({
  ...rule,
  reason,
  senseless: true,
})

const failure = (reason: string, rule: Omit<Rule, keyof Explanation>): Rule => ({
  ...rule,
  reason,
  senseless: false,
})

const RULES: readonly Rule[] = [
  senseless("two of its names are the same where the suite's ports are one", {
    message: /duplicate test name/,
  }),
  failure("content-type is split at commas, in a parameter's name or value too", {
    file: /^mimesniff\//,
    subtest: /\(Request\/Response\)/,
  }),
  senseless(
    "the URL standard has changed since this version of the suite: hosts of ASCII pass, xn-- or not (whatwg/url#914)",
    { file: /^url\//, message: /did not throw|https:\/\/xn--\//, subtest: /xn--/i },
  ),
  senseless("MessageChannel: there is no other realm to talk to, and the minimum common API has none", {
    message: /MessageChannel is not defined|ReadableStream isn't transferable/,
  }),
  senseless("XMLHttpRequest is no part of the minimum common API", {
    message: /XMLHttpRequest is not defined/,
  }),
  senseless("FileReader and FileList are no part of the minimum common API", {
    message: /FileReader is not defined|FileList|FileReader/,
  }),
  senseless("FileReader and FileList are no part of the minimum common API", {
    subtest: /^File(?:Reader|List)/,
  }),
  senseless("URLs of blobs name objects of a page that lives on; an isolate has none", {
    message: /createObjectURL/,
  }),
  senseless("needs a document", {
    message: /(?:document|Element|NodeFilter|Image|HTML\w+|navigation|sessionStorage) is not defined/,
  }),
  senseless("the members of WorkerGlobalScope are there, that class of global objects is not", {
    subtest: /^WorkerGlobalScope interface|^Window interface/,
  }),
  senseless("forbidden header names protect the user of a browser; a server sets these itself", {
    file: /^fetch\/api\/request\/request-headers\.any/,
    subtest: /^Adding invalid request header/,
  }),
  senseless("Set-Cookie is withheld from pages; a server has to see it", {
    file: /header-setcookie/,
    subtest: /^Set-Cookie is a forbidden response header/,
  }),
  senseless(
    "control characters in a header's value are refused before they are sent, as by Node's own clients",
    {
      file: /^fetch\/api\/headers\/header-values/,
      subtest: /^fetch\(\) with (?:value %|all valid)/,
    },
  ),
  senseless("Origin and the like: a browser's policy between sites", {
    file: /^fetch\/api\/basic\/request-headers\.any/,
    message: /origin/i,
  }),
  senseless("the harness's own server knows no such method", { subtest: /Chicken|TESTING/ }),
  senseless(
    "redirects that the app asks to see are shown as they are: opaque ones protect a browser's origins",
    {
      file: /^fetch\/api\/redirect\//,
      subtest: /manual/,
    },
  ),
  senseless("needs an HTTP cache, which a browser has", {
    file: /^fetch\/api\/(?:request\/request-cache|basic\/conditional-get)/,
  }),
  senseless("forbidden header names protect the user of a browser; a server sets these itself", {
    file: /^fetch\/api\/basic\/request-forbidden-headers/,
  }),
  senseless("mode: a browser's policy between sites", {
    file: /^fetch\/api\/(?:basic|redirect)\/.*mode/,
  }),
  failure("what is answered with 421 is not sent again", { file: /request-upload/, subtest: /421/ }),
  failure("header names go out in lower case, and a value a line, as from Node's own fetch", {
    file: /request-headers-case/,
  }),
  failure("a repeated Content-Length is refused by the HTTP parser, and control characters in values too", {
    file: /header-value-combining/,
  }),
  senseless("the harness's own server has no TLS and knows no such method", {
    file: /^fetch\/api\/basic\/(?:integrity|request-headers\.any)/,
    message: /fetch failed|400/,
  }),
  senseless("Origin and the like: a browser's policy between sites", {
    file: /^fetch\/api\/basic\/request-headers\.any/,
    subtest: /Origin header/,
  }),
  senseless("the fetch standard touches the body of the input only where no other body is given", {
    file: /request-disturbed/,
    subtest: /even if body is not used/,
  }),
  senseless("forbidden header names protect the user of a browser; a server sets these itself", {
    file: /^fetch\/api\/request\/request-headers\.any/,
  }),
  failure("a digest of more than 16 MiB at once is refused: the test takes one of 27 MB", {
    file: /^fetch\/content-encoding\//,
    message: /at once/,
  }),
  failure("a bug: a chunk whose buffer was transferred is an error, not empty", { file: /decode-utf8/ }),
  senseless("URLs of blobs name objects of a page that lives on; an isolate has none", {
    subtest: /ObjectURL/,
  }),
  senseless("timing of a page's load", { file: /performance-tojson|performance-measure-invalid/ }),
  failure("ErrorEvent.filename is empty where what was thrown is no Error, and so has no stack", {
    file: /reporterror/,
  }),
  failure("the File API lower-cases the type of a Blob and parses nothing; the test asks for a parser", {
    file: /^mimesniff\//,
    subtest: /\(Blob\/File\)/,
  }),
  failure(
    "urlpattern-polyfill: ports with other characters, forbidden ones in hosts, sets in regular expressions",
    {
      file: /^urlpattern\//,
    },
  ),
  senseless("attributes of Window (parent, origin, screen, frames …)", {
    file: /webidl\/.*(?:named-properties|replaceable|legacy-callback|global-object-implicit|receiver)/,
  }),
  failure("the global object is an ordinary one: its prototype can be set", {
    file: /global-immutable-prototype/,
  }),
]

export function explain(file: string, subtest: string, message: string): Explanation | null {
  return (
    RULES.find(
      (rule) =>
        (rule.file?.test(file) ?? true) &&
        (rule.subtest?.test(subtest) ?? true) &&
        (rule.message?.test(message) ?? true),
    ) ?? null
  )
}
