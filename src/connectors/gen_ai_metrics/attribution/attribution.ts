/**
 * Whom a call is for: each label is looked for on the call's own report, its resource, and then the spans above it, the nearest
 * first. A span above counts if it has come by the time that the call settles.
 */

import { fieldNumber } from '../../../items/fields.ts'
import type { Clock } from '../../../self/clock.ts'
import { idOf } from '../../../steps/call_rows.ts'
import { type Calls, INT } from '../../../steps/calls.ts'
import { LabelChoice } from '../../../steps/labels/label_choice.ts'
import type { Label } from '../../../steps/labels/labels.ts'
import type { SpanLabels } from '../../../steps/labels/span_labels.ts'
import { WantedTexts } from '../../../steps/labels/wanted_texts.ts'
import type { Report } from '../../../steps/report.ts'
import type { SpanLinks } from '../../../steps/span_links.ts'
import { Attributes } from '../../../telemetry/attributes.ts'
import { mix } from '../../../telemetry/hash.ts'
import { RESOURCE, SCOPE } from '../../../telemetry/layout.ts'
import type { CountedCall } from '../families.ts'
import { EMPTY, LabelTexts, OTHER } from '../label_texts.ts'
import type { Lease } from '../series/metric_set.ts'
import type { SeriesKind, SeriesPlaces } from '../series/series_places.ts'
import { ATTRIBUTED_POINTS, AttributedSeries } from './attributed_families.ts'

/** So many spans above a call are asked. */
const ABOVE_MAX = 64
const USUAL_ROWS = 256
/** The report itself, and its resource. */
const SAYERS = 2
const ATTRIBUTES = fieldNumber('Resource', 'attributes')

export class Attribution {
  readonly labels: readonly Label[]
  /** By label. */
  readonly texts: readonly LabelTexts[]
  readonly #steps: { readonly calls: Calls }
  readonly #spanLabels: SpanLabels
  readonly #links: SpanLinks
  readonly #kind: SeriesKind<AttributedSeries>
  /** First of the resource, then of the report. */
  readonly #wanted: WantedTexts
  readonly #attributes = new Attributes()
  readonly #choice: LabelChoice
  /** The same of what the spans above say. */
  #above: LabelChoice | undefined
  #aboveSources: readonly string[] = []
  /** Scratch: where the texts of a span above are, by source. */
  readonly #starts: number[] = []
  readonly #ends: number[] = []
  /** By label: what the resource that was read last says. */
  readonly #ofResource: Int32Array
  /** Numbers of the texts that a report's own attributes say, and behind them its resource, by row and label; EMPTY where it says none. */
  #numbers = new Int32Array(0)
  /** Scratch: places of the labels of the call that is counted. */
  readonly #found: Int32Array
  #resourceAt = -1
  #resourceOf: unknown

  constructor(
    labels: readonly Label[],
    values_max: number,
    steps: { readonly calls: Calls },
    spanLabels: SpanLabels,
    links: SpanLinks,
    places: SeriesPlaces,
    clock: Clock,
  ) {
    this.labels = labels
    this.#steps = steps
    this.#spanLabels = spanLabels
    this.#links = links
    this.#kind = places.newKind<AttributedSeries>(ATTRIBUTED_POINTS)
    this.texts = labels.map(() => new LabelTexts(values_max, clock))
    for (const [label, texts] of this.texts.entries())
      texts.onReplaced = (place) => places.endAll((of) => of.labels?.[label] === place)
    const all = labels.flatMap(({ sources }) => sources)
    this.#wanted = new WantedTexts(all)
    this.#choice = new LabelChoice(labels, this.#wanted.sources)
    this.#ofResource = new Int32Array(labels.length)
    spanLabels.want(all)
    this.#found = new Int32Array(labels.length)
  }

  /** A report has come: what it and its resource say. */
  keep(row: number, report: Report): void {
    const { length } = this.labels
    if (length === 0) return
    this.#grow(row)
    const { view } = report
    this.#readResource(report)
    const numbers = this.#numbers
    const own = row * SAYERS * length
    for (let label = 0; label < length; label++) {
      numbers[own + label] = EMPTY
      numbers[own + length + label] = this.#ofResource[label]!
    }
    if (!this.#wanted.read(view.bytes, view.attributes)) return
    const chosen = this.#choose(this.#wanted)
    for (let label = 0; label < length; label++)
      numbers[own + label] = this.#numberOf(this.#wanted, label, chosen[label])
  }

  /** Nothing of a batch is needed any more. */
  forget(): void {
    this.#wanted.forget()
    this.#resourceAt = -1
    this.#resourceOf = undefined
  }

  /** Counts a call that has settled. */
  settle(reports: readonly number[], counted: CountedCall): void {
    if (this.labels.length === 0) return
    this.#place(reports)
    this.#series().count(counted)
  }

  /** Text of a label of the call that was counted last; undefined without one. */
  text(label: number): string | undefined {
    const place = this.#found[label]!
    return place === EMPTY ? undefined : this.texts[label]!.text(place)
  }

  /** What a report itself says counts most, the outermost first; then their resources, then what stands above. */
  #place(reports: readonly number[]): void {
    const { length } = this.labels
    const found = this.#found
    let missing = 0
    for (let label = 0; label < length; label++) {
      let number = EMPTY
      for (let sayer = 0; sayer < SAYERS; sayer++)
        for (let at = 0; at < reports.length && number === EMPTY; at++)
          number = this.#numbers[(reports[at]! * SAYERS + sayer) * length + label]!
      found[label] = number === EMPTY ? EMPTY : this.texts[label]!.placeOf(number)
      if (number === EMPTY) missing++
    }
    if (missing > 0) this.#placeFromAbove(reports[0]!, missing)
  }

