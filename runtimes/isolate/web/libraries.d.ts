/** The untyped libraries that the web APIs are made of, as far as they are used. */
declare module "whatwg-url" {
  export const URL: UrlClass
  export const URLSearchParams: abstract new (...parameters: never[]) => object
  export function parseURL(input: string, options?: { baseURL?: UrlRecord }): UrlRecord | null
  export function serializeURL(url: UrlRecord, excludeFragment?: boolean): string
  export interface UrlRecord {
    scheme: string
    username: string
    password: string
    fragment: string | null
  }
  interface UrlClass {
    new (url: string, base?: string): { readonly href: string }
    canParse(url: string, base?: string): boolean
    readonly prototype: object
  }
}

declare module "urlpattern-polyfill/urlpattern" {
  export const URLPattern: { readonly prototype: object }
}
