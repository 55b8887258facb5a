import { expect, test } from 'vitest'
import { attributesOf, itemsOf, type PlainAttributes, traceBatch } from '../../../../test/support/otlp.ts'
import { processorForTests } from '../processor.fixture.ts'

const call = { 'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': 'openai', 'gen_ai.request.model': 'gpt-4o' }
const PROMPT = /^gen_ai\.prompt\.|^sluice\.prompt\./

async function promptsOf(...spans: PlainAttributes[]) {
  const batch = traceBatch(spans.map((attributes) => ({ name: 'chat', attributes })))
  const items = itemsOf(await processorForTests().normalise(batch))
  return items.map((item) => Object.fromEntries(attributesOf(item).filter(([key]) => PROMPT.test(key))))
}

test.each<[string, Record<string, string | number>, Record<string, string>]>([
  ['none', {}, {}],
  [
    'Langfuse, whose version is a number',
    { 'langfuse.observation.prompt.name': 'greet', 'langfuse.observation.prompt.version': 7 },
    { 'gen_ai.prompt.name': 'greet', 'gen_ai.prompt.version': '7' },
  ],
  [
    'OpenLLMetry',
    { 'traceloop.prompt.key': 'greet', 'traceloop.prompt.version': 'v2' },
    { 'gen_ai.prompt.name': 'greet', 'gen_ai.prompt.version': 'v2' },
  ],
  ['OpenInference has a version only', { 'llm.prompt_template.version': 'v3' }, { 'gen_ai.prompt.version': 'v3' }],
  ['the conventions', { 'gen_ai.prompt.name': 'greet' }, { 'gen_ai.prompt.name': 'greet' }],
  [
    'a name, and what the system says',
    { 'gen_ai.prompt.name': 'greet', 'gen_ai.system_instructions': 'Be brief.' },
    { 'gen_ai.prompt.name': 'greet' },
  ],
])('name and version: %s', async (_, attributes, prompt) => {
  expect(await promptsOf({ ...call, ...attributes })).toEqual([prompt])
})

test('a fingerprint tells apart what the system says, and is another with each process', async () => {
  const says = (text: string) => ({ ...call, 'gen_ai.system_instructions': text })
  const long = 'x'.repeat(20_000)
  const spans = [says('Be brief.'), says('Be brisk.'), says('Be brief.'), says(long), says(`${long}y`), says(long)]
  const [brief, brisk, again, one, other, same] = (await promptsOf(...spans)).map(
    (all) => all['sluice.prompt.fingerprint'],
  )
  expect(brief).toMatch(/^[0-9a-f]{16}$/)
  expect([again, same]).toEqual([brief, one])
  expect(new Set([brief, brisk, one, other]).size).toBe(4)
  expect((await promptsOf(says('Be brief.')))[0]!['sluice.prompt.fingerprint']).not.toBe(brief)
})

test('more texts than are known: the fingerprints stay what they are', async () => {
  const spans = Array.from({ length: 300 }, (_, at) => ({ ...call, 'gen_ai.system_instructions': `text ${at}` }))
  const told = (await promptsOf(...spans, ...spans)).map((all) => all['sluice.prompt.fingerprint'])
  expect(told.slice(300)).toEqual(told.slice(0, 300))
  expect(new Set(told).size).toBe(300)
})
