/** Signals against answers, on answers of real models to ordinary questions and on captured calls of known endings. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { SEVERE } from '../../src/content/quality/signals.ts'
import { processorForTests } from '../../src/processors/gen_ai/processor.fixture.ts'
import { receive } from '../../src/telemetry/receive.ts'
import { attributesOf, itemsOf } from '../support/otlp.ts'
import { answerSignals } from './measured_signals.ts'
import { readRows } from './pii.ts'

const chat = new URL('../../../shared/data/pii/chat_background.jsonl', import.meta.url)
const captures = new URL('../../../shared/data/captures/python/', import.meta.url)
for (const place of [chat, captures])
  if (!existsSync(place)) process.stderr.write(`SKIPPED: there is nothing at ${place.pathname}\n`)

test.skipIf(!existsSync(chat))('of ordinary chat, at most 3 % scores low', () => {
  const rows = readRows(chat)
  const low = rows.filter(({ text }) => (answerSignals(text) & SEVERE) !== 0)
  expect(rows.length).toBeGreaterThan(200)
  expect(low.length / rows.length, low.map(({ text }) => text.slice(0, 100)).join('\n')).toBeLessThanOrEqual(0.03)
})

/** Instrumentations that capture content, and whose spans say how a call ended. */
const FOLDERS = [
  'litellm',
  'logfire',
  'mlflow',
  'openinference-langchain',
  'openinference-openai',
  'openlit-openai',
  'otel-genai-anthropic-span',
  'otel-genai-openai-span',
  'otel-google-genai-latest',
  'pydantic-ai',
  'strands',
  'traceloop-anthropic',
  'traceloop-old-openai',
  'traceloop-openai',
]

/** What may be said against the calls of a scenario; a refusal whose text the emitter lost is an empty answer. */
const endings: [ending: RegExp, signals: string[]][] = [
  [/truncated$/, ['truncated']],
  [/content_filter$/, ['content_filter']],
  [/refusal$/, ['refusal', 'empty']],
]

describe.skipIf(!existsSync(captures))('captured calls', () => {
  test.each(FOLDERS)('%s: signals where the model ended badly, and nowhere else', async (folder) => {
    const judged = await judgedCalls(folder)
    expect(judged.filter(({ score }) => score !== undefined).length).toBeGreaterThan(5)
    for (const { scenario, signals } of judged) {
      const ending = endings.find(([name]) => name.test(scenario))
      if (ending === undefined) expect(signals, scenario).toEqual([])
      else for (const signal of signals) expect(ending[1], scenario).toContain(signal)
    }
    const found = new Set(judged.flatMap(({ signals }) => signals))
    expect(found).toContain('truncated')
  })
})

interface Judged {
  readonly scenario: string
  readonly score: unknown
  readonly signals: readonly string[]
}

async function judgedCalls(folder: string): Promise<Judged[]> {
  const directory = new URL(`${folder}/`, captures)
  const scenarios = new Map(
    (JSON.parse(readFileSync(new URL('headers.json', directory), 'utf8')) as { file: string; scenario: string }[]).map(
      ({ file, scenario }) => [file, scenario],
    ),
  )
  const calls: Judged[] = []
  for (const file of readdirSync(directory).filter((name) => name.endsWith('.traces.pb'))) {
    const batch = receive('traces', readFileSync(new URL(file, directory))).batch
    for (const item of itemsOf(await processorForTests().normalise(batch))) {
      const attributes = Object.fromEntries(attributesOf(item))
      if (attributes['sluice.dialect'] === undefined) continue
      const signals = (attributes['sluice.quality.signals'] ?? []) as string[]
      calls.push({ scenario: scenarios.get(file) ?? '', score: attributes['sluice.quality.score'], signals })
    }
  }
  return calls
}
