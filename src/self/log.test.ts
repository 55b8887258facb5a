import { expect, test } from 'vitest'
import { FakeClock } from './clock.ts'
import { createLog, type LogOptions, Throttle } from './log.ts'

function logged(encoding: 'json' | 'console', level: NonNullable<LogOptions['level']> = 'info') {
  const lines: string[] = []
  const log = createLog({ level, encoding, stream: { write: (line) => void lines.push(line) } })
  return { log, lines }
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z /

test('console: one readable line with kind, id and fields', () => {
  const { log, lines } = logged('console')
  log.child({ kind: 'exporter', id: 'prometheus' }).warn({ port: 8889, path: 'a b' }, 'cannot listen')
  expect(lines).toHaveLength(1)
  expect(lines[0]).toMatch(TIME)
  expect(lines[0]!.replace(TIME, '')).toBe('WARN  exporter prometheus: cannot listen  port=8889  path="a b"\n')
})

test.each([
  ['newline', 'a\nb', 'a\\u000ab'],
  ['escape', 'a\u001b[31mb', 'a\\u001b[31mb'],
  ['C1 control', 'a\u009bb', 'a\\u009bb'],
  ['line separator', 'a\u2028b', 'a\\u2028b'],
  ['bidi override', 'a\u202eb', 'a\\u202eb'],
])('console: %s in the message is escaped', (_, message, expected) => {
  const { log, lines } = logged('console')
  log.info(message)
  expect(lines[0]!.replace(TIME, '')).toBe(`INFO  ${expected}\n`)
})

test.each(['json', 'console'] as const)('%s: control characters in fields never break the line', (encoding) => {
  const { log, lines } = logged(encoding)
  log.info({ 'na\nme': 'x\u001b\n\u0000y' }, 'm')
  expect(lines).toHaveLength(1)
  expect(lines[0]).toMatch(/^[^\u0000-\u001f]+\n$/)
})

test.each(['json', 'console'] as const)('%s: an error keeps its stack on the one line', (encoding) => {
  const { log, lines } = logged(encoding)
  log.error({ err: new Error('boom') }, 'failed')
  expect(lines[0]).toMatch(/^[^\n]*boom[^\n]*stack[^\n]*\n$/)
})

test('json: level by name, time in ISO form, no process id', () => {
  const { log, lines } = logged('json')
  log.child({ kind: 'receiver', id: 'otlp' }).info('started')
  const { time, ...rest } = JSON.parse(lines[0]!)
  expect(rest).toEqual({ level: 'info', kind: 'receiver', id: 'otlp', msg: 'started' })
  expect(time).toMatch(/^\d{4}-.*Z$/)
})

test('the level filters', () => {
  const { log, lines } = logged('console', 'error')
  log.warn('no')
  log.error('yes')
  expect(lines).toHaveLength(1)
})

test('throttle: first at once, then one line per interval with a count, then from the beginning', async () => {
  const clock = new FakeClock()
  const throttle = new Throttle(clock)
  const lines: string[] = []
  const event = (key: string) => throttle.log(key, (repeats) => lines.push(`${key} +${repeats}`))
  event('a')
  event('b')
  expect(lines).toEqual(['a +0', 'b +0'])
  for (let times = 0; times < 5; times++) event('a')
  await clock.advance(9_999)
  expect(lines).toHaveLength(2)
  await clock.advance(1)
  expect(lines).toEqual(['a +0', 'b +0', 'a +4'])
  event('a')
  await clock.advance(10_000)
  expect(lines.at(-1)).toBe('a +0')
  await clock.advance(20_000)
  expect(lines).toHaveLength(4)
  event('a')
  expect(lines).toHaveLength(5)
})

test('throttle: many keys share one slot at the bound', () => {
  const throttle = new Throttle(new FakeClock())
  let lines = 0
  for (let key = 0; key < 5_000; key++) throttle.log(`key ${key}`, () => lines++)
  expect(lines).toBe(1_001)
})
