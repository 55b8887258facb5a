/** How reports reach the daemon: in batches, out of order, late, and some of them twice. */

import type { Batches } from '../../src/component.ts'
import { Random } from '../bench/random.ts'
import { batchOf, requestOf, traceBatch } from '../support/otlp.ts'
import type { Report, World } from './world.ts'

export interface Delivery {
  /** Unix milliseconds. */
  readonly at_ms: number
  readonly batch: Batches['traces']
}

/** A trace of which all reports come so late that those of others have long been counted. */
const LATE_ms = 45_000

/** An SDK's batch waits no longer than this. */
const BATCH_MAX_ms = 1000

/** In order of arrival. */
export function deliveriesOf(seed: number, { reports }: World): Delivery[] {
  const random = new Random(seed ^ 0x5eed)
  const late = new Map<string, number>()
  const arrivals = reports.map((report) => {
    if (!late.has(report.trace)) late.set(report.trace, random.unit() < 0.1 ? LATE_ms : 0)
    return { report, at_ms: report.end_ms + late.get(report.trace)! + random.whole(0, 2500) }
  })
  arrivals.sort((a, b) => a.at_ms - b.at_ms)
  const deliveries: Delivery[] = []
  for (let at = 0; at < arrivals.length; ) {
    const latest_ms = arrivals[at]!.at_ms + BATCH_MAX_ms
    const part = arrivals.slice(at, at + random.whole(1, 20)).filter(({ at_ms }) => at_ms <= latest_ms)
    at += part.length
    const delivery = { at_ms: part.at(-1)!.at_ms, batch: batchOfReports(part.map(({ report }) => report)) }
    deliveries.push(delivery)
    // An answer got lost on the way.
    if (random.unit() < 0.15) deliveries.push({ ...delivery, at_ms: delivery.at_ms + random.whole(0, 8000) })
  }
  return deliveries.sort((a, b) => a.at_ms - b.at_ms)
}

function batchOfReports(reports: readonly Report[]): Batches['traces'] {
  const groups = Map.groupBy(reports, ({ scope, service }) => `${service}\n${scope}`)
  const resourceSpans = [...groups.values()].flatMap((group) => {
    const { scope, service } = group[0]!
    const options = { resource: { 'service.name': service, 'process.pid': 7 }, scope: { name: scope } }
    return requestOf(traceBatch(group, options))['resourceSpans'] as never[]
  })
  return batchOf('traces', { resourceSpans })
}
