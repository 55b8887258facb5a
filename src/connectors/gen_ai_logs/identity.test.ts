import { expect, test } from 'vitest'
import type { SpanOptions } from '../../../test/support/otlp.ts'
import { bench, call } from './gen_ai_logs.fixture.ts'

const TRACE = '0'.repeat(31)
const id = (number: number) => number.toString(16).padStart(16, '0')

/** A call below a span that does something, below a request. */
function chain(
  own: Record<string, string>,
  above: Record<string, string>,
  root: Record<string, string>,
): SpanOptions[] {
  const trace = `${TRACE}7`
  return [
    call({ trace, id: id(3), parent: id(2), with: own }),
    { trace, id: id(2), parent: id(1), name: 'work', attributes: above },
    { trace, id: id(1), name: 'POST /', attributes: root },
  ]
}

test.each<[string, SpanOptions[], Record<string, string | undefined>]>([
  ['on the call', chain({ 'user.id': 'u1', 'session.id': 's1' }, {}, {}), { 'user.id': 'u1', 'session.id': 's1' }],
  [
    'on the request far above',
    chain({}, {}, { 'enduser.id': 'u2', thread_id: 't2' }),
    { 'user.id': 'u2', 'gen_ai.conversation.id': 't2' },
  ],
  [
    'the nearest counts',
    chain({}, { 'user.id': 'near' }, { 'user.id': 'far', 'session.id': 's' }),
    { 'user.id': 'near', 'session.id': 's' },
  ],
  [
    'Langfuse’s and Traceloop’s names',
    chain({ 'langfuse.session.id': 's3' }, { 'traceloop.association.properties.user_id': 'u3' }, {}),
    { 'user.id': 'u3', 'session.id': 's3' },
  ],
  [
    'what redaction has taken away is none',
    chain({ 'user.id': '[DROPPED length=4]' }, {}, {}),
    { 'user.id': undefined },
  ],
])('whom a call is for stands on its summary: %s', async (_, spans, expected) => {
  const it = await bench()
  await it.send(...spans)
  await it.stop()
  const [summary] = it.records('summary')
  for (const [name, text] of Object.entries(expected)) expect(summary!.attributes[name]).toBe(text)
})
