/**
 * One series: what its senders say together. Several may tell of one, where what tells them apart (a pod's name) is no label.
 * Of counters and histograms their streams are then added up, and what a sender that is gone had counted stays in the sum, so
 * that it never falls. A sender is known by its resource and scope.
 */
import { type Exemplar, type Exemplars, newestByBucket } from './points/exemplars.ts'
import { following, linesOf, measureOf, type SeriesValue, together } from './series_values.ts'

export interface Sample {
  /** Text between the braces; with the family's name it is the series. */
  readonly labels: string
  /** Unix nanoseconds; 0 where the sender gave none. */
  readonly time: bigint
  /** When counting began, Unix nanoseconds; 0 where the sender does not say. */
  readonly start: bigint
  readonly delta: boolean
  readonly value: SeriesValue
  readonly exemplars: readonly Exemplar[]
  /** Number of the sender. */
  readonly sender: number
}

/** What is shown of a series. */
export interface Series {
  readonly labels: string
  /** Of the newest point. */
  readonly time: bigint
  readonly start: bigint
  readonly value: SeriesValue
  readonly exemplars: Exemplars | undefined
}

/** Why a point of a known series is not taken. */
export type Untaken = 'stale' | 'temporality_conflict' | 'series_limit' | 'senders_limit'

/** The stream of one sender. */
interface Stream {
  sender: number
  time: bigint
  start: bigint
  /** Of deltas of one of several senders, which are added to the series at once, the last. */
  value: SeriesValue
  seen_ms: number
}

/** How many lines more, and further senders, there is room for. */
export interface Room {
  readonly linesLeft: number
  readonly sendersLeft: number
}

/**
 * A stream with the same beginning that comes so long after the last point of another is the same under a new name: a reload
 * has changed what a processor writes into resources.
 */
const RENAMED_AFTER_MS = 1000
/** With more senders it is not looked for: it takes a look at each. */
const RENAMED_AMONG_MAX = 256

export class SenderSeries implements Series {
  readonly labels: string
  readonly delta: boolean
  exemplars: Exemplars | undefined
  /** Lines that it takes: what `max_series` bounds. */
  lines: number
  /** Counters and histograms: what senders say is added up. Of gauges the last word holds. */
  readonly #isCounting: boolean
  /** Of the only sender, or of the last point. */
  #stream: Stream
  /** Once there has been another sender. */
  #shared: SharedStreams | undefined

  constructor(sample: Sample, isCounting: boolean, seen_ms: number) {
    const { labels, delta, value, exemplars } = sample
    this.labels = labels
    this.delta = delta
    this.#isCounting = isCounting
    this.lines = linesOf(value)
    this.exemplars = exemplarsOf(value, undefined, exemplars)
    this.#stream = streamOf(sample, seen_ms)
  }

