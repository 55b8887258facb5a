/** Spans of steps that are no model calls, and what is written on them: first by `gen_ai`, then past redaction. */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { processorForTests } from '../../src/processors/gen_ai/processor.fixture.ts'
import { redactAs } from '../../src/processors/redaction/redaction.fixture.ts'
import { attributesOf, itemsOf, type Plain, traceBatch } from '../support/otlp.ts'

interface StepCase {
  readonly what: string
  readonly span: {
    readonly name: string
    /** As OTLP numbers kinds. */
    readonly kind?: number
    /** Is there a span above it? */
    readonly parent?: boolean
    readonly attributes: Readonly<Record<string, Plain>>
  }
  /** Every attribute that is added; absent: the span is no step. */
  readonly step?: Readonly<Record<string, Plain>>
}

const directory = new URL('steps/', import.meta.url)

describe.each(readdirSync(directory).filter((name) => name.endsWith('.yaml')))('%s', (name) => {
  const cases = parse(readFileSync(new URL(name, directory), 'utf8')) as StepCase[]

  test.each(cases.map((one) => [one.what, one] as const))('%s', async (_, { span, step = {} }) => {
    const { parent, ...rest } = span
    const batch = traceBatch([{ ...rest, ...(parent === true && { parent: '0102030405060708' }) }])
    const processor = processorForTests()
    const written = await processor.normalise(batch)
    expect(added(written, span.attributes)).toEqual(step)

    const { batch: redacted } = await redactAs('traces', written)
    expect(added(redacted, span.attributes)).toMatchObject(step)

    const again = await processor.normalise(written)
    expect(again.bytes.equals(written.bytes)).toBe(true)
  })
})

/** Attributes of the batch's span beside those that it came with, without the fingerprint, whose key is another every time. */
function added(batch: Parameters<typeof itemsOf>[0] | undefined, own: object): Record<string, Plain> {
  const [span] = itemsOf(batch!)
  const pairs = attributesOf(span).filter(([key]) => !Object.hasOwn(own, key) && key !== 'sluice.tool.arguments')
  return Object.fromEntries(pairs)
}
