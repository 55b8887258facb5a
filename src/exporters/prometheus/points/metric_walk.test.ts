import { expect, test } from 'vitest'
import { encode, type Message } from '../../../otlp/codec.ts'
import { walkMetric } from './metric_walk.ts'

function bytesOf(name: 'Metric' | 'Sum', ...parts: Message[]): Buffer {
  return Buffer.concat(parts.map((part) => encode(name, part).take()))
}

test('fields in any order, the data in the middle and its points first', () => {
  const sum = bytesOf(
    'Sum',
    { dataPoints: [{ asInt: 1n }, { asInt: 2n }] },
    { isMonotonic: true },
    { aggregationTemporality: 2 },
  )
  const data = encode('Metric', { sum: {} }).take()
  // The empty message's length byte is replaced by the one of what it is to hold.
  const framed = Buffer.concat([data.subarray(0, -1), Buffer.from([sum.length]), sum])
  const bytes = Buffer.concat([
    bytesOf('Metric', { description: 'd' }),
    framed,
    bytesOf('Metric', { name: 'n' }, { unit: 's' }),
  ])
  const { metric, points } = walkMetric(
    Buffer.concat([Buffer.from('??'), bytes, Buffer.from('??')]),
    2,
    2 + bytes.length,
  )
  expect(metric).toEqual({
    description: 'd',
    name: 'n',
    unit: 's',
    sum: { isMonotonic: true, aggregationTemporality: 2 },
  })
  expect([...points]).toEqual([{ asInt: 1n }, { asInt: 2n }])
})

test('a metric without data has no points', () => {
  const bytes = bytesOf('Metric', { name: 'n' })
  const { metric, points } = walkMetric(bytes, 0, bytes.length)
  expect([metric, [...points]]).toEqual([{ name: 'n' }, []])
})
