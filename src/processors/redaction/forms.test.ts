/** Each kind of finding, in each form in which telemetry carries text, at places of each signal: none may get out. */
import { describe, expect, test } from 'vitest'
import { logBatch, metricBatch, type Plain, traceBatch } from '../../../test/support/otlp.ts'
import type { Batches, Signal } from '../../component.ts'
import { redactAs } from './redaction.fixture.ts'

const join = (...parts: string[]) => parts.join('')
const secrets: Readonly<Record<string, string>> = {
  EMAIL: 'ann.lee@example.com',
  PHONE: '+1 202-555-0147',
  CREDIT_CARD: '4111 1111 1111 1111',
  IBAN: 'DE89 3704 0044 0532 0130 00',
  SSN: '219-09-9999',
  IP: '203.0.113.77',
  API_KEY: join('sk-', 'proj-', 'k3JdP0qWz8Rb2Xy7Lm5Vn1Tc9Gh4Fs6DaQeUoIj'),
  JWT: join('eyJhbGciOiJIUzI1NiJ9.', 'eyJzdWIiOiIxMjM0NTY3ODkwIn0.', 'dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U'),
  PRIVATE_KEY: join('-----BEGIN ', 'PRIVATE KEY-----\nMIIabc\n-----END ', 'PRIVATE KEY-----'),
  URL_CREDENTIAL: 'postgres://app:s3cr3t@db/x',
}

const json = (text: string) => JSON.stringify({ role: 'user', n: 1, content: `say "${text}"\nplease` })
/** As encoders do that make JSON safe for HTML: `+`, `/`, `@`, `<`, `&` and `'` escaped. */
const escaped = (text: string) =>
  json(text)
    .replace(/[+@<>&']/g, (each) => `\\u00${each.charCodeAt(0).toString(16)}`)
    .replaceAll('/', '\\/')
const base64 = (text: string) => Buffer.from(text).toString('base64')

const forms: readonly (readonly [what: string, form: (text: string) => string])[] = [
  ['plain', (text) => `it is ${text}, ok`],
  ['alone', (text) => text],
  ['JSON', json],
  ['JSON in JSON', (text) => json(json(text))],
  ['JSON in JSON in JSON', (text) => json(json(json(text)))],
  ['escaped JSON', escaped],
  ['escaped JSON in JSON', (text) => json(escaped(text))],
  ['percent-encoded', (text) => `https://x.example/?q=${encodeURIComponent(text)}&n=1`],
  ['form-encoded', (text) => `n=1&q=${new URLSearchParams([['q', text]]).toString().slice(2)}`],
  ['base64', base64],
  ['base64 of a sentence', (text) => `data:text/plain;base64,${base64(`it is ${text}, ok`)} x`],
  ['base64url of JSON', (text) => Buffer.from(json(text)).toString('base64url')],
  ['base64 in JSON', (text) => json(base64(`it is ${text}`))],
  ['base64 of base64', (text) => base64(`x: ${base64(`it is ${text}`)}`)],
  ['long', (text) => `${'many words and more of them '.repeat(60)} ${text}, ok`],
]
/** Forms that the README names as not found. */
const known = new Set([
  'PRIVATE_KEY percent-encoded',
  'PRIVATE_KEY form-encoded',
  'URL_CREDENTIAL percent-encoded',
  'URL_CREDENTIAL form-encoded',
  'URL_CREDENTIAL escaped JSON',
  'URL_CREDENTIAL escaped JSON in JSON',
])

/** One text at the places that emitters use; `canary.test.ts` goes through all that OTLP has. */
const places: readonly (readonly [signal: Signal, batch: (text: string) => Batches[Signal]])[] = [
  [
    'traces',
    (text) =>
      traceBatch([{ attributes: { note: text, list: [text], map: { a: { b: text } }, raw: Buffer.from(text) } }]),
  ],
  ['traces', (text) => traceBatch([{ name: text, status: { code: 2, message: text } }])],
  ['traces', (text) => traceBatch([{ events: [{ name: 'exception', attributes: { 'exception.message': text } }] }])],
  ['traces', (text) => traceBatch([{ attributes: { 'gen_ai.input.messages': text, 'input.value': text } }])],
  ['logs', (text) => logBatch([{ body: text, attributes: { note: text } }])],
  ['logs', (text) => logBatch([{ body: { message: text, inner: [text, { deep: text }] } as Plain }])],
  ['metrics', (text) => metricBatch([{ name: 'calls', points: [{ attributes: { user: text } }] }])],
]

describe.each(Object.entries(secrets))('%s', (kind, secret) => {
  test.each(forms.filter(([what]) => !known.has(`${kind} ${what}`)))('%s', async (_, form) => {
    const text = form(secret)
    // What is left must not hold any of the forms' distinctive parts.
    for (const [signal, batchOf] of places) {
      const { batch, meter } = await redactAs(signal, batchOf(text), { content: 'mask' })
      const out = batch!.bytes.toString('latin1')
      expect(out).not.toContain(text)
      expect(out).not.toContain(secret)
      expect(out).toContain(`[${kind}]`)
      expect(meter.value('sluice_redaction_findings', { kind: kind.toLowerCase() })).toBeGreaterThan(0)
    }
  })
})

test.each(forms)('%s: ordinary words stay', async (_, form) => {
  for (const [signal, batchOf] of places) {
    const batch = batchOf(form('nothing to see here, at 10:45 on 2024-11-21, order 7781-2231'))
    const redacted = await redactAs(signal, batch, { content: 'mask' })
    expect(redacted.batch).toBe(batch)
  }
})
