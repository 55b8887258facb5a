/**
 * The same telemetry in another form: cut into other requests, in another order, with other ids, times and attributes that
 * nobody knows. What is counted must be the same.
 */
import { decode, encode, type Message } from '../../src/otlp/codec.ts'
import { Random } from '../../src/otlp/random.fixture.ts'
import { requestMessage } from '../../src/telemetry/signal.ts'
import { keyValues } from '../support/otlp.ts'
import type { Body } from './counted.fixture.ts'

const GROUPS = {
  traces: ['resourceSpans', 'scopeSpans', 'spans'],
  logs: ['resourceLogs', 'scopeLogs', 'logRecords'],
} as const
const TIMES = ['startTimeUnixNano', 'endTimeUnixNano', 'timeUnixNano', 'observedTimeUnixNano']
/** Moments in milliseconds may be rounded another way: a whole number of seconds keeps them. */
const SHIFT_MAX_s = 100_000
const ITEMS_MAX = 40

interface Item {
  readonly signal: Body['signal']
  readonly resource: Message
  readonly scope: Message
  readonly item: Message
}

/** `areTogether`: what is of one trace stays in one request, since one of its spans tells of another. */
export function variantOf(bodies: readonly Body[], seed: number, areTogether = false): Body[] {
  const random = new Random(seed)
  const shift_ns = BigInt(random.below(SHIFT_MAX_s)) * 1_000_000_000n
  const ids = new Map<string, Buffer>()
  const idFor = (id: Buffer) => {
    const known = ids.get(id.toString('hex')) ?? Buffer.from(Array.from(id, () => 1 + random.below(255)))
    ids.set(id.toString('hex'), known)
    return known
  }
  const items = bodies.flatMap(itemsIn).map((item) => changed(item, idFor, shift_ns, random))
  shuffle(items, random)
  return cut(areTogether ? byTrace(items) : items, random, areTogether)
}

function itemsIn({ signal, bytes }: Body): Item[] {
  const [resources, scopes, items] = GROUPS[signal]
  const inside = (message: Message, name: string) => (message[name] ?? []) as Message[]
  return inside(decode(requestMessage[signal], bytes), resources).flatMap((group) =>
    inside(group, scopes).flatMap((part) =>
      inside(part, items).map((item) => ({
        signal,
        resource: (group['resource'] ?? {}) as Message,
        scope: (part['scope'] ?? {}) as Message,
        item,
      })),
    ),
  )
}

function changed(
  { signal, resource, scope, item }: Item,
  idFor: (id: Buffer) => Buffer,
  shift: bigint,
  random: Random,
) {
  return {
    signal,
    resource: withAttributes(resource, { 'acme.zone': 'north', 'acme.rack': 7 }),
    scope: withAttributes(scope, { 'acme.build': true }),
    item: withAttributes(other(item, idFor, shift), { [`acme.note.${random.below(5)}`]: `n${random.below(1000)}` }),
  }
}

/** With other ids and later, all the way down. */
function other(message: Message, idFor: (id: Buffer) => Buffer, shift: bigint): Message {
  const change = (name: string, value: unknown): unknown => {
    if (Array.isArray(value) && name !== 'attributes') return value.map((one) => change(name, one))
    if (Buffer.isBuffer(value)) return /(trace|span)id$/i.test(name) && value.length > 0 ? idFor(value) : value
    if (typeof value === 'bigint') return TIMES.includes(name) && value > 0n ? value + shift : value
    if (name === 'events' || name === 'links') return other(value as Message, idFor, shift)
    return value
  }
  return Object.fromEntries(Object.entries(message).map(([name, value]) => [name, change(name, value)])) as Message
}

function withAttributes(message: Message, more: Record<string, string | number | boolean>): Message {
  return { ...message, attributes: [...((message['attributes'] ?? []) as Message[]), ...keyValues(more)] }
}

function byTrace(items: readonly Item[]): Item[] {
  const traceOf = ({ item }: Item) => (item['traceId'] as Buffer | undefined)?.toString('hex')
  return [...Map.groupBy(items, traceOf).values()].flat()
}

/** Requests of one signal each, of up to so many items. */
function cut(items: readonly Item[], random: Random, areTogether: boolean): Body[] {
  const bodies: Body[] = []
  for (let from = 0; from < items.length; ) {
    const { signal } = items[from]!
    const most = areTogether ? items.length : 1 + random.below(ITEMS_MAX)
    let to = from + 1
    while (to < items.length && to - from < most && items[to]!.signal === signal) to++
    bodies.push(bodyWith(signal, items.slice(from, to)))
    from = to
  }
  return bodies
}

function bodyWith(signal: Body['signal'], items: readonly Item[]): Body {
  const [resources, scopes, list] = GROUPS[signal]
  const request = {
    [resources]: items.map(({ resource, scope, item }) => ({ resource, [scopes]: [{ scope, [list]: [item] }] })),
  }
  return { signal, bytes: encode(requestMessage[signal], request as unknown as Message).take() }
}

function shuffle(items: Item[], random: Random): void {
  for (let at = items.length - 1; at > 0; at--) {
    const swapped = random.below(at + 1)
    ;[items[at], items[swapped]] = [items[swapped]!, items[at]!]
  }
}
