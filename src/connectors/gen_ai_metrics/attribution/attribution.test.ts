import { expect, test } from 'vitest'
import type { SpanOptions } from '../../../../test/support/otlp.ts'
import { bench, call } from '../gen_ai_metrics.fixture.ts'

const COST = 'llm_attributed_cost_usd_total'
let made = 0

/** A call with a cost, below a request that says some of whom it is for. */
function request(cost_usd: number, above: Record<string, string>, own: Record<string, string> = {}): SpanOptions[] {
  const number = ++made
  const trace = number.toString(16).padStart(32, '0')
  const ids = [0, 1, 2].map((at) => (number * 4 + at).toString(16).padStart(16, '0'))
  return [
    {
      ...call({ trace, with: { 'sluice.cost.usd': cost_usd, 'sluice.cost.source': 'table', ...own } }),
      id: ids[2]!,
      parent: ids[1]!,
    },
    { trace, id: ids[1]!, parent: ids[0]!, name: 'work' },
    { trace, id: ids[0]!, name: 'POST /', attributes: above },
  ]
}

test('sums by each label are the total cost, wherever the label was told', async () => {
  const it = await bench()
  const [teams, services] = [
    ['a', 'b', 'c', 'd', 'e'],
    ['x', 'y', 'z'],
  ]
  const told = new Map<string, number>()
  let total = 0
  for (let at = 0; at < 60; at++) {
    const [team, service] = [teams[at % 5]!, services[at % 3]!]
    const cost_usd = 0.1 + at / 7
    const isAbove = at % 2 === 0
    await it.send(
      ...request(
        cost_usd,
        { 'service.name': service, ...(isAbove && { team }) },
        isAbove ? {} : { 'sluice.label.team': team },
      ),
    )
    for (const label of [team, service]) told.set(label, (told.get(label) ?? 0) + cost_usd)
    total += cost_usd
  }
  await it.stop()
  expect(it.value(COST)).toBeCloseTo(total, 9)
  for (const team of teams) expect(it.value(COST, { team })).toBeCloseTo(told.get(team)!, 9)
  for (const service of services) expect(it.value(COST, { service_name: service })).toBeCloseTo(told.get(service)!, 9)
})

test('what the call says counts more than what stands above it, and the nearest span above more than others', async () => {
  const it = await bench()
  const [chat, work, root] = request(1, { team: 'far', feature: 'far' })
  await it.send(
    { ...chat!, attributes: { ...chat!.attributes, feature: 'own' } } as SpanOptions,
    { ...work!, attributes: { team: 'near' } },
    root!,
  )
  await it.stop()
  expect(it.value(COST, { team: 'near', feature: 'own' })).toBe(1)
})

test('values beyond the bound are "other", and one that is used much finds the place of another, whose series ends', async () => {
  const it = await bench({ attribution_values_max: 20 })
  for (let at = 0; at < 400; at++) await it.send(...request(1, { team: `t${at}` }))
  await it.pass(20 * 60_000)
  for (let round = 0; round < 40; round++) {
    await it.send(...request(1, { team: 'real' }))
    await it.pass(60_000)
  }
  await it.stop()
  // One of the first had counted 1, and is shown no more.
  expect(it.value(COST)).toBeCloseTo(439, 9)
  expect(it.value(COST, { team: 'other' })).toBeGreaterThan(300)
  expect(it.value(COST, { team: 'real' })).toBeGreaterThan(20)
})

test('a label that is switched off is none, and one of the user’s is one', async () => {
  const it = await bench({ attribution: { team: false, project: ['acme.project'] } })
  await it.send(...request(1, { team: 'a', 'acme.project': 'p1' }))
  await it.stop()
  expect(it.value(COST, { project: 'p1' })).toBe(1)
  expect(it.value(COST, { team: 'a' })).toBe(undefined)
})

test.each(['[EMAIL]', '[DROPPED length=4]', '   '])('what redaction has left, %j, is nobody’s name', async (team) => {
  const it = await bench()
  await it.send(...request(1, { team: 'a' }, { 'sluice.label.team': team }))
  await it.stop()
  expect(it.value(COST, { team: 'a' })).toBe(1)
})
