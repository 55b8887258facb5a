/** Large batches go to the worker thread; what comes back is what the event loop would have made. */
import { afterAll, expect, test } from 'vitest'
import { bookedAccount } from '../../../test/support/account.ts'
import { testHost } from '../../../test/support/host.ts'
import { anyBatch, logBatch, traceBatch } from '../../../test/support/otlp.ts'
import { Recorder } from '../../../test/support/recorder.ts'
import type { Signal } from '../../component.ts'
import { EffortError } from '../../content/detectors/effort.ts'
import { Refusal } from '../../refusal.ts'
import { asideOf } from '../../self/aside.ts'
import type { AnyBatch } from '../../telemetry/batch.ts'
import { redaction } from './index.ts'
import { LONG_MIN_BYTES, LOOP_STEPS_MAX } from './long_batches.ts'
import { RedactionTally } from './redaction_tally.ts'
import { redactorOf } from './redactor_of.ts'

/** One worker thread for all tests. */
const daemon = testHost()
const aside = asideOf(daemon)
const run = aside.run.bind(aside)
afterAll(() => aside.close())

function setUp<S extends Signal>(signal: S, given: unknown = {}) {
  const host = testHost({ id: 'redaction', sharedWith: daemon })
  const jobs: number[] = []
  aside.run = (job) => {
    jobs.push(job.bytes.length)
    return run(job)
  }
  const config = redaction.schema.parse(given)
  const recorder = new Recorder<S>()
  const processor = redaction.create(config, host, signal, recorder)
  return { host, config, recorder, processor, jobs, account: bookedAccount(signal) }
}

const filled = (piece: string) => piece.repeat(Math.ceil(LONG_MIN_BYTES / piece.length))
const prompt = 'gen_ai.input.messages'
const large: readonly (readonly [what: string, batch: AnyBatch])[] = [
  ['an attribute', traceBatch([{ attributes: { note: `${filled('word ')} a@example.com` } }])],
  ['a key', traceBatch([{ attributes: { [`${filled('key')}@example.com`]: 'v' } }])],
  ['a clean text', traceBatch([{ attributes: { note: filled('word ') } }])],
  ['a prompt', traceBatch([{ attributes: { [prompt]: filled('{"role":"user","content":"a@example.com"},') } }])],
  ['many spans', anyBatch('traces', 80_000)],
  [
    'many texts',
    traceBatch(
      Array.from({ length: 8000 }, (_, i) => ({ attributes: { note: `a${i}@example.com ${'w '.repeat(250)}` } })),
    ),
  ],
  ['a body', logBatch([{ body: `${filled('4111 1111 1111 1111 ')}` }])],
  ['percent signs', logBatch([{ body: filled('%40') }])],
]

test.each(large)('%s: same bytes and counts as on the event loop, none of it judged there', async (_, batch) => {
  for (const content of ['mask', 'drop']) {
    const { config, recorder, processor, jobs, account, host } = setUp(batch.signal, { content })
    await account.feed(processor, batch as never)
    expect(jobs).toEqual([batch.size_bytes])
    const tally = new RedactionTally()
    const expected = redactorOf(batch.signal, config).redact(batch as never, tally) as AnyBatch
    const found = recorder.batches[0] as AnyBatch
    expect(found.bytes.equals(expected.bytes)).toBe(true)
    expect([...found.layout.itemRows]).toEqual([...expected.layout.itemRows])
    const emails = tally.kinds.reduce((sum, count) => sum + count, 0)
    expect(host.meter.value('sluice_redaction_findings')).toBe(emails)
    expect(account.discrepancy()).toBe(0)
  }
})

const prose =
  'See https://example.org/a?b=c or write to bob@example.org before 2024-05-06 12:00; room 13 has 42 seats. '
const ordinary = traceBatch(Array.from({ length: 100 }, () => ({ attributes: { [prompt]: prose.repeat(60) } })))

test.each([
  ['a small batch', traceBatch([{ attributes: { note: 'a@example.com' } }])],
  ['a hundred prompts of 6 KB', ordinary],
])('%s stays on the event loop', async (_, batch) => {
  const { processor, jobs, account } = setUp('traces')
  await account.feed(processor, batch)
  expect(jobs).toEqual([])
})

/** A MiB and a half of what takes long. */
const much = (piece: string) => piece.repeat(Math.ceil((3 << 19) / piece.length))
const numbered = (count: number, each: (i: number) => [string, string | number]) =>
  traceBatch([{ attributes: Array.from({ length: count }, (_, i) => each(i)) }])
const hard: readonly (readonly [what: string, batch: AnyBatch])[] = [
  ...['%40', '@', ':', '12 34 ', 'aGVsbG8gd29ybGQ/', 'eyJhbGciOiJI.', '+49 170 12', 'token=abc123DEF456', '&#64;'].map(
    (piece) => [piece, traceBatch([{ attributes: { note: much(piece) } }])] as const,
  ),
  ['keys', numbered(20_000, (i) => [`key_${i}`, 'v'])],
  ['short texts', numbered(80_000, (i) => ['k', `user ${i}@12`])],
  ['numbers', numbered(80_000, (i) => ['k', 4_111_111_111_111_111 - i])],
]

test.each(hard)(
  '%s: hard ones are begun on the event loop, within its steps, and done in the thread',
  async (_, batch) => {
    const { config, recorder, processor, jobs, account } = setUp(batch.signal)
    expect(() => redactorOf(batch.signal, config).redact(batch as never, new RedactionTally(), LOOP_STEPS_MAX)).toThrow(
      EffortError,
    )
    await account.feed(processor, batch as never)
    expect(jobs).toEqual([batch.size_bytes])
    const expected = redactorOf(batch.signal, config).redact(batch as never, new RedactionTally())
    expect((recorder.batches[0] as AnyBatch).bytes.equals(expected.bytes)).toBe(true)
  },
)

test('what is judged again goes there too', async () => {
  const { processor, jobs } = setUp('traces')
  const batch = traceBatch([{ attributes: { note: filled('a@example.com ') } }])
  const judged = await processor.reconsider!(batch)
  expect(jobs).toEqual([batch.size_bytes])
  expect(judged!.bytes.includes('a@example.com')).toBe(false)
})

test('a reload while a batch is under way: it leaves as the new config wants it', async () => {
  const { processor, recorder, account, jobs } = setUp('traces', { content: 'keep' })
  const fed = account.feed(processor, traceBatch([{ attributes: { [prompt]: filled('secret words ') } }]))
  await processor.update?.(redaction.schema.parse({ content: 'drop' }))
  await fed
  expect(jobs.length).toBe(2)
  expect(recorder.batches[0]!.bytes.includes('secret words')).toBe(false)
})

test('a sender whose time ran out in the queue is refused, and may send again', async () => {
  const { processor, host, account, recorder } = setUp('traces')
  const batch = traceBatch([{ attributes: { note: filled('word ') } }])
  const late = account.feed(processor, batch, { deadline_ms: host.clock.monotonic_ms() - 1 })
  await expect(late).rejects.toSatisfy((error) => error instanceof Refusal && error.retryable)
  expect(recorder.asked).toBe(0)
})

test('work that fails lets nothing pass', async () => {
  const { processor, account, recorder } = setUp('traces')
  aside.run = () => Promise.reject(new Error('the worker thread ended before its work was done'))
  await account.feed(processor, traceBatch([{ attributes: { note: filled('word ') } }]))
  expect(recorder.asked).toBe(0)
  expect(account.balance().dropped).toEqual({ redaction_failed: 1 })
})
