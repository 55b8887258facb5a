/** What cannot be built, and content that would leave as it came. */
import { describe, expect, test } from 'vitest'
import { daemonOf, parse, partsOf, Story } from '../../test/pipelines/parts.fixture.ts'
import { sameConfig } from '../config/compare.ts'
import { buildGraph } from './graph.ts'
import { Ledger } from './ledger.ts'
import { type ComponentPlan, makersFor, planOf, rawPaths } from './plan.ts'
import { RedactionMarks } from './redaction_marks.ts'

const base = (pipelines: string, more = '') => `
receivers: { source: {} }
processors: { plain: {}, scrub: {}, plain/stored: { storage: files } }
exporters: { sink: {}, sink/raw: { allow_raw_content: true }, void: {} }
connectors: { pass: {}, count: {}, count/raw: { allow_raw_content: true } }
${more}
service: { pipelines: { ${pipelines} } }
`
const REDACTED = 'logs: { receivers: [source], processors: [scrub], exporters: [sink] }'

describe('ways around the redaction', () => {
  test.each([
    ['none', 'traces: { receivers: [source], processors: [plain, scrub], exporters: [sink] }', []],
    ['another signal', 'traces: { receivers: [source], exporters: [sink] }', ['source → pipeline traces → sink']],
    [
      'through a connector',
      'traces/a: { receivers: [source], exporters: [pass] }, traces/b: { receivers: [pass], exporters: [sink] }',
      ['source → pipeline traces/a → pass → pipeline traces/b → sink'],
    ],
    [
      'redacted behind the connector',
      'traces/a: { receivers: [source], exporters: [pass] }, traces/b: { receivers: [pass], processors: [scrub], exporters: [sink] }',
      [],
    ],
    [
      'redacted before the connector',
      'traces/a: { receivers: [source], processors: [scrub], exporters: [pass] }, traces/b: { receivers: [pass], exporters: [sink] }',
      [],
    ],
    [
      'labels',
      'traces: { receivers: [source], exporters: [count] }, metrics: { receivers: [count], exporters: [sink] }',
      ['source → pipeline traces → count'],
    ],
    [
      'what an allowed connector makes of it',
      'traces: { receivers: [source], exporters: [count/raw] }, metrics: { receivers: [count/raw], exporters: [sink] }',
      ['source → pipeline traces → count/raw → pipeline metrics → sink'],
    ],
    [
      'a storage before the redaction',
      'traces: { receivers: [source], processors: [plain/stored, scrub], exporters: [sink] }',
      ['source → pipeline traces → plain/stored'],
    ],
    [
      'a storage behind it',
      'traces: { receivers: [source], processors: [scrub, plain/stored], exporters: [sink] }',
      [],
    ],
    ['allowed', 'traces: { receivers: [source], exporters: [sink/raw] }', []],
    ['to nowhere', 'traces: { receivers: [source], exporters: [void] }', []],
    [
      'several',
      'traces: { receivers: [source], exporters: [sink, void] }, metrics: { receivers: [source], exporters: [sink, sink/raw] }',
      ['source → pipeline traces → sink', 'source → pipeline metrics → sink'],
    ],
  ])('%s', (_name, pipelines, expected) => {
    const config = base(`${REDACTED}, ${pipelines}`)
    expect(rawPaths(planOf(parse(config, partsOf(new Story())))).map(({ path }) => path.join(' → '))).toEqual(expected)
    const { daemon } = daemonOf(config)
    if (expected.length === 0) return daemon.check()
    let said = ''
    try {
      daemon.check()
    } catch (error) {
      said = String(error)
    }
    for (const way of expected) expect(said).toContain(way)
    expect(said).toMatch(/RawPathError.*allow_raw_content: true/s)
  })

  test('without any redaction it is a warning for each exporter, and a gauge', async () => {
    const { daemon, lines, meter } = daemonOf(
      base(
        'traces: { receivers: [source], exporters: [sink, void, sink/raw] }, logs: { receivers: [source], exporters: [sink] }',
      ),
    )
    await daemon.start()
    expect(lines.filter(({ level }) => level === 'warn')).toMatchObject([
      { exporter: 'sink', msg: /nothing in this config redacts/ },
    ])
    expect((await meter.text()).body).toMatch(/^sluice_raw_content_exporters 1$/m)
  })

  test('with redaction everywhere the gauge is 0 and nothing is said', async () => {
    const { daemon, lines, meter } = daemonOf(base(REDACTED))
    await daemon.start()
    expect(lines.filter(({ level }) => level === 'warn')).toEqual([])
    expect((await meter.text()).body).toMatch(/^sluice_raw_content_exporters 0$/m)
  })
})

