/**
 * Prints recall, precision and speed of the built-in detectors on labelled sets in ../shared/data/pii.
 * Run by hand: node test/quality/pii.ts [--show KIND] (--show lists misses and false hits of a kind).
 */
import { existsSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { detectors } from '../../src/content/detectors/detectors.ts'
import { Findings, kindName } from '../../src/content/detectors/findings.ts'
import { scan } from '../../src/content/detectors/scan.ts'

export interface Row {
  readonly text: string
  readonly spans: readonly { start: number; end: number; type: string }[]
  readonly labelled: readonly string[]
}

export interface Score {
  kind: string
  spans: number
  found: number
  hits: number
  wrong: number
  rowsNegative: number
  rowsFlagged: number
}

/** Kinds that answer for a labelled type: sets and detectors draw the lines between secrets differently. */
const secrets = new Set(['API_KEY', 'JWT', 'PRIVATE_KEY', 'URL_CREDENTIAL'])
const answers: Record<string, (kind: string) => boolean> = {
  EMAIL: (kind) => kind === 'EMAIL',
  CREDIT_CARD: (kind) => kind === 'CREDIT_CARD',
  PHONE: (kind) => kind === 'PHONE',
  IBAN: (kind) => kind === 'IBAN',
  SSN: (kind) => kind === 'SSN',
  IP: (kind) => kind === 'IP',
  API_KEY: (kind) => secrets.has(kind),
  JWT: (kind) => kind === 'JWT',
  CREDENTIAL: (kind) => secrets.has(kind),
  PRIVATE_KEY: (kind) => kind === 'PRIVATE_KEY',
}

export function readRows(file: URL): Row[] {
  const bytes = readFileSync(file)
  const text = (file.pathname.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString()
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Row)
}

/** A hit counts when it answers for the type and intersection over union is at least a half. */
export function score(rows: readonly Row[], show?: string): Score[] {
  const scores = new Map<string, Score>()
  for (const row of rows) {
    const hits = hitsIn(row.text)
    for (const type of new Set([...row.labelled, ...row.spans.map((span) => span.type)])) {
      if (answers[type] !== undefined) count(scores, row, hits, type, show)
    }
  }
  return [...scores.values()]
}

type Hit = { start: number; end: number; kind: string }

function count(scores: Map<string, Score>, row: Row, hits: readonly Hit[], type: string, show?: string): void {
  const fresh = { kind: type, spans: 0, found: 0, hits: 0, wrong: 0, rowsNegative: 0, rowsFlagged: 0 }
  const total = scores.get(type) ?? fresh
  scores.set(type, total)
  const own = hits.filter((hit) => answers[type]!(hit.kind))
  const wanted = row.spans.filter((span) => span.type === type)
  const missed = wanted.filter((span) => !own.some((hit) => overlap(span, hit) >= 0.5))
  const wrong = own.filter((hit) => !row.spans.some((span) => hit.start < span.end && span.start < hit.end))
  total.spans += wanted.length
  total.found += wanted.length - missed.length
  total.hits += own.length
  total.wrong += wrong.length
  if (row.spans.length === 0) total.rowsNegative++
  if (row.spans.length === 0 && own.length > 0) total.rowsFlagged++
  if (show !== type) return
  for (const span of missed) {
    const got = own.filter((hit) => overlap(span, hit) > 0).map((hit) => row.text.slice(hit.start, hit.end))
    console.log(
      'missed',
      JSON.stringify(row.text.slice(Math.max(0, span.start - 40), span.end + 10)),
      JSON.stringify(row.text.slice(span.start, span.end)),
      got,
    )
  }
  for (const hit of wrong)
    console.log(
      'wrong ',
      JSON.stringify(row.text.slice(Math.max(0, hit.start - 40), hit.end + 10)),
      row.text.slice(hit.start, hit.end),
    )
}

function overlap(a: { start: number; end: number }, b: { start: number; end: number }): number {
  const shared = Math.min(a.end, b.end) - Math.max(a.start, b.start)
  return shared <= 0 ? 0 : shared / (Math.max(a.end, b.end) - Math.min(a.start, b.start))
}

const findings = new Findings()

/** What is found in a text, in UTF-16 units. */
export function hitsIn(text: string): Hit[] {
  const bytes = Buffer.from(text)
  scan(detectors, bytes, 0, bytes.length, findings)
  return Array.from({ length: findings.count }, (_, i) => ({
    start: bytes.toString('utf8', 0, findings.start(i)).length,
    end: bytes.toString('utf8', 0, findings.end(i)).length,
    kind: kindName(findings.kind(i)),
  }))
}

function speed(label: string, texts: readonly Buffer[]): void {
  const size = texts.reduce((sum, text) => sum + text.length, 0)
  let best = Number.POSITIVE_INFINITY
  let count = 0
  const rounds = Math.ceil(2_000_000 / size) + 2
  for (let i = 0; i < 12; i++) {
    const start = process.hrtime.bigint()
    for (let j = 0; j < rounds; j++) {
      count = 0
      for (const text of texts) count += scan(detectors, text, 0, text.length, findings)
    }
    best = Math.min(best, Number(process.hrtime.bigint() - start) / rounds)
  }
  const perText = best / texts.length
  console.log(
    `${label.padEnd(34)} ${((size / best) * 1000).toFixed(0).padStart(6)} MB/s ${perText.toFixed(0).padStart(9)} ns/value  ${count} findings`,
  )
}

function main(): void {
  const folder = new URL('../../../shared/data/pii/', import.meta.url)
  if (!existsSync(folder)) throw new Error(`no labelled sets at ${folder.pathname}`)
  const show = process.argv[2] === '--show' ? process.argv[3] : undefined
  for (const file of [
    'presidio_generated_large.jsonl',
    'presidio_recognizer_tests.jsonl',
    'gitleaks_rule_cases.jsonl.gz',
    'noseyparker_rule_cases.jsonl.gz',
  ]) {
    console.log(file)
    for (const each of score(readRows(new URL(file, folder)), show)) {
      if (each.spans + each.hits + each.rowsNegative === 0) continue
      const recall = each.spans === 0 ? '-' : (each.found / each.spans).toFixed(3)
      const precision = each.hits === 0 ? '-' : (1 - each.wrong / each.hits).toFixed(3)
      console.log(
        `  ${each.kind.padEnd(14)} recall ${recall} of ${each.spans}, precision ${precision} of ${each.hits}, negatives flagged ${each.rowsFlagged} of ${each.rowsNegative}`,
      )
    }
  }
  const chat = readRows(new URL('chat_background.jsonl', folder)).map((row) => row.text)
  const hits = chat.flatMap((text) =>
    hitsIn(text).map((hit) => `${hit.kind} ${text.slice(Math.max(0, hit.start - 30), hit.end + 10)}`),
  )
  console.log(`chat: ${hits.length} hits in ${(Buffer.byteLength(chat.join('')) / 1e6).toFixed(3)} MB`, hits)
  const joined = Buffer.from(chat.join('\n').repeat(8))
  speed('clean chat, one range', [joined])
  speed(
    'clean chat, messages',
    chat.map((text) => Buffer.from(text)),
  )
  speed('clean chat in JSON', [Buffer.from(JSON.stringify(JSON.stringify(chat)).repeat(8))])
  speed('dirty chat (an item per KB)', [dirty(joined.toString())])
  speed('digit-dense JSON', [tool()])
  const short = [
    'gpt-4o-mini',
    'chat',
    'openai',
    'finish_reasons',
    'gen_ai.request.model',
    'eu-west-1',
    'What is the weather?',
    'application/json; charset',
  ]
  for (const text of short)
    speed(
      `"${text}"`,
      Array.from({ length: 1000 }, () => Buffer.from(text)),
    )
}

function dirty(text: string): Buffer {
  const items = [
    'john.doe@example.com',
    '4111 1111 1111 1111',
    'sk-proj-abcDEF0123456789abcdef0123456789',
    '4012888888881881',
    'postgres://u:p4ss@db/x',
  ]
  let result = ''
  for (let p = 0, i = 0; p < text.length; p += 1000, i++)
    result += `${text.slice(p, p + 1000)} ${items[i % items.length]} `
  return Buffer.from(result)
}

/** JSON of ids, floats and dates, as tools return it. The generator is seeded. */
export function tool(): Buffer {
  let seed = 7
  const next = (n: number) => {
    seed = (seed * 1103515245 + 12345) % 2147483648
    return seed % n
  }
  const rows = Array.from({ length: 8000 }, (_, i) => ({
    id: 1_000_000_000 + next(1_000_000_000),
    price: next(1_000_000) / 100,
    lat: next(1_000_000) / 7919,
    at: new Date(1_700_000_000_000 + i * 61_000).toISOString(),
    ref: `ord_${next(1e9).toString(36)}${next(1e9).toString(36)}`,
    uuid: `${next(1e9).toString(16)}-4a2b-8c1d-${next(1e9).toString(16)}aa`,
    ns: `17${next(1e9)}${next(1e8)}`,
  }))
  return Buffer.from(JSON.stringify(rows))
}

if (process.argv[1] === import.meta.filename) main()
