/**
 * What one request may hold, so that nothing behind the door has more to do, or to remember, than a small multiple of an
 * honest request: two bytes are enough for an empty attribute, and an object of it takes fifty times as many. The walks
 * that read a body (`check.ts`, `telemetry/layout.ts`, `json_to_protobuf.ts`) count down as they go.
 */
import { FIELDS_PER_MESSAGE, fieldMessage, type MessageName, messageId } from './schema.ts'
import { WireError } from './wire_error.ts'

export interface RequestLimits {
  /**
   * Fields of one span, log record, data point, resource or scope, with all messages inside: elements of lists, numbers
   * of packed lists, what occurs again, and unknown ones. An attribute with a plain value is one.
   */
  readonly message_fields_max: number
  /** Attributes of one of these, with those of its events, links and exemplars and in lists of values. */
  readonly item_attributes_max: number
  /** Resources and scopes. */
  readonly request_groups_max: number
  /** Spans, log records, or metrics and their data points. */
  readonly request_points_max: number
}

export type LimitName = keyof RequestLimits

/** No honest SDK comes near: it cuts at 128 attributes and events, batches 512 spans, and has hundreds of buckets. */
export const DEFAULT_LIMITS: RequestLimits = {
  message_fields_max: 131_072,
  item_attributes_max: 65_536,
  request_groups_max: 65_536,
  request_points_max: 262_144,
}

/** What each of them is about, for the message. */
const COUNTED: Readonly<Record<LimitName, string>> = {
  message_fields_max: 'fields in one item',
  item_attributes_max: 'attributes in one item',
  request_groups_max: 'resources and scopes in a request',
  request_points_max: 'spans, log records, or metrics and data points in a request',
}

/** Valid OTLP, but more of something than this receiver takes in one request. */
export class LimitError extends WireError {
  readonly limit: LimitName
  readonly max: number

  constructor(limit: LimitName, max: number, offset: number, path = '') {
    super(`${path === '' ? '' : `${path}: `}more than ${max} ${COUNTED[limit]}`, offset)
    this.limit = limit
    this.max = max
    this.message += ` (limits.${limit} of the receiver): send less at a time, or raise the limit`
  }
}

/**
 * What one request may still hold, counted down while it is walked: its groups and points, and the fields and attributes of the
 * item that the walk is in. Each `count` throws LimitError when there is none left.
 */
export class Allowance {
  fields = 0
  attributes = 0
  groups: number
  points: number
  readonly #limits: RequestLimits

  constructor(limits: RequestLimits) {
    this.#limits = limits
    this.groups = limits.request_groups_max
    this.points = limits.request_points_max
    this.beginItem()
  }

  /** Before an item, a data point or a head. */
  beginItem(): void {
    this.fields = this.#limits.message_fields_max
    this.attributes = this.#limits.item_attributes_max
  }

  countFields(count: number, at: number): void {
    if ((this.fields -= count) < 0) this.#fail('message_fields_max', at)
  }

  countAttributes(count: number, at: number): void {
    if ((this.attributes -= count) < 0) this.#fail('item_attributes_max', at)
  }

  countGroup(at: number): void {
    if (--this.groups < 0) this.#fail('request_groups_max', at)
  }

  countPoint(at: number): void {
    if (--this.points < 0) this.#fail('request_points_max', at)
  }

  #fail(limit: LimitName, at: number): never {
    throw new LimitError(limit, this.#limits[limit], at)
  }
}

/** How a message counts, by its id: 0 is only a field of what it is in. */
export const GROUP = 1
/** An item that is one of the points of a request, or a data point. */
export const POINT = 2
/** A resource or scope: a limit of its own for its fields and attributes. */
export const HEAD = 3
export const ATTRIBUTE = 4
export const countsAs = new Uint8Array(fieldMessage.length / FIELDS_PER_MESSAGE)

const kinds: readonly (readonly [number, readonly MessageName[]])[] = [
  [GROUP, ['ResourceSpans', 'ScopeSpans', 'ResourceLogs', 'ScopeLogs', 'ResourceMetrics', 'ScopeMetrics']],
  [POINT, ['Span', 'LogRecord', 'Metric', 'NumberDataPoint', 'HistogramDataPoint', 'ExponentialHistogramDataPoint']],
  [POINT, ['SummaryDataPoint']],
  [HEAD, ['Resource', 'Scope']],
  [ATTRIBUTE, ['KeyValue']],
]
for (const [kind, names] of kinds) for (const name of names) countsAs[messageId[name]] = kind
