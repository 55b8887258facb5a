/** What the API answers: one line a path. */
import type { Host } from '../../component.ts'
import type { Route, Routes } from '../../net/http/http_options.ts'
import type { Balance } from '../../pipeline/ledger.ts'
import { type ApiAnswer, readingRoute } from './api_answer.ts'
import { listLogs, listTraces, showTrace, TRACE_PATH } from './stored.ts'
import { CONVERSATION_PATH, listConversations, showConversation } from './talks.ts'

/** Each as `wrap` makes it. */
export function routesOf(host: Host, wrap: (route: Route) => Route): Routes {
  const exact = new Map([
    ['/api/health', wrap(readingRoute(() => health(host)))],
    ['/api/pipeline', wrap(readingRoute(() => pipeline(host)))],
    ['/api/traces', wrap(readingRoute((request) => listTraces(host, request)))],
    ['/api/conversations', wrap(readingRoute((request) => listConversations(host, request)))],
    ['/api/logs', wrap(readingRoute((request) => listLogs(host, request)))],
  ])
  const trace = wrap(readingRoute((request) => showTrace(host, request)))
  const conversation = wrap(readingRoute((request) => showConversation(host, request)))
  const below = (path: string) => {
    if (path.startsWith(TRACE_PATH)) return trace
    return path.startsWith(CONVERSATION_PATH) ? conversation : undefined
  }
  return {
    get: (path) => exact.get(path) ?? below(path),
  }
}

function health({ daemon, clock }: Host): ApiAnswer {
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
function pipeline({ daemon }: Host): ApiAnswer {
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
