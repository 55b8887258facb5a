/** A batch as text for people. For cold paths: it decodes item after item, and small batches as a whole. */
import { decode, type Message, type Value } from '../../otlp/codec.ts'
import type { Batches, Signal } from '../../telemetry/batch.ts'
import { ITEM, RESOURCE } from '../../telemetry/layout.ts'

export type Verbosity = 'basic' | 'normal' | 'detailed'

const SHAPES = {
  traces: { message: 'TracesRequest', item: 'Span' },
  metrics: { message: 'MetricsRequest', item: 'Metric' },
  logs: { message: 'LogsRequest', item: 'LogRecord' },
} as const

/** Of larger batches no details are shown: with objects of all of it, and its text, it takes fifty times its size. */
const DETAILED_BYTES_MAX = 1 << 20

/** Ends with a line break. `id` is the exporter's. */
export function describe(id: string, batch: Batches[Signal], verbosity: Verbosity): string {
  const lines = [summary(id, batch)]
  if (verbosity !== 'basic') {
    const shape = SHAPES[batch.signal]
    if (verbosity === 'detailed' && batch.size_bytes <= DETAILED_BYTES_MAX) {
      tree(decode(shape.message, batch.bytes), '  ', lines)
    } else {
      for (const item of itemsOf(batch, shape)) lines.push(`  ${line(batch.signal, item)}`)
      if (verbosity === 'detailed') lines.push(`  over ${DETAILED_BYTES_MAX} bytes: without details`)
    }
  }
  return `${lines.join('\n')}\n`
}

function summary(id: string, { signal, items, count, size_bytes, layout }: Batches[Signal]): string {
  const resources = layout.resources.length > 0 ? `, ${layout.resources.length / RESOURCE.width} resources` : ''
  const points =
    signal === 'metrics'
      ? `${items} metrics, ${count} data points`
      : signal === 'traces'
        ? `${items} spans`
        : `${items} log records`
  return `${id}: ${signal}: ${points}${resources}, ${size_bytes} bytes`
}

function* itemsOf({ bytes, layout }: Batches[Signal], shape: (typeof SHAPES)[Signal]): Generator<Message> {
  const { itemRows } = layout
  for (let row = 0; row < itemRows.length; row += ITEM.width) {
    yield decode(shape.item, bytes, itemRows[row + ITEM.start]!, itemRows[row + ITEM.end]!)
  }
}

/** Names and counts, no values. */
function line(signal: Signal, item: Message): string {
  const attributes = `attributes=${list(item['attributes']).length}`
  switch (signal) {
    case 'traces':
      return `${quote(item['name'])} ${hex(item['traceId'])} ${hex(item['spanId'])} ${attributes} events=${list(item['events']).length}`
    case 'logs':
      return `${quote(item['eventName'] ?? 'log record')} severity=${item['severityNumber'] ?? 0} ${attributes}`
    case 'metrics': {
      const kind = ['gauge', 'sum', 'histogram', 'exponentialHistogram', 'summary'].find(
        (name) => item[name] !== undefined,
      )
      const points = kind === undefined ? 0 : list((item[kind] as Message)['dataPoints']).length
      return `${quote(item['name'])} ${kind ?? 'no data'} data_points=${points}`
    }
  }
}

/** Every field of a message, indented by depth; attributes as `key: value`. */
function tree(message: Message, indent: string, lines: string[]): void {
  for (const [name, value] of Object.entries(message)) {
    if (value === undefined) continue
    if (isAttributes(value)) {
      lines.push(`${indent}${name}:`)
      for (const one of value)
        lines.push(
          `${indent}  ${printable(String(one['key'] ?? ''))}: ${anyValue(one['value'] as Message | undefined)}`,
        )
    } else if (name === 'body') lines.push(`${indent}${name}: ${anyValue(value as Message)}`)
    else if (Array.isArray(value) && value.some(isMessage)) {
      for (const [at, one] of value.entries()) {
        lines.push(`${indent}${name} #${at}`)
        tree(one as Message, `${indent}  `, lines)
      }
    } else if (isMessage(value)) {
      lines.push(`${indent}${name}:`)
      tree(value, `${indent}  `, lines)
    } else lines.push(`${indent}${name}: ${scalar(value)}`)
  }
}

function anyValue(value: Message | undefined): string {
  if (value === undefined) return 'empty'
  const [kind] = Object.keys(value)
  const content = kind === undefined ? undefined : value[kind]
  if (content === undefined) return 'empty'
  if (kind === 'arrayValue')
    return `[${list((content as Message)['values'])
      .map(anyValue)
      .join(', ')}]`
  if (kind === 'kvlistValue') {
    const pairs = list((content as Message)['values']).map(
      (pair) => `${quote(pair['key'])}: ${anyValue(pair['value'] as Message | undefined)}`,
    )
    return `{${pairs.join(', ')}}`
  }
  return scalar(content)
}

function scalar(value: Value): string {
  if (Buffer.isBuffer(value)) return hex(value)
  if (Array.isArray(value)) return `[${value.map(scalar).join(', ')}]`
  return typeof value === 'string' ? quote(value) : String(value)
}

function isAttributes(value: Value): value is Message[] {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((one) => isMessage(one) && Object.keys(one).every((key) => key === 'key' || key === 'value'))
  )
}

function isMessage(value: Value): value is Message {
  return typeof value === 'object' && !Array.isArray(value) && !Buffer.isBuffer(value)
}

function list(value: Value | undefined): Message[] {
  return (value ?? []) as Message[]
}

function hex(value: Value | undefined): string {
  return Buffer.isBuffer(value) ? value.toString('hex') : ''
}

/** One line, whatever is in it; a terminal's control characters do nothing. */
function quote(value: Value | undefined): string {
  return printable(JSON.stringify(String(value ?? '')))
}

function printable(text: string): string {
  return text.replace(
    /[\x00-\x1f\x7f-\x9f\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
