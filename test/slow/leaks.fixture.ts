/** Finds texts that must not leave in what left, and says where they stood. */
import { read as readPush } from '../../src/exporters/loki/push.fixture.ts'
import { oracleObject } from '../../src/otlp/oracle.fixture.ts'
import { type Canary, FormSearch, formsOf } from '../quality/canaries.ts'
import type { Exit } from './exits.fixture.ts'

/** Which of the canaries are in some bytes, each with the form it has there. */
export type Search = (bytes: Buffer) => Set<string>

/** A search for all forms, and for the forms of the forms: JSON in base64 in JSON, base64 of base64, `%2540`. */
export function searchFor(canaries: readonly Canary[]): Search {
  const search = new FormSearch()
  for (const { name, kind, text } of canaries) {
    const forms = new Map<string, string>()
    for (const form of [text, text.replaceAll('/', '\\/')].flatMap(formsOf).map(String))
      for (const twice of formsOf(form).map(String)) forms.set(twice, nameOf(twice, text))
    for (const [form, as] of forms) search.add(Buffer.from(form), `${kind} ${name}${as}`)
  }
  return (bytes) => search.namesIn(bytes)
}

function nameOf(form: string, text: string): string {
  return form.toLowerCase() === text.toLowerCase() ? '' : ` as ${form}`
}

/** A search for canaries of which something is left that still tells: their beginning, their end, a word of them. */
export function searchForParts(canaries: readonly Canary[]): Search {
  const search = new FormSearch()
  for (const { name, kind, text } of canaries) {
    const part = Math.ceil(text.length * PART)
    search.add(Buffer.from(text.slice(0, part)), `${kind} ${name}, its beginning`)
    search.add(Buffer.from(text.slice(-part)), `${kind} ${name}, its end`)
    const word = WORD.exec(text)?.[0] ?? text
    if (word !== text) search.add(Buffer.from(word), `${kind} ${name}, a word of it`)
  }
  return (bytes) => search.namesIn(bytes)
}

const PART = 0.7
/** The part of an e-mail address before the `@`, a password in a URL. */
const WORD = /[\w.-]{10,}/

/** As `leaksOf`, of texts that stand in pieces at several places of one kind in a trace, as streamed answers do. */
export function joinedLeaksOf(exits: readonly Exit[], search: Search, captureOf: (trace: string) => string): string[] {
  const pieces = new Map<string, string>()
  for (const { name, bytes } of exits)
    if (name === 'Tempo')
      for (const { place, text, trace = '' } of readers[name](bytes)) {
        const of = [captureOf(trace), place.replaceAll(/\d+/g, 'N'), trace].join(' | ')
        pieces.set(of, (pieces.get(of) ?? '') + text)
      }
  const rows = [...pieces].flatMap(([of, text]) =>
    [...search(Buffer.from(text))].map((name) => `${of.replace(/ \| [^|]*$/, '')} | ${name}`),
  )
  return [...new Set(rows)].sort()
}

/**
 * A line for each canary at each place: exit, capture, place, kind and name, form, and how often. `captureOf` knows which
 * capture a trace is of. Bytes are searched as they are; places are looked for only where something was found.
 */
export function leaksOf(exits: readonly Exit[], search: Search, captureOf: (trace: string) => string): string[] {
  const counts = new Map<string, number>()
  for (const exit of exits) {
    const left = search(exit.bytes)
    const count = (place: string, name: string, trace = '') => {
      left.delete(name)
      const row = [exit.name, captureOf(trace), place.replaceAll(/\d+/g, 'N'), name].join(' | ')
      counts.set(row, (counts.get(row) ?? 0) + 1)
    }
    if (left.size === 0) continue
    for (const { place, text, trace } of readers[exit.name](exit.bytes))
      for (const name of search(Buffer.from(text))) count(place, name, trace)
    for (const name of left) count('some bytes', name)
  }
  return [...counts].map(([row, count]) => `${row} | ${count}`).sort()
}

interface Text {
  readonly place: string
  readonly text: string
  /** 32 hexadecimal digits, where it is of a trace. */
  readonly trace?: string
}

const readers: Record<Exit['name'], (bytes: Buffer) => Iterable<Text>> = {
  Tempo: (bytes) => textsOf(oracleObject('TracesRequest', bytes), '', ''),
  Loki: linesOf,
  metrics: printedLines,
  'own metrics': printedLines,
  log: printedLines,
  store: () => [],
  headers: (bytes) => [{ place: 'headers', text: bytes.toString() }],
  'API traces': jsonTexts,
  'API trace': jsonTexts,
  'API logs': jsonTexts,
  'API pipeline': jsonTexts,
}

function jsonTexts(bytes: Buffer): Iterable<Text> {
  return textsOf(JSON.parse(bytes.toString()), '', '')
}

function* linesOf(bytes: Buffer): Iterable<Text> {
  for (const { labels, lines } of readPush(bytes)) {
    yield { place: 'labels', text: labels }
    for (const { text, metadata } of lines) {
      const trace = metadata['trace_id'] ?? ''
      const event = metadata['event_name'] ?? ''
      yield* textsOf(text, `${event} line`, trace)
      for (const [name, value] of Object.entries(metadata))
        yield { place: `${event} metadata ${name}`, text: `${name}=${value}`, trace }
    }
  }
}

/** The name of a metric or the beginning of a line is its place. */
function* printedLines(bytes: Buffer): Iterable<Text> {
  for (const line of bytes.toString().split('\n')) yield { place: line.slice(0, 60).replace(/[{"].*/, ''), text: line }
}

/** All texts of a tree, names of fields included; attributes by their key, JSON in a text taken apart. */
function* textsOf(value: unknown, place: string, trace: string): Iterable<Text> {
  if (typeof value === 'string') yield* insideText(value, place, trace)
  else if (Array.isArray(value)) for (const item of value) yield* textsOf(item, place, trace)
  else if (typeof value === 'object' && value !== null) {
    const fields = value as Record<string, unknown>
    const own = traceOf(fields) ?? trace
    const key = fields['key']
    if (typeof key === 'string' && 'value' in fields) {
      yield { place: `${place} key`, text: key, trace: own }
      yield* textsOf(fields['value'], `${place} ${key}`, own)
    } else
      for (const [name, field] of Object.entries(fields)) {
        yield { place: `${place} name of a field`, text: name, trace: own }
        yield* textsOf(field, boring.has(name) ? place : `${place} ${name}`, own)
      }
  }
}

const boring = new Set(['stringValue', 'arrayValue', 'kvlistValue', 'values', 'attributes', 'resourceSpans'])

function* insideText(text: string, place: string, trace: string): Iterable<Text> {
  if (/^\s*["[{]/.test(text)) {
    try {
      const inside: unknown = JSON.parse(text)
      yield* textsOf(inside, `${place} »`, trace)
      return
    } catch {
      // Cut off, or no JSON.
    }
  }
  yield { place, text, trace }
}

/** In hexadecimal, from OTLP/JSON, from protobufjs (base64), or from a log of the API. */
export function traceOf(fields: Readonly<Record<string, unknown>>): string | undefined {
  const id = fields['traceId'] ?? fields['trace_id']
  if (typeof id !== 'string' || id === '') return undefined
  return id.length === 32 ? id.toLowerCase() : Buffer.from(id, 'base64').toString('hex')
}
