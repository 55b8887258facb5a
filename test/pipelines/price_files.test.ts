/** Prices in files, from the config to the cost on a span, and what a reload makes of a file that has changed. */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { ConfigError, formatProblems } from '../../src/config/problem.ts'
import { processEnvironment } from '../../src/config/text/source.ts'
import { decode } from '../../src/otlp/codec.ts'
import { genAi } from '../../src/processors/gen_ai/index.ts'
import type { TraceBatch } from '../../src/telemetry/batch.ts'
import { traceBatch } from '../support/otlp.ts'
import { daemonOf, partsOf, Story } from './parts.fixture.ts'

const folder = mkdtempSync(join(tmpdir(), 'prices-'))
const path = (name: string) => join(folder, name)

function yaml(...files: readonly string[]): string {
  return `
receivers: { source: }
processors: { gen_ai: { price_files: ${JSON.stringify(files)} } }
exporters: { sink: }
service: { telemetry: { metrics: { level: none } }, pipelines: { traces: { receivers: [source], processors: [gen_ai], exporters: [sink] } } }
`
}

const call = {
  'gen_ai.operation.name': 'chat',
  'gen_ai.provider.name': 'acme',
  'gen_ai.request.model': 'm',
  'gen_ai.usage.input_tokens': 1_000_000,
}

function costIn(batch: TraceBatch): number | undefined {
  const request = decode('TracesRequest', batch.bytes) as never as {
    resourceSpans: { scopeSpans: { spans: { attributes: { key: string; value: { doubleValue?: number } }[] }[] }[] }[]
  }
  const { attributes } = request.resourceSpans[0]!.scopeSpans[0]!.spans[0]!
  return attributes.find(({ key }) => key === 'sluice.cost.usd')?.value.doubleValue
}

function write(name: string, usd: number): string {
  const models = [{ id: 'm', prices: { input_mtok: usd } }]
  writeFileSync(path(name), JSON.stringify([{ id: 'acme', models }]))
  return path(name)
}

function told(config: string): string {
  try {
    loadConfig({ configs: ['env:CONFIG'] }, [genAi, ...partsOf(new Story())], processEnvironment({ CONFIG: config }))
    return ''
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return formatProblems(error.problems)
  }
}

test('a file that has changed holds from the next reload on; one that cannot be used leaves all as it was', async () => {
  const story = new Story()
  const file = write('prices.json', 3)
  const it = daemonOf(yaml(file), { factories: [genAi, ...partsOf(story)], story })
  await it.daemon.start()
  const cost = async () => {
    await it.source().send(traceBatch([{ name: 'chat', attributes: call }]))
    return costIn(it.sink().batches.at(-1) as TraceBatch)
  }
  expect(await cost()).toBe(3)
  write('prices.json', 5)
  expect(await cost()).toBe(3)
  await it.reload(yaml(file))
  expect(await cost()).toBe(5)
  writeFileSync(file, '[{"id": "acme", "models": [{"id": "m", "prices": {"input_mtok": -1}}]}]')
  expect(() => it.reload(yaml(file))).toThrow(ConfigError)
  expect(await cost()).toBe(5)
  await it.reload(yaml(write('other.json', 7)))
  expect(await cost()).toBe(7)
  await it.daemon.stop()
  expect(it.findings(true)).toEqual([])
})

test.each([
  [
    'one that is not there',
    'nowhere.json',
    undefined,
    /cannot read the file .*nowhere\.json: it does not exist[\s\S]*→ check the path/,
  ],
  ['a directory', '.', undefined, /cannot read the file/],
  [
    'one that is no JSON',
    'broken.json',
    '{"a": ',
    /broken\.json cannot be used: line 1, column \d+: found a text that is none, expected JSON[\s\S]*→ check brackets/,
  ],
  ['one of another shape', 'other.json', '[[]]', /other\.json cannot be used: \[0\]: found a list, expected a map/],
  [
    'a negative price',
    'negative.json',
    '{"m": {"input_cost_per_token": -1}}',
    /m → input_cost_per_token: found -1, expected a price in USD/,
  ],
  [
    'one beyond all bounds',
    'long.json',
    `"${'x'.repeat(17 << 20)}"`,
    /long\.json: the file is larger than 16777216 bytes/,
  ],
])('of files, %s is told with its place in the config', (_, name, content, message) => {
  if (content !== undefined) writeFileSync(path(name), content)
  const text = told(yaml(write('good.json', 1), path(name)))
  expect(text).toMatch(/processors::gen_ai::price_files::1: /)
  expect(text).toMatch(message)
})

test('all files that cannot be used are told at once', () => {
  expect(told(yaml('/nowhere/a.json', '/nowhere/b.json'))).toMatch(
    /a\.json: it does not exist[\s\S]*b\.json: it does not exist/,
  )
})
