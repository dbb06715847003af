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

const RULES: readonly Rule[] = []

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
