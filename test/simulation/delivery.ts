/** How reports reach the daemon: in batches, out of order, late, and some of them twice. */

import type { Batches } from '../../src/component.ts'
import { Random } from '../bench/random.ts'
import { batchOf, type GroupOptions, logBatch, requestOf, traceBatch } from '../support/otlp.ts'
import type { Report, World } from './world.ts'

export interface Delivery {
  /** Unix milliseconds. */
  readonly at_ms: number
  readonly batch: Batches['traces'] | Batches['logs']
  /** Of the reports in it and in what came along with it. */
  readonly units: readonly number[]
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
    const units = part.map(({ report }) => report.unit)
    for (const batch of batchesOf(part.map(({ report }) => report))) {
      const delivery = { at_ms: part.at(-1)!.at_ms, batch, units }
      deliveries.push(delivery)
      // An answer got lost on the way.
      if (random.unit() < 0.15) deliveries.push({ ...delivery, at_ms: delivery.at_ms + random.whole(0, 8000) })
    }
  }
  return deliveries.sort((a, b) => a.at_ms - b.at_ms)
}

function batchesOf(reports: readonly Report[]): (Batches['traces'] | Batches['logs'])[] {
  const [spans, records] = [false, true].map((isRecord) => reports.filter((report) => report.isRecord === isRecord))
  return [
    ...(spans!.length > 0 ? [batchOfSpans(spans!)] : []),
    ...(records!.length > 0 ? [batchOfRecords(records!)] : []),
  ]
}

function batchOfSpans(reports: readonly Report[]): Batches['traces'] {
  const groups = groupsOf(reports).map(([group, list]) => requestOf(traceBatch(list, group))['resourceSpans'])
  return batchOf('traces', { resourceSpans: groups.flat() as never[] })
}

function batchOfRecords(reports: readonly Report[]): Batches['logs'] {
  const groups = groupsOf(reports).map(([group, list]) => {
    const records = list.map(({ trace, id, name, end_ms, attributes }) => ({
      trace,
      span: id,
      event: name,
      time_ms: end_ms,
      attributes: attributes ?? {},
    }))
    return requestOf(logBatch(records, group))['resourceLogs']
  })
  return batchOf('logs', { resourceLogs: groups.flat() as never[] })
}

/** By the process and the instrumentation that they come from. */
function groupsOf(reports: readonly Report[]): [GroupOptions, Report[]][] {
  const groups = Map.groupBy(reports, ({ scope, service }) => `${service}\n${scope}`)
  return [...groups.values()].map((list) => {
    const { scope, service } = list[0]!
    return [{ resource: { 'service.name': service, 'process.pid': 7 }, scope: { name: scope } }, list]
  })
}
