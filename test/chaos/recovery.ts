/** What the daemon holds when nothing comes: before an attack, and again after it. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Subject } from './contained_daemon.ts'
import { heldItems, mistakesIn, sumOf } from './readings.ts'

/** Bytes at rest. */
export interface Level {
  /** Live objects and buffers after a full collection. */
  readonly live_bytes: number
  /** What it says that it holds for somebody. */
  readonly held_bytes: number
}

/** So much above the quiet level it may stay; in bytes at least what it remembers of the honest traffic meanwhile. */
const MARGIN = { share: 0.1, least_bytes: 2 * 1024 * 1024 }
/** Promised are 10 s; a slow machine that runs other things is given more, and the report says how long it took. */
const WAIT_ms = 30_000

export async function levelOf(subject: Subject): Promise<Level> {
  const { heap_bytes, external_bytes } = await subject.liveMemory()
  const metrics = await subject.metrics()
  const held_bytes = sumOf(metrics, HELD) - sumOf(metrics, HELD, { holder: KNOWN_SPANS })
  return { live_bytes: heap_bytes + external_bytes, held_bytes }
}

const HELD = 'sluice_memory_held_bytes'
/** Knows the spans of the honest traffic for a while, in a table that doubles: it counts as live memory only. */
const KNOWN_SPANS = 'steps'

export interface Recovery extends Level {
  readonly waited_ms: number
  /** Empty, or what is not as before. */
  readonly complaints: readonly string[]
}

/** Waits until no item is held; then for memory to be as it was. */
export async function quietLevel(subject: Subject): Promise<Level> {
  await recovered(subject, { live_bytes: Infinity, held_bytes: Infinity })
  return levelOf(subject)
}

export async function recovered(subject: Subject, quiet: Level): Promise<Recovery> {
  const begun_ms = performance.now()
  for (;;) {
    const complaints = await complaintsOf(subject, quiet)
    const waited_ms = performance.now() - begun_ms
    if (complaints.found.length === 0 || waited_ms > WAIT_ms)
      return { ...complaints.level, waited_ms, complaints: complaints.found }
    await sleep(250)
  }
}

async function complaintsOf(subject: Subject, quiet: Level): Promise<{ level: Level; found: string[] }> {
  const ledger = await subject.ledger()
  const found = mistakesIn(ledger)
  const held = heldItems(ledger)
  if (held > 0) found.push(`${held} items are still held`)
  const level = await levelOf(subject)
  if (isAbove(level.live_bytes, quiet.live_bytes))
    found.push(`${mib(level.live_bytes)} MiB are alive, before it were ${mib(quiet.live_bytes)}`)
  if (isAbove(level.held_bytes, quiet.held_bytes))
    found.push(`${mib(level.held_bytes)} MiB are held, before it were ${mib(quiet.held_bytes)}`)
  return { level, found }
}

function isAbove(bytes: number, quiet_bytes: number): boolean {
  return bytes > quiet_bytes + Math.max(quiet_bytes * MARGIN.share, MARGIN.least_bytes)
}

export function mib(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(1)
}
