/**
 * Stories: small applications told as trees of spans in YAML, and the series that come of them, as a scrape of Prometheus
 * shows them.
 */
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import type { Plain } from '../support/otlp.ts'
import { traceBatch } from '../support/otlp.ts'
import type { Body, Point } from './counted.fixture.ts'

export interface Story {
  /** What happens. */
  readonly what: string
  /** Seconds until the metrics are read. Default 4. */
  readonly read_after?: number
  /** Options of `gen_ai_metrics`. */
  readonly config?: Readonly<Record<string, unknown>>
  readonly processes: readonly Process[]
  /** Lines `name{label="value"} number`; histograms have `_sum` and `_count`. */
  readonly metrics: readonly string[]
  /** Names of families of which there must be no series. */
  readonly without?: readonly string[]
}

interface Process {
  readonly resource?: Readonly<Record<string, Plain>>
  readonly scope?: string
  readonly spans: readonly StorySpan[]
}

interface StorySpan {
  readonly name: string
  /** Another trace than the story's first: a number. */
  readonly trace?: number
  /** By which others name it as `parent`. */
  readonly id?: string
  /** Of a span in another process. */
  readonly parent?: string
  /** From and to, in seconds. */
  readonly time?: readonly [from: number, to: number]
  /** The status says that it failed, and why. */
  readonly failed?: string
  readonly attributes?: Readonly<Record<string, Plain>>
  readonly events?: readonly { readonly name: string; readonly attributes?: Readonly<Record<string, Plain>> }[]
  readonly below?: readonly StorySpan[]
}

export function storyIn(file: URL): Story {
  return parse(readFileSync(file, 'utf8')) as Story
}

const START_MS = Date.UTC(2026, 0, 1)

/** A request for each process; spans end before those that they stand below, and come in this order. */
export function bodiesOf({ processes }: Story): Body[] {
  const ids = new Map<string, string>()
  let made = 0
  const newId = () => (++made).toString(16).padStart(16, '0')
  const idOf = (name: string) => {
    const known = ids.get(name) ?? newId()
    ids.set(name, known)
    return known
  }
  const listed = (span: StorySpan, parent: string | undefined, trace: number): ReturnType<typeof options>[] => {
    const id = span.id === undefined ? newId() : idOf(span.id)
    const of = span.trace ?? trace
    const above = span.parent === undefined ? parent : idOf(span.parent)
    return [...(span.below ?? []).flatMap((one) => listed(one, id, of)), options(span, id, above, of)]
  }
  return processes.map(({ resource = { 'service.name': 'shop' }, scope = 'app', spans }) => ({
    signal: 'traces',
    bytes: traceBatch(
      spans.flatMap((span) => listed(span, undefined, 1)),
      { resource, scope: { name: scope } },
    ).bytes,
  }))
}

function options(span: StorySpan, id: string, parent: string | undefined, trace: number) {
  const { name, time: [from, to] = [0, 1], failed, attributes = {}, events = [] } = span
  return {
    trace: trace.toString(16).padStart(32, '0'),
    id,
    ...(parent !== undefined && { parent }),
    name,
    start_ms: START_MS + from * 1000,
    end_ms: START_MS + to * 1000,
    attributes,
    events,
    ...(failed !== undefined && { status: { code: 2, message: failed } }),
  }
}

/** Series as a scrape shows them: name with labels in the order of the alphabet, and value. */
export function seriesOf(points: readonly Point[]): Map<string, number> {
  const series = new Map<string, number>()
  for (const { name, labels, value, count } of points) {
    const plain = name.replaceAll('.', '_')
    const add = (suffix: string, number: number) => series.set(seriesName(`${plain}${suffix}`, labels), number)
    if (count === undefined) add('', value)
    else {
      add('_sum', value)
      add('_count', count)
    }
  }
  return series
}

function seriesName(name: string, labels: Readonly<Record<string, unknown>>): string {
  const pairs = Object.entries(labels)
    .map(([label, value]) => `${label.replaceAll('.', '_')}="${String(value)}"`)
    .sort()
  return pairs.length === 0 ? name : `${name}{${pairs.join(',')}}`
}

/** A line of `metrics`, with its labels in order. Throws where it is none. */
export function expectationOf(line: string): readonly [series: string, value: number] {
  const [, name, labels = '', value] = /^([\w:]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
  if (name === undefined) throw new Error(`not a line of a scrape: ${line}`)
  const pairs = labels.match(/\w+="[^"]*"/g) ?? []
  return [pairs.length === 0 ? name : `${name}{${pairs.sort().join(',')}}`, Number(value)]
}
