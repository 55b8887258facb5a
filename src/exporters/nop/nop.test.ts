import { expect, it } from 'vitest'
import { contextOf, metrics, TestAccount, testHost } from '../../sending/host.fixture.ts'
import { nop } from './index.ts'

it('takes everything, booked as delivered and counted as sent', async () => {
  const test = testHost('nop')
  const exporter = nop.create(nop.schema.parse({}), test.host)
  const account = new TestAccount('metrics')
  await account.pass(5, () => exporter.inputs.metrics!.consume(metrics([2, 3]), contextOf(account)))
  expect(account.delivered).toBe(5)
  expect(test.counter('otelcol_exporter_sent_metric_points')).toBe(5)
  expect(nop.schema.safeParse({ x: 1 }).success).toBe(false)
})
