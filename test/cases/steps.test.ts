/** Spans of steps that are no model calls, and what is written on them: before the redaction, and still there behind it. */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { processorForTests } from '../../src/processors/gen_ai/processor.fixture.ts'
import { redactAs } from '../../src/processors/redaction/redaction.fixture.ts'
import { attributesOf, itemsOf, type Plain, traceBatch } from '../support/otlp.ts'

interface StepCase {
  /** Who writes it. */
  readonly from: string
  readonly scope?: string
  readonly name: string
  /** As OTLP numbers them. Default 1, internal. */
  readonly kind?: number
  /** True: it stands below another span. */
  readonly parent?: boolean
  readonly attributes: Readonly<Record<string, Plain>>
  /** All that is written beside what it has, or `none` for a span that is no such step. */
  readonly step: Readonly<Record<string, Plain>> | 'none'
}

const directory = new URL('steps/', import.meta.url)
const files = readdirSync(directory).filter((name) => name.endsWith('.yaml'))

describe.each(files.sort())('%s', (file) => {
  const { spans } = parse(readFileSync(new URL(file, directory), 'utf8')) as { spans: readonly StepCase[] }

  test.each(spans)('$from: $name', async ({ scope = 'an.application', name, kind = 1, parent, attributes, step }) => {
    const above = parent ? { parent: '00000000000000aa' } : {}
    const batch = traceBatch([{ name, kind, ...above, attributes }], { scope: { name: scope } })
    const normalised = await processorForTests().normalise(batch)
    const all = attributesOf(itemsOf(normalised)[0])
    const written = all.slice(0, all.length - Object.keys(attributes).length)
    if (step === 'none') return expect(written).toEqual([])
    expect(written[0]?.[0]).toBe('sluice.step')
    // Another form for each run of the program.
    expect(Object.fromEntries(written.filter(([key]) => key !== 'sluice.tool.arguments'))).toEqual(step)

    const { batch: redacted } = await redactAs('traces', normalised, { content: 'drop' })
    const left = attributesOf(itemsOf(redacted!)[0])
    expect(left[0]?.[0]).toBe('sluice.step')
    expect(Object.fromEntries(left)).toMatchObject(step)
    expect(redacted!.bytes.includes('GONE')).toBe(false)
    return undefined
  })
})
