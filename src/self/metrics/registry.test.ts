import { expect, test } from 'vitest'
import { FakeClock } from '../clock.ts'
import { ProcessMemory } from '../memory/process_memory.ts'
import { watchMemory, watchProcess } from './process_metrics.ts'
import { SelfMetrics } from './registry.ts'

const SENT = 'otelcol_exporter_sent_spans'

async function body(metrics: SelfMetrics): Promise<string> {
  return (await metrics.text()).body
}

test('counters keep their name and are bound once per name and labels', async () => {
  const metrics = new SelfMetrics()
  metrics.counter(SENT, 'Spans sent', { exporter: 'a', signal: 'traces' }).add(2)
  metrics.counter(SENT, 'Spans sent', { signal: 'traces', exporter: 'a' }).add(0.5)
  metrics.counter(SENT, 'Spans sent', { exporter: 'b\n"\\' }).add(1)
  expect(await body(metrics)).toBe(
    [
      `# HELP ${SENT} Spans sent`,
      `# TYPE ${SENT} counter`,
      `${SENT}{exporter="a",signal="traces"} 2.5`,
      `${SENT}{exporter="b\\n\\"\\\\"} 1`,
      '',
    ].join('\n'),
  )
})

test('without_type_suffix: false adds _total to counters only', async () => {
  const metrics = new SelfMetrics({ without_type_suffix: false, constantLabels: { service_name: 'sluice' } })
  metrics.counter(SENT, 'Spans sent').add(1)
  metrics.gauge('sluice_queue', 'Queue', {}, () => 3)
  const text = await body(metrics)
  expect(text).toContain(`${SENT}_total{service_name="sluice"} 1\n`)
  expect(text).toContain('sluice_queue{service_name="sluice"} 3\n')
})

test('gauges are read at the scrape; a new reader replaces the old; one that fails costs only its line', async () => {
  const metrics = new SelfMetrics()
  metrics.gauge('g', 'G', { id: '1' }, () => 1)
  metrics.gauge('g', 'G', { id: '1' }, () => Number.NEGATIVE_INFINITY)
  metrics.gauge('g', 'G', { id: '2' }, () => {
    throw new Error('broken')
  })
  metrics.gauge('a', 'A', {}, () => 5)
  expect(await body(metrics)).toBe('# HELP a A\n# TYPE a gauge\na 5\n# HELP g G\n# TYPE g gauge\ng{id="1"} -Inf\n')
})

test('values by a label are read at the scrape; a reader that fails costs only its lines', async () => {
  const metrics = new SelfMetrics()
  let held: Record<string, number> = { a: 1 }
  metrics.gauges('held', 'Held', 'holder', () => held)
  metrics.gauges('held', 'Held', 'holder', () => ({ ...held, b: 2 }))
  metrics.gauges('broken', 'Broken', 'holder', () => {
    throw new Error('broken')
  })
  held = { a: 3 }
  expect(await body(metrics)).toContain('held{holder="a"} 3\nheld{holder="b"} 2\n')
})

test('histograms', async () => {
  const metrics = new SelfMetrics()
  const size = metrics.histogram('size', 'Size', [1, 10], { id: 'x' })
  for (const value of [0.5, 1, 2, 100]) size.record(value)
  expect(metrics.histogram('size', 'Size', [1, 10], { id: 'x' })).toBe(size)
  expect(await body(metrics)).toBe(
    [
      '# HELP size Size',
      '# TYPE size histogram',
      'size_bucket{id="x",le="1"} 2',
      'size_bucket{id="x",le="10"} 3',
      'size_bucket{id="x",le="+Inf"} 4',
      'size_sum{id="x"} 103.5',
      'size_count{id="x"} 4',
      '',
    ].join('\n'),
  )
})

test('one name has one type', () => {
  const metrics = new SelfMetrics()
  metrics.counter('x', 'X')
  expect(() => metrics.gauge('x', 'X', {}, () => 0)).toThrow('metric x is a counter, it cannot be a gauge too')
})

test('metrics of the process', async () => {
  const clock = new FakeClock()
  const metrics = new SelfMetrics()
  const stop = watchProcess(metrics, { name: 'sluice', version: '1.2.3', instanceId: 'i' }, clock)
  await clock.advance(2_500)
  const text = await body(metrics)
  stop()
  expect(text).toContain('otelcol_process_uptime 2.5\n')
  expect(text).toContain('target_info{service_instance_id="i",service_name="sluice",service_version="1.2.3"} 1\n')
  expect(text).toMatch(/\notelcol_process_cpu_seconds [\d.]+\n/)
  expect(text).toMatch(/\notelcol_process_memory_rss \d{7,}\n/)
  expect(text).toMatch(/\notelcol_process_runtime_heap_alloc_bytes \d{6,}\n/)
  expect(text).toMatch(/\nsluice_event_loop_lag_seconds\{quantile="1"\} [\d.e-]+\n/)
  expect(text).toMatch(/sluice_build_info\{version="1.2.3",node_version="\d+/)
})

test('metrics of the memory', async () => {
  const metrics = new SelfMetrics({ without_type_suffix: true })
  const memory = new ProcessMemory(1000)
  memory.hold('a', () => 30)
  memory.hold('b', () => 12)
  memory.hold('b', () => 1)
  watchMemory(metrics, memory)
  const text = (await metrics.text()).body
  expect(text).toContain('sluice_memory_limit_bytes 750\n')
  expect(text).toContain('sluice_memory_held_bytes{holder="a"} 30\nsluice_memory_held_bytes{holder="b"} 13\n')
})
