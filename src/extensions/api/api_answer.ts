/** How the API answers. */
import type { HttpHead } from '../../net/http/http_exchange.ts'
import type { Route } from '../../net/http/http_options.ts'

/** The answer's status and what it holds: JSON-serialisable, or JSON text. */
export type ApiAnswer =
  | { readonly status: number; readonly content: unknown }
  | { readonly status: number; readonly text: string }

/** Headers of every answer: what changes by the second is not kept, and a browser takes it for nothing but JSON. */
export const JSON_HEADERS = {
  'content-type': 'application/json',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
} as const

/** A route that only reads. */
export function readingRoute(answer: (request: HttpHead) => ApiAnswer | Promise<ApiAnswer>): Route {
  return {
    methods: ['GET', 'HEAD'],
    handler: async (request) => {
      const given = await answer(request)
      const text = 'text' in given ? given.text : JSON.stringify(given.content)
      return { status: given.status, headers: JSON_HEADERS, body: `${text}\n` }
    },
  }
}