  #placeFromAbove(report: number, missing: number): void {
    const { ints } = this.#steps.calls
    const int = report * INT.width
    const trace = ints[int + INT.trace]!
    const spans = this.#spanLabels
    let left = missing
    let span = idOf(ints[int + INT.parentHigh]!, ints[int + INT.parentLow]!)
    for (let above = 0; span !== 0 && left > 0 && above < ABOVE_MAX; above++) {
      const place = spans.find(trace, span)
      if (place >= 0) left -= this.#take(place)
      span = this.#links.above(trace, span)
    }
  }

  /** Of the labels that are missing, those that the span there has; returns how many. */
  #take(place: number): number {
    const spans = this.#spanLabels
    if (this.#above === undefined || this.#aboveSources !== spans.sources) {
      this.#aboveSources = spans.sources
      this.#above = new LabelChoice(this.labels, spans.sources)
    }
    const above = this.#above
    above.begin()
    let chosen: Int32Array = NONE
    for (let left = spans.begin(place); left > 0; left--) {
      const source = spans.next()
      if (isRedacted(spans.bytes, spans.start)) continue
      this.#starts[source] = spans.start
      this.#ends[source] = spans.end
      chosen = above.add(source)
    }
    let taken = 0
    for (let label = 0; label < chosen.length; label++) {
      const source = chosen[label]!
      if (source < 0 || this.#found[label] !== EMPTY) continue
      const texts = this.texts[label]!
      this.#found[label] = texts.placeOf(texts.intern(spans.bytes, this.#starts[source]!, this.#ends[source]!))
      taken++
    }
    return taken
  }

  #series(): AttributedSeries {
    const key = this.#key()
    const known = this.#kind.find(key)
    if (known !== undefined) return known
    const places = Array.from(this.#found)
    const attributes = Object.fromEntries(
      this.labels.flatMap(({ name }, label) =>
        places[label] === EMPTY ? [] : [[name, this.texts[label]!.text(places[label]!)]],
      ),
    )
    const make = (lease: Lease) => new AttributedSeries(lease, attributes)
    return this.#kind.add(key, { models: [], errorType: EMPTY, labels: places }, make, false) ?? this.#other()
  }

  /** What has no room counts as "other" in every label. */
  #other(): AttributedSeries {
    const known = this.#kind.find(OTHER_KEY)
    if (known !== undefined) return known
    const attributes = Object.fromEntries(this.labels.map(({ name }) => [name, 'other']))
    const make = (lease: Lease) => new AttributedSeries(lease, attributes)
    const labels = this.labels.map(() => OTHER)
    return this.#kind.add(OTHER_KEY, { models: [], errorType: EMPTY, labels }, make, true)!
  }

  /** 53 bits of the places: two combinations have the same once in a billion tables. */
  #key(): number {
    let high = 0x9e3779b1
    let low = 0x85ebca6b
    for (let label = 0; label < this.#found.length; label++) {
      high = mix(high ^ (this.#found[label]! + label))
      low = mix(low ^ Math.imul(this.#found[label]! + 1, 0xc2b2ae35))
    }
    return (high & 0x1fffff) * 2 ** 32 + low
  }

  #readResource({ batch, scope }: Report): void {
    const { bytes, layout } = batch
    const resource = layout.scopes[scope * SCOPE.width + SCOPE.resource]!
    if (resource === this.#resourceAt && batch === this.#resourceOf) return
    this.#resourceAt = resource
    this.#resourceOf = batch
    const at = resource * RESOURCE.width
    const start = layout.resources[at + RESOURCE.headStart]!
    if (start < 0) this.#attributes.clear()
    else this.#attributes.read(bytes, start, layout.resources[at + RESOURCE.headEnd]!, ATTRIBUTES)
    this.#wanted.read(bytes, this.#attributes)
    const chosen = this.#choose(this.#wanted)
    for (let label = 0; label < this.labels.length; label++)
      this.#ofResource[label] = this.#numberOf(this.#wanted, label, chosen[label])
  }

  /** By label: the best source that says something. */
  #choose({ touched, count, bytes, starts }: WantedTexts): Int32Array {
    this.#choice.begin()
    let chosen: Int32Array = NONE
    for (let at = 0; at < count; at++) {
      const source = touched[at]!
      if (!isRedacted(bytes[source]!, starts[source]!)) chosen = this.#choice.add(source)
    }
    return chosen
  }

  #numberOf(texts: WantedTexts, label: number, source: number | undefined): number {
    if (source === undefined || source < 0) return EMPTY
    return this.texts[label]!.intern(texts.bytes[source]!, texts.starts[source]!, texts.ends[source]!)
  }

  #grow(row: number): void {
    const needed = (row + 1) * SAYERS * this.labels.length
    if (needed <= this.#numbers.length) return
    const grown = new Int32Array(Math.max(USUAL_ROWS * SAYERS * this.labels.length, needed * 2))
    grown.set(this.#numbers)
    this.#numbers = grown
  }
}

const OTHER_KEY = -1
const NONE = new Int32Array(0)

const BRACKET = 0x5b
const BLANK = 0x20

/** What redaction has left of a text is nobody's name (`[EMAIL]`, `[DROPPED length=4]`), and neither is a blank. */
function isRedacted(bytes: Uint8Array, start: number): boolean {
  if (bytes[start]! <= BLANK) return true
  return bytes[start] === BRACKET && isCapital(bytes[start + 1]!) && isCapital(bytes[start + 2]!)
}

function isCapital(byte: number): boolean {
  return byte >= 0x41 && byte <= 0x5a
}