  get time(): bigint {
    return (this.#shared ?? this.#stream).time
  }

  get start(): bigint {
    return (this.#shared ?? this.#stream).start
  }

  get value(): SeriesValue {
    return (this.#shared ?? this.#stream).value
  }

  /** Monotonic milliseconds of the last point; Infinity for a series that never expires. */
  get seen_ms(): number {
    return (this.#shared ?? this.#stream).seen_ms
  }

  /** Senders beside the first. */
  get furtherSenders(): number {
    return Math.max((this.#shared?.streams.size ?? 0) - 1, 0)
  }

  /** Takes a sample, or says why not. `seen_ms` is Infinity of what this process derives. */
  take(sample: Sample, seen_ms: number, room: Room): Untaken | undefined {
    if (this.delta !== sample.delta) return 'temporality_conflict'
    const stream = this.#streamOf(sample, seen_ms)
    if (stream === undefined && room.sendersLeft <= 0) return 'senders_limit'
    // What this process derives comes in order, also when its clock is set back.
    if (stream !== undefined && seen_ms !== Number.POSITIVE_INFINITY && isStale(stream, sample)) return 'stale'
    const shared = this.#shared
    const isAlone = stream !== undefined && shared === undefined
    const value = isAlone ? following(stream.value, sample.value, sample.delta) : sample.value
    if (shared !== undefined && stream !== undefined && isLate(stream, sample)) return 'stale'
    const lines = linesOf(value)
    if (lines > this.lines && lines - this.lines > room.linesLeft) return 'series_limit'
    if (isAlone) {
      this.lines = lines
      if (!sample.delta || value === sample.value) stream.start = sample.start
      stream.time = sample.time
      stream.value = value
      stream.seen_ms = seen_ms
    } else {
      this.lines = Math.max(lines, this.lines)
      this.#takeShared(stream, sample, seen_ms)
    }
    this.exemplars = exemplarsOf(value, this.exemplars, sample.exemplars)
    return undefined
  }

  /** A sender's stream has ended; true: so has the series. */
  end(sender: number): boolean {
    const shared = this.#shared
    if (shared === undefined) return true
    const stream = shared.streams.get(sender)
    if (stream === undefined) return false
    shared.leave(stream)
    this.#stream = shared.streams.values().next().value ?? stream
    return shared.streams.size === 0
  }

  /**
   * Forgets senders that were last seen before; what they had counted stays. One that comes back would count anew, but for
   * deltas, so without need only they are forgotten.
   */
  forgetSenders(before_ms: number, isNeeded: boolean): void {
    const shared = this.#shared
    if (shared === undefined || !(this.delta || isNeeded)) return
    for (const stream of shared.streams.values())
      if (stream.seen_ms < before_ms && shared.streams.size > 1) shared.leave(stream)
    this.#stream = shared.streams.values().next().value!
  }

  /** The stream that the sample goes on; undefined: it is the first of its sender. */
  #streamOf(sample: Sample, seen_ms: number): Stream | undefined {
    const last = this.#stream
    if (last.sender === sample.sender || !this.#isCounting) return last
    const known = this.#shared?.streams.get(sample.sender) ?? this.#renamed(sample, seen_ms)
    if (known !== undefined) this.#stream = known
    return known
  }

  #renamed(sample: Sample, seen_ms: number): Stream | undefined {
    const streams = this.#shared?.streams
    if (streams !== undefined && streams.size > RENAMED_AMONG_MAX) return undefined
    for (const stream of streams?.values() ?? [this.#stream]) {
      if (!isRenamed(stream, sample, seen_ms)) continue
      streams?.delete(stream.sender)
      stream.sender = sample.sender
      streams?.set(stream.sender, stream)
      return stream
    }
    return undefined
  }

  #takeShared(stream: Stream | undefined, sample: Sample, seen_ms: number): void {
    this.#shared ??= new SharedStreams(this.#stream, this.delta)
    if (stream === undefined) {
      this.#stream = streamOf(sample, seen_ms)
      this.#shared.enter(this.#stream)
    } else this.#shared.goOn(stream, sample, seen_ms)
  }
}

/** The streams of a series that has had several senders, and what they say together. */
class SharedStreams {
  readonly streams: Map<number, Stream>
  time: bigint
  start: bigint
  seen_ms: number
  readonly #delta: boolean
  /** What streams that are over had counted; of deltas, everything. */
  #standing: SeriesValue | undefined
  /** Undefined: to be put together. */
  #value: SeriesValue | undefined

  constructor(first: Stream, delta: boolean) {
    this.streams = new Map([[first.sender, first]])
    this.time = first.time
    this.start = first.start
    this.seen_ms = first.seen_ms
    this.#delta = delta
    if (delta) this.#stand(first.value)
  }

  get value(): SeriesValue {
    this.#value ??= this.#sum()
    return this.#value
  }

  enter(stream: Stream): void {
    this.streams.set(stream.sender, stream)
    if (stream.start < this.start) this.start = stream.start
    this.#add(stream)
  }

  goOn(stream: Stream, { time, start, value }: Sample, seen_ms: number): void {
    if (!this.#delta && hasFallen(stream, value, start)) this.#stand(stream.value)
    stream.time = time
    stream.start = start
    stream.value = value
    stream.seen_ms = seen_ms
    this.#add(stream)
  }

  /** The stream is over. */
  leave(stream: Stream): void {
    this.streams.delete(stream.sender)
    if (!this.#delta) this.#stand(stream.value)
  }

  #add({ time, value, seen_ms }: Stream): void {
    if (this.#delta) this.#stand(value)
    if (time > this.time) this.time = time
    this.seen_ms = Math.max(this.seen_ms, seen_ms)
    this.#value = undefined
  }

  #stand(value: SeriesValue): void {
    this.#standing = this.#standing === undefined ? value : together(this.#standing, value)
    this.#value = undefined
  }

  #sum(): SeriesValue {
    let sum = this.#standing
    if (!this.#delta)
      for (const { value } of this.streams.values()) sum = sum === undefined ? value : together(sum, value)
    return sum!
  }
}

function streamOf({ sender, time, start, value }: Sample, seen_ms: number): Stream {
  return { sender, time, start, value, seen_ms }
}

/** A delta counts once; of a cumulative series, the same moment may be told again. */
function isStale(stream: Stream, sample: Sample): boolean {
  if (sample.time === 0n) return false
  return sample.delta ? sample.time <= stream.time : sample.time < stream.time
}

/** It counts from zero again; a smaller value with the same beginning is a correction. */
function hasFallen(stream: Stream, value: SeriesValue, start: bigint): boolean {
  return measureOf(value) < measureOf(stream.value) && (start === 0n || start !== stream.start)
}

/** Of a time before its sender began to count from zero again. */
function isLate(stream: Stream, { start, value, delta }: Sample): boolean {
  return !delta && start !== 0n && start < stream.start && hasFallen(stream, value, start)
}

function isRenamed(stream: Stream, { start, value, delta }: Sample, seen_ms: number): boolean {
  if (delta || start === 0n || start !== stream.start) return false
  return seen_ms - stream.seen_ms >= RENAMED_AFTER_MS && measureOf(value) >= measureOf(stream.value)
}

/** Only counters and histograms have any. */
function exemplarsOf(
  value: SeriesValue,
  before: Exemplars | undefined,
  more: readonly Exemplar[],
): Exemplars | undefined {
  if (before === undefined && more.length === 0) return undefined
  const bounds = value.kind === 'number' || value.kind === 'summary' ? [] : value.distribution.bounds
  return newestByBucket([...(before ?? []), ...more], bounds)
}
