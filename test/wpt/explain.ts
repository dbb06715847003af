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

const RULES: readonly Rule[] = [
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
