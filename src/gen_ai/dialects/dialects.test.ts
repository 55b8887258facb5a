import { describe, expect, test } from 'vitest'
import { recognise, ScopeMarks } from '../reading/recognise.ts'
import { batchOf } from '../span.fixture.ts'
import { dialects } from './dialects.ts'
import { Lexicon } from './lexicon.ts'

describe('the table of dialects', () => {
  test('ids occur once, every row has a mark, no field has an empty list', () => {
    expect(new Set(dialects.map((dialect) => dialect.id)).size).toBe(dialects.length)
    for (const dialect of dialects) {
      expect(dialect.marks.length, dialect.id).toBeGreaterThan(0)
      for (const mark of dialect.marks) expect(mark.scope ?? mark.key ?? mark.event, dialect.id).toBeTruthy()
      for (const names of Object.values(dialect.fields)) expect(names.length, dialect.id).toBeGreaterThan(0)
    }
  })

  test('a new dialect is a new row', () => {
    const added = new Lexicon([
      {
        id: 'made-up',
        marks: [{ scope: 'made.up.' }, { scope: 'made', key: 'made.mark' }],
        fields: { requestModel: ['made.model'] },
        timeToFirstChunkUnit: 'ms',
      },
      ...dialects,
    ])
    const at = (scope: string, key?: string) => {
      const batch = batchOf({ scope, attributes: {} })
      const found = new Int32Array(added.keys.names.length).fill(-1)
      if (key !== undefined) found[added.keys.names.indexOf(key)] = 0
      return added.ids[recognise(new ScopeMarks(added).of(batch, 0), found)]
    }
    expect(at('made.up.client')).toBe('made-up')
    expect(at('made', 'made.mark')).toBe('made-up')
    expect(at('made')).toBeUndefined()
    expect(at('other', 'made.mark')).toBeUndefined()
    expect(at('other', 'gen_ai.system')).toBe('otel-genai-legacy-v1.26-v1.36')
    expect(added.rows[0]!.timeToFirstChunk_s).toBe(0.001)
  })

  test('a spelling must stand for a known value', () => {
    expect(
      () => new Lexicon([{ id: 'x', marks: [{ key: 'x' }], fields: {}, operations: { talk: 'talking' } }]),
    ).toThrow(/"talking"/)
  })
})
