/**
 * Hostile requests of every kind in a container of 512 MiB, honest traffic beside them: the process lives, answers what
 * it should, and holds afterwards what it held before. How long honest senders waited is reported, not judged.
 */
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ATTACKS } from './connections.ts'
import { Subject } from './contained_daemon.ts'
import { complaints, differs } from './drill.ts'
import { ATTACKS_OF_A_KIND, isLong, PARALLEL, report } from './form.ts'
import { goodRequest, type PostAnswer, posted, type Sender, sendGoodTraffic } from './good_traffic.ts'
import { HOSTILE_BODIES, type HostileBody } from './hostile_bodies.ts'
import { sumOf } from './readings.ts'
import { type Level, mib, quietLevel, recovered } from './recovery.ts'

const MEMORY_MIB = 512
/** Of one kind, however many of them were sent by then. */
const KIND_MAX_ms = 60_000

let subject: Subject | undefined
let quiet: Level
let sender: Sender | undefined
const rows: Record<string, string | number>[] = []

/** The same process as long as it lives; after a death the next test has a new one. */
beforeEach(async () => {
  if (subject !== undefined && !subject.alive) await renewed()
  if (subject === undefined) {
    subject = await Subject.start({ memory_mib: MEMORY_MIB })
    // What is made at the first request belongs to the quiet level.
    await warmUp(subject)
    quiet = await quietLevel(subject)
  } else if (isLong) {
    // What half an hour of honest traffic leaves (spans are known for a while, to tell what comes twice) is no attack's.
    quiet = await quietLevel(subject)
  }
})

afterEach(async () => {
  await sender?.stop()
  sender = undefined
})

afterAll(async () => {
  await subject?.destroy()
  report('chaos_hostile', rows)
})

describe('section B and C: hostile bodies', () => {
  for (const [name, make] of Object.entries(HOSTILE_BODIES)) {
    test(name, async () => {
      const body = make()
      const answers = new Map<string, number>()
      await attack(async () => {
        const answer = await sent(subject!.ports.http, body)
        answers.set(answer.what, (answers.get(answer.what) ?? 0) + 1)
      })
      // Where all were asked to come again, none of them was looked at: one has to be.
      if ([...answers.keys()].every((what) => what.includes('Retry-After'))) {
        const notRead = async () =>
          (await sent(subject!.ports.http, body)).retryAfter ? ['refused for want of memory'] : []
        expect(await complaints(notRead), 'when nothing else comes').toEqual([])
      }
      const text = [...answers].map(([what, count]) => `${count} × ${what}`).join(', ')
      await judge(name, text, isLong && !body.fills)
      expect([...answers.keys()].filter((what) => !ALLOWED.has(what))).toEqual([])
      if (body.fills) await renewed()
    })
  }

  test('C01 after all of them it holds what it held before, and takes data', async () => {
    await judge('all bodies', '', true)
    await takesData()
  })
})

describe('section B, C and J: hostile connections', () => {
  for (const { name, run } of ATTACKS) {
    test(name, async () => {
      await attack(() => run(subject!.ports))
      await judge(name, '', isLong)
    })
  }

  test('C04 C05 after all of them it holds what it held before, and takes data', async () => {
    await judge('all connections', '', true)
    await takesData()
  })
})

/** Taken, refused for good, or asked to come again. */
const ALLOWED = new Set(['200', '400', '413', '429 with Retry-After', '503 with Retry-After'])

function sent(port: number, { signal, type, encoding, body }: HostileBody): Promise<PostAnswer> {
  return posted(port, undefined, body, signal, {
    ...(type && { 'content-type': type }),
    ...(encoding && { 'content-encoding': encoding }),
  })
}

/** The same again and again, while honest traffic runs: half of them many at a time, half one after the other. */
async function attack(once: () => Promise<void>): Promise<void> {
  sender = sendGoodTraffic(subject!.ports.http)
  const end_ms = performance.now() + KIND_MAX_ms
  for (const parallel of [PARALLEL, 1]) {
    let left = ATTACKS_OF_A_KIND / 2
    const loop = async () => {
      while (left-- > 0 && subject!.alive && performance.now() < end_ms) await once()
    }
    await Promise.all(Array.from({ length: parallel }, loop))
  }
}

/** `recovers`: waits for it to hold what it held before; with few of every kind that is done for all kinds together. */
async function judge(name: string, answers: string, recovers: boolean): Promise<void> {
  await sender?.stop()
  expect(subject!.alive, `the process is dead:\n${subject!.log.slice(-2000)}`).toBe(true)
  const after = recovers ? await recovered(subject!, quiet) : undefined
  rows.push({
    attack: name,
    'good p50 ms': sender ? Math.round(sender.quantile_ms(0.5)) : '',
    'good p99 ms': sender ? Math.round(sender.quantile_ms(0.99)) : '',
    'good taken': sender?.taken ?? '',
    refused: sender?.refused ?? '',
    'peak MiB': mib(subject!.container.peak_bytes()),
    'live MiB': after ? mib(after.live_bytes) : '',
    'quiet again after ms': after ? Math.round(after.waited_ms) : '',
    answers,
  })
  expect(after?.complaints ?? []).toEqual([])
  expect([...(sender?.faults ?? [])], 'honest requests that were neither taken nor asked to come again').toEqual([])
  expect(sumOf(await subject!.metrics(), 'sluice_receiver_bugs'), 'bugs that the daemon caught').toBe(0)
  expect(subject!.log.match(/^.* ERROR .*$/gm) ?? [], 'errors in the log').toEqual([])
}

/** D05: refusing has ended with the reason for it. */
async function takesData(): Promise<void> {
  const found = async () => differs('status', (await posted(subject!.ports.http, undefined, goodRequest())).status, 200)
  expect(await complaints(found)).toEqual([])
}

async function renewed(): Promise<void> {
  await subject?.destroy()
  subject = undefined
}

async function warmUp({ ports }: Subject): Promise<void> {
  const good = sendGoodTraffic(ports.http, 5)
  await new Promise((resolve) => setTimeout(resolve, 2000))
  await good.stop()
}
