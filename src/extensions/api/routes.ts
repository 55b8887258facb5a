/** What the API answers: one line a path. Nothing of what passes through the daemon is shown, only how much. */
import type { Host } from '../../component.ts'
import type { Route } from '../../net/http_server.ts'
import type { Balance } from '../../pipeline/ledger.ts'

/** The answer's status and what it holds, JSON-serialisable. */
interface Answer {
  readonly status: number
  readonly content: unknown
}

export function routesOf(host: Host): ReadonlyMap<string, Route> {
  return new Map([
    ['/api/health', read(() => health(host))],
    ['/api/pipeline', read(() => pipeline(host))],
  ])
}

/** Headers of every answer: what changes by the second is not kept, and a browser takes it for nothing but JSON. */
export const JSON_HEADERS = {
  'content-type': 'application/json',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
} as const

function read(answer: () => Answer): Route {
  return {
    methods: ['GET', 'HEAD'],
    handler: async () => {
      const { status, content } = answer()
      return { status, headers: JSON_HEADERS, body: `${JSON.stringify(content)}\n` }
    },
  }
}

function health({ daemon, clock }: Host): Answer {
  const ready = daemon.ready()
  const content = {
    ready,
    version: daemon.version,
    started_at: new Date(daemon.startedAt_ms).toISOString(),
    uptime_ms: clock.now_ms() - daemon.startedAt_ms,
  }
  return { status: ready ? 200 : 503, content }
}

/** The daemon's snapshot; each account of its ledger with what does not add up, which is always 0. */
function pipeline({ daemon }: Host): Answer {
  const snapshot = daemon.snapshot() as { readonly ledger?: readonly Balance[] }
  const ledger = (snapshot.ledger ?? []).map((balance) => ({ ...balance, discrepancy: discrepancyOf(balance) }))
  return { status: 200, content: { ...snapshot, ledger } }
}

function discrepancyOf({ entered, delivered, sampled_out, duplicate, dropped, held }: Balance): number {
  return entered - delivered - sampled_out - duplicate - sumOf(dropped) - sumOf(held)
}

function sumOf(places: Readonly<Record<string, number>>): number {
  return Object.values(places).reduce((sum, items) => sum + items, 0)
}
