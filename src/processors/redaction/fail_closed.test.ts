import { expect, test } from 'vitest'
import { bookedAccount } from '../../../test/support/account.ts'
import { attributesOf, itemsOf, traceBatch } from '../../../test/support/otlp.ts'
import type { Detector } from '../../content/detectors/detector.ts'
import { BudgetError } from '../../content/detectors/findings.ts'
import { Batch } from '../../telemetry/batch.ts'
import { policiesOfGroups, schema } from './config.ts'
import { redactAs } from './redaction.fixture.ts'
import { RedactionTally } from './redaction_tally.ts'
import { Redactor } from './redactor.ts'

/** Throws on texts with that mark. */
function failing(error: Error): Detector {
  return {
    kinds: ['FAILING'],
    needs: 0,
    find(bytes, start) {
      if (bytes.indexOf('@bad', start) !== -1) throw error
    },
  }
}

test.each([new BudgetError('too many steps'), new TypeError('a bug'), new RangeError('too deep')])(
  'a value whose detector throws %s is masked as a whole',
  (error) => {
    const redactor = new Redactor('traces', {
      detectors: [failing(error)],
      policies: policiesOfGroups(schema.parse({ content: 'mask' }).content),
      masksSecrets: true,
    })
    const tally = new RedactionTally()
    const long = `@bad ${'x'.repeat(5000)}`
    const batch = traceBatch([
      { name: 'it is @bad', attributes: { a: 'fine @ok', b: 'it is @bad', 'gen_ai.prompt': long, '@bad key': 1 } },
    ])
    const [span] = itemsOf(redactor.redact(batch, tally))
    expect(span!['name']).toBe('[REDACTED]')
    expect(attributesOf(span)).toEqual([
      ['a', 'fine @ok'],
      ['b', '[REDACTED]'],
      ['gen_ai.prompt', '[REDACTED]'],
      ['[REDACTED]', 1],
      ['sluice.redacted.failed_closed', 4],
    ])
    expect(tally.failedClosed).toBe(4)
  },
)

test('an item that cannot be judged is dropped and booked, its neighbours pass', async () => {
  const good = traceBatch([{ name: 'one' }, { name: 'two words' }, { name: 'three' }])
  const bytes = Buffer.from(good.bytes)
  // The name's length now points past the end of the span: no receiver lets this through.
  bytes[bytes.indexOf('two words') - 1] = 127
  const { batch, account, meter } = await redactAs('traces', new Batch('traces', bytes, good.layout))
  expect(itemsOf(batch!).map((span) => span['name'])).toEqual(['one', 'three'])
  expect(account.balance()).toMatchObject({ entered: 3, delivered: 2, dropped: { redaction_failed: 1 } })
  expect(account.discrepancy()).toBe(0)
  expect(meter.value('sluice_redaction_failed_closed')).toBe(1)
})

test('nothing is handed on if no item is left', async () => {
  const good = traceBatch([{ name: 'two words' }])
  const bytes = Buffer.from(good.bytes)
  bytes[bytes.indexOf('two words') - 1] = 127
  const { recorder, account } = await redactAs('traces', new Batch('traces', bytes, good.layout))
  expect(recorder.asked).toBe(0)
  expect(account.balance()).toMatchObject({ entered: 1, delivered: 0, dropped: { redaction_failed: 1 } })
})

test('a batch that cannot be taken apart is dropped', async () => {
  const good = traceBatch([{ name: 'one' }, { name: 'two' }])
  const layout = { ...good.layout, resources: undefined as unknown as Int32Array }
  const { recorder, account } = await redactAs('traces', new Batch('traces', good.bytes, layout))
  expect(recorder.asked).toBe(0)
  expect(account.balance()).toMatchObject({ entered: 2, dropped: { redaction_failed: 2 } })
  expect(account.discrepancy()).toBe(0)
})

test('a refused batch stays with the sender, and nothing is counted', async () => {
  const { processor, recorder, meter, account } = await redactAs('traces', traceBatch([{ name: 'one' }]))
  recorder.refuse(new Error('full'), 1)
  const account2 = bookedAccount('traces')
  await expect(account2.feed(processor, traceBatch([{ name: 'a@example.com' }]))).rejects.toThrow('full')
  expect(meter.value('sluice_redaction_findings')).toBe(0)
  expect(account2.discrepancy()).toBe(0)
  expect(account.discrepancy()).toBe(0)
})

test('deep nesting is judged to the bottom', async () => {
  let value: unknown = 'a@example.com'
  for (let depth = 0; depth < 60; depth++) value = depth % 2 === 0 ? [value] : { k: value }
  const { batch } = await redactAs('traces', traceBatch([{ attributes: { a: value as string } }]))
  expect(batch!.bytes.includes('@example')).toBe(false)
  expect(batch!.bytes.includes('[EMAIL]')).toBe(true)
})