describe('the graph', () => {
  test('does not go in circles, whoever made the plan', () => {
    const plan = planOf(parse(base('traces/a: { receivers: [source], exporters: [sink] }'), partsOf(new Story())))
    const pass = plan.components.find(({ id }) => id === 'pass') as ComponentPlan
    const one = { signal: 'traces' as const, processors: [] }
    const circle = {
      components: [pass],
      extensions: [],
      pipelines: [
        { ...one, id: 'traces/a', receivers: ['pass'], exporters: ['pass/2'] },
        { ...one, id: 'traces/b', receivers: ['pass/2'], exporters: ['pass'] },
      ],
    }
    const components = [pass, { ...pass, id: 'pass/2' }]
    const build = () =>
      buildGraph(
        { ...circle, components },
        {
          ledger: new Ledger(),
          marks: new RedactionMarks(),
          room: {} as never,
          branch: {} as never,
          hostOf: (() => ({})) as never,
        },
      )
    expect(build).toThrow('pipelines feed each other in a circle: traces/a → traces/b → traces/a')
  })

  test('names the component that cannot be made', () => {
    const { daemon } = daemonOf(
      base('logs: { receivers: [source], exporters: [sink/bad] }').replace(
        'sink: {},',
        'sink: {}, sink/bad: { fails: create },',
      ),
    )
    expect(() => daemon.check()).toThrow('exporter/sink/bad: no such file')
  })

  test('has one processor for each pipeline, one of everything else', async () => {
    const { daemon } = daemonOf(
      base(
        'logs: { receivers: [source], processors: [plain], exporters: [sink] }, traces: { receivers: [source], processors: [plain], exporters: [sink] }',
      ),
    )
    await daemon.start()
    expect((daemon.snapshot().components as { id: string }[]).map(({ id }) => id)).toEqual([
      'exporter/sink',
      'processor/plain @ logs',
      'processor/plain @ traces',
      'receiver/source',
    ])
  })
})

test('a config is the same if a default was written out, or if only functions differ', () => {
  const [source] = partsOf(new Story())
  const plan = (config: unknown, input: unknown) =>
    ({ kind: 'receiver', id: 'source', factory: source!, config, input }) as const
  expect(sameConfig(plan({ a: 1, b: 2 }, { a: 1 }), plan({ a: 1, b: 2 }, { a: 1, b: 2 }))).toBe(true)
  expect(sameConfig(plan({ a: () => 1 }, { a: 'x' }), plan({ a: () => 1 }, { a: 'x' }))).toBe(true)
  expect(sameConfig(plan({ a: () => 1 }, { a: 'x' }), plan({ a: () => 1 }, { a: 'y' }))).toBe(false)
  expect(sameConfig(plan({ a: 1 }, undefined), plan({ a: 2 }, undefined))).toBe(false)
})

describe('connectors whose metrics come to an exporter', () => {
  test.each([
    ['none', 'metrics: { receivers: [source], exporters: [sink] }', [], ['sink']],
    ['one', 'metrics: { receivers: [source, count], exporters: [sink] }', ['count']],
    ['two', 'metrics: { receivers: [count/raw, count], exporters: [sink] }', ['count', 'count/raw']],
    [
      'on another pipeline',
      'metrics/a: { receivers: [source], exporters: [sink] }, metrics/b: { receivers: [count], exporters: [sink] }',
      ['count'],
    ],
    [
      'of another exporter',
      'metrics/a: { receivers: [source], exporters: [sink] }, metrics/b: { receivers: [count], exporters: [void] }',
      [],
      ['count'],
    ],
    [
      'through one that passes on what it gets',
      'metrics/a: { receivers: [count], exporters: [pass] }, metrics/b: { receivers: [pass], exporters: [sink] }',
      ['count'],
    ],
  ])('%s', (_, pipelines, expected, more = []) => {
    const traces = `traces: { receivers: [source], exporters: [${[...expected, ...more]}] }`
    const plan = planOf(parse(base(`${traces}, ${pipelines}`), partsOf(new Story())))
    expect(makersFor(plan, 'sink').sort()).toEqual(expected)
  })
})
