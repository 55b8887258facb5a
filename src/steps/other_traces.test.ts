import { describe, expect, test } from 'vitest'
import { INT, NUMBER, OF_PROVIDER } from './call_rows.ts'
import { Calls, FAILED } from './calls.ts'

const SDK = 4

interface Made {
  readonly response?: number
  readonly emitter?: number
  readonly parent?: number
  readonly resource?: number
  readonly model?: number
  readonly input?: number
  readonly start_ms?: number
  readonly failed?: boolean
}

let spans = 0

function made(calls: Calls, of: Made): number {
  const call = calls.add()
  calls.ints.fill(0, call * INT.width, (call + 1) * INT.width)
  calls.numbers.fill(Number.NaN, call * NUMBER.width, (call + 1) * NUMBER.width)
  calls.setInt(call, 'spanLow', ++spans)
  calls.setInt(call, 'flags', (of.failed ? FAILED : 0) | (of.emitter === SDK ? OF_PROVIDER : 0))
  calls.setInt(call, 'response', of.response ?? 0)
  calls.setInt(call, 'emitter', of.emitter ?? 9)
  calls.setInt(call, 'parentLow', of.parent ?? 0)
  calls.setInt(call, 'resource', of.resource ?? 1)
  calls.setInt(call, 'model', of.model ?? 2)
  calls.setNumber(call, 'input', of.input ?? 100)
  calls.setNumber(call, 'start_ms', of.start_ms ?? 1000)
  calls.setNumber(call, 'end_ms', (of.start_ms ?? 1000) + 50)
  return call
}

describe('calls of other traces', () => {
  test.each<[string, Made, Made, boolean]>([
    ['equal response ids', { response: 77 }, { response: 77, emitter: 8, start_ms: 1040 }, true],
    ['equal response ids at another time', { response: 77 }, { response: 77, emitter: 8, start_ms: 90_000 }, false],
    ['equal response ids in one dialect', { response: 77 }, { response: 77 }, false],
    ['different response ids', { response: 77 }, { response: 78 }, false],
    ['the root of a provider’s SDK', {}, { emitter: SDK, response: 77 }, true],
    ['and the other way round', { emitter: SDK, response: 77 }, {}, true],
    ['failed', { failed: true, input: Number.NaN }, { emitter: SDK, failed: true, input: Number.NaN }, true],
    ['of another process', {}, { emitter: SDK, resource: 3 }, false],
    ['of an unknown process', { resource: 0 }, { emitter: SDK, resource: 0 }, false],
    ['of another model', {}, { emitter: SDK, model: 3 }, false],
    ['at another time', {}, { emitter: SDK, start_ms: 2000 }, false],
    ['no root', {}, { emitter: SDK, parent: 5 }, false],
    ['not of a provider', {}, { emitter: 8 }, false],
  ])('%s', (_, first, second, is) => {
    const calls = new Calls()
    const one = made(calls, first)
    expect(calls.toldInOtherTrace(one)).toBe(0)
    calls.rememberInOtherTraces(one)
    calls.remove(one)
    expect(calls.toldInOtherTrace(made(calls, second))).toBe(is ? 1 : 0)
  })

  test('each is paired once', () => {
    const calls = new Calls()
    calls.rememberInOtherTraces(made(calls, { failed: true, input: Number.NaN }))
    const attempt = { emitter: SDK, failed: true, input: Number.NaN }
    expect([calls.toldInOtherTrace(made(calls, attempt)), calls.toldInOtherTrace(made(calls, attempt))]).toEqual([1, 0])
  })

  test('what was paired in its own trace is paired with nothing else', () => {
    const calls = new Calls()
    const attempt = { failed: true, input: Number.NaN }
    const [client, gateway] = [made(calls, { ...attempt, emitter: 7 }), made(calls, { ...attempt, parent: 4 })]
    calls.rememberInOtherTraces(calls.merge([client, gateway]))
    expect(calls.toldInOtherTrace(made(calls, { ...attempt, emitter: SDK }))).toBe(0)
  })

  test('who has not been told of the one is to be told of the other', () => {
    const calls = new Calls()
    calls.rememberInOtherTraces(made(calls, { response: 77 }), 0b001)
    calls.rememberInOtherTraces(made(calls, { response: 77 }), 0b100)
    expect(calls.toldInOtherTrace(made(calls, { response: 77, emitter: 8 }), 0b111)).toBe(0b101)
    expect(calls.toldInOtherTrace(made(calls, { response: 77, emitter: 8 }), 0b010)).toBe(0)
  })

  test('the newest thousands are known, and those before are forgotten', () => {
    const calls = new Calls()
    for (let id = 1; id <= 20_000; id++) {
      const call = made(calls, { response: id })
      calls.rememberInOtherTraces(call)
      calls.remove(call)
    }
    const known = (id: number) => calls.toldInOtherTrace(made(calls, { response: id, emitter: 8 })) === 1
    expect([20_000, 12_000, 11_800, 1].map(known)).toEqual([true, true, false, false])
  })
})
