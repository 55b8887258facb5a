/** What befalls the daemon meanwhile: ways that refuse for a while, a reload or a restart in the midst. */
import { z } from 'zod'
import type { Consumer, Context, ProcessorFactory, Signal } from '../../src/component.ts'
import { retryLater } from '../../src/refusal.ts'
import type { Clock } from '../../src/self/clock.ts'
import { Random } from '../bench/random.ts'
import type { Delivery } from './delivery.ts'

/** Of one or all at once: what comes there is refused. */
export const WAYS = ['metrics', 'logs', 'store', 'metrics/out', 'logs/out'] as const
export type Way = (typeof WAYS)[number]
/** The ways on which reports come: if all of them refuse, the sender keeps what it has. */
const REPORTED = WAYS.slice(0, 3)

interface Span {
  readonly from_ms: number
  readonly until_ms: number
}

export interface Troubles {
  /** Unix milliseconds; empty: nothing is refused. */
  readonly refusals: ReadonlyMap<Way, readonly Span[]>
  /** Between reports that are compared with each other; Unix milliseconds. */
  readonly change: { readonly how: 'reload' | 'restart'; readonly at_ms: number } | undefined
}

/** Shorter than reports wait for each other, less the time in which those of a call arrive. */
const REFUSAL_MAX_ms = 6000
/** Until what was refused has been taken. */
const AFTERMATH_ms = 3000
const RETRY_ms = 100

export function troublesOf(seed: number, deliveries: readonly Delivery[]): Troubles {
  const random = new Random(seed ^ 0x7201b1e)
  const change = random.unit() < 0.5 ? changeOf(random, deliveries) : undefined
  if (random.unit() < 0.5) return { refusals: new Map(), change }
  const spans = Array.from({ length: random.whole(1, 4) }, () => spanIn(random, deliveries)).filter(
    ({ from_ms, until_ms }) => change === undefined || change.at_ms < from_ms || change.at_ms > until_ms + AFTERMATH_ms,
  )
  const ways = random.pick<readonly Way[]>([REPORTED, [random.pick(WAYS)], WAYS.filter(() => random.unit() < 0.5)])
  return { refusals: new Map(ways.map((way) => [way, spans])), change }
}

/** A moment at which of no unit some reports have come and others have not. */
function changeOf(random: Random, deliveries: readonly Delivery[]): Troubles['change'] {
  const last = new Map<number, number>()
  for (const { at_ms, units } of deliveries) for (const unit of units) last.set(unit, at_ms)
  const gaps: Span[] = []
  let open_until_ms = 0
  for (const [at, { at_ms, units }] of deliveries.entries()) {
    if (at > 0 && at_ms > open_until_ms + 1)
      gaps.push({ from_ms: Math.max(open_until_ms, deliveries[at - 1]!.at_ms), until_ms: at_ms })
    for (const unit of units) if (unit > 0) open_until_ms = Math.max(open_until_ms, last.get(unit)!)
  }
  if (gaps.length === 0) return undefined
  const { from_ms, until_ms } = random.pick(gaps)
  return { how: random.pick(['reload', 'restart']), at_ms: random.whole(from_ms + 1, until_ms) }
}

function spanIn(random: Random, deliveries: readonly Delivery[]): Span {
  const { at_ms } = random.pick(deliveries)
  const from_ms = at_ms - random.whole(0, 1000)
  return { from_ms, until_ms: from_ms + random.whole(100, REFUSAL_MAX_ms) }
}

/** A processor `moody/<way>`, which passes everything on unless its way refuses. */
export function moody({ refusals }: Troubles, clock: Clock): ProcessorFactory<object> {
  return {
    kind: 'processor',
    type: 'moody',
    summary: 'For tests.',
    schema: z.strictObject({}),
    signals: ['traces', 'metrics', 'logs'],
    create: <S extends Signal>(_: object, { id }: { id: string }, __: S, next: Consumer<S>) => ({
      consume(batch: Parameters<Consumer<S>['consume']>[0], context: Context) {
        const now_ms = clock.now_ms()
        const spans = refusals.get(id.slice('moody/'.length) as Way) ?? []
        if (spans.some(({ from_ms, until_ms }) => now_ms >= from_ms && now_ms < until_ms))
          return Promise.reject(retryLater('queue_full', 'not now', RETRY_ms))
        return next.consume(batch, context)
      },
    }),
  }
}
