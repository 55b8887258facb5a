/** Which spans, log records and metrics are meant: every criterion must hold, of a list of names one suffices. */
import { next, readLength, readUint32, skipValue } from '../otlp/cursor.ts'
import { BOOL, boolOf, DOUBLE, INT, numberOf, textStart, valueKind } from '../telemetry/any_value.ts'
import { Attributes } from '../telemetry/attributes.ts'
import type { AnyBatch, Signal } from '../telemetry/batch.ts'
import { isEqual, KeySet } from '../telemetry/key_set.ts'
import { ITEM, RESOURCE, SCOPE } from '../telemetry/layout.ts'
import { fieldNumber } from './fields.ts'
import { ItemView } from './item_view.ts'

/** Holds if an attribute has the key and, where a value is given, this value. */
export interface AttributeCriterion {
  readonly key: string
  readonly value?: string | number | boolean | undefined
}

export interface Criteria {
  /** Names of services, as `service.name` of the resource says. */
  readonly services?: readonly string[] | undefined
  /** Attributes of the resource; all of them. */
  readonly resources?: readonly AttributeCriterion[] | undefined
  /** Instrumentation scopes. */
  readonly libraries?: readonly { readonly name: string; readonly version?: string | undefined }[] | undefined
  /** Names of spans or metrics. */
  readonly names?: readonly string[] | undefined
  /** As OTLP numbers them. */
  readonly kinds?: readonly number[] | undefined
  readonly bodies?: readonly string[] | undefined
  readonly severity_texts?: readonly string[] | undefined
  readonly severity_number?: { readonly min: number; readonly match_undefined: boolean } | undefined
  /** Attributes of the item; all of them. */
  readonly attributes?: readonly AttributeCriterion[] | undefined
}

type Test = (view: ItemView, bytes: Buffer) => boolean

export class Matcher {
  readonly #view: ItemView
  readonly #attributes = new Attributes()
  readonly #resourceTest: ((attributes: Attributes, bytes: Buffer) => boolean) | undefined
  readonly #scopeTest: ((bytes: Buffer, start: number, end: number) => boolean) | undefined
  readonly #itemTests: readonly Test[]
  #batch: AnyBatch | undefined
  /** By row of the layout: 0 unknown, 1 matches, 2 does not. */
  #resources = new Uint8Array(0)
  #scopes = new Uint8Array(0)

  constructor(signal: Signal, criteria: Criteria) {
    this.#view = new ItemView(signal)
    this.#resourceTest = resourceTest(criteria)
    this.#scopeTest = criteria.libraries && libraryTest(criteria.libraries)
    this.#itemTests = itemTests(criteria)
  }

  /** Does item `item` of the batch match? Fast for items of one batch in a row. */
  matches(batch: AnyBatch, item: number): boolean {
    if (batch !== this.#batch) this.#begin(batch)
    const scope = batch.layout.itemRows[item * ITEM.width + ITEM.scope]!
    if (this.#scopes[scope] === 0) this.#scopes[scope] = this.#matchesGroups(batch, scope) ? 1 : 2
    if (this.#scopes[scope] === 2) return false
    if (this.#itemTests.length === 0) return true
    this.#view.read(batch, item)
    return this.#itemTests.every((test) => test(this.#view, batch.bytes))
  }

  /** Lets go of the batch. */
  forget(): void {
    this.#batch = undefined
  }

  #begin(batch: AnyBatch): void {
    this.#batch = batch
    this.#resources = new Uint8Array(batch.layout.resources.length / RESOURCE.width)
    this.#scopes = new Uint8Array(batch.layout.scopes.length / SCOPE.width)
  }

  #matchesGroups(batch: AnyBatch, scope: number): boolean {
    const { scopes } = batch.layout
    const row = scopes[scope * SCOPE.width + SCOPE.resource]!
    if (this.#resources[row] === 0) this.#resources[row] = this.#matchesResource(batch, row) ? 1 : 2
    if (this.#resources[row] === 2) return false
    if (this.#scopeTest === undefined) return true
    const start = Math.max(0, scopes[scope * SCOPE.width + SCOPE.headStart]!)
    return this.#scopeTest(batch.bytes, start, Math.max(0, scopes[scope * SCOPE.width + SCOPE.headEnd]!))
  }

  #matchesResource({ bytes, layout }: AnyBatch, row: number): boolean {
    if (this.#resourceTest === undefined) return true
    const start = layout.resources[row * RESOURCE.width + RESOURCE.headStart]!
    const end = layout.resources[row * RESOURCE.width + RESOURCE.headEnd]!
    this.#attributes.read(bytes, start, end, RESOURCE_ATTRIBUTES)
    return this.#resourceTest(this.#attributes, bytes)
  }
}

const RESOURCE_ATTRIBUTES = fieldNumber('Resource', 'attributes')
const SCOPE_NAME = fieldNumber('Scope', 'name') * 8 + 2
const SCOPE_VERSION = fieldNumber('Scope', 'version') * 8 + 2

function resourceTest({
  services,
  resources,
}: Criteria): ((attributes: Attributes, bytes: Buffer) => boolean) | undefined {
  if (services === undefined && resources === undefined) return undefined
  const all = attributesTest(resources ?? [])
  const named = services?.map((name) => attributesTest([{ key: 'service.name', value: name }]))
  return (attributes, bytes) =>
    all(attributes, bytes) && (named === undefined || named.some((test) => test(attributes, bytes)))
}

function libraryTest(libraries: NonNullable<Criteria['libraries']>) {
  return (bytes: Buffer, start: number, end: number): boolean => {
    const name = textField(bytes, start, end, SCOPE_NAME)
    const version = textField(bytes, start, end, SCOPE_VERSION)
    return libraries.some((one) => one.name === name && (one.version === undefined || one.version === version))
  }
}

function textField(bytes: Buffer, start: number, end: number, wanted: number): string {
  for (let at = start; at < end; ) {
    const tag = readUint32(bytes, at, end)
    const value = next
    const behind = skipValue(tag & 7, bytes, value, end)
    if (tag === wanted) {
      readLength(bytes, value, end)
      return bytes.toString('utf8', next, behind)
    }
    at = behind
  }
  return ''
}

function itemTests(criteria: Criteria): Test[] {
  const { names, kinds, bodies, severity_texts, severity_number, attributes } = criteria
  const tests: Test[] = []
  if (names !== undefined) {
    const set = new KeySet(names)
    tests.push((view, bytes) => set.find(bytes, Math.max(0, view.nameStart), Math.max(0, view.nameEnd)) >= 0)
  }
  if (kinds !== undefined) tests.push((view) => kinds.includes(view.kind))
  if (severity_number !== undefined) {
    const { min, match_undefined } = severity_number
    tests.push((view) => (view.severityNumber === 0 ? match_undefined : view.severityNumber >= min))
  }
  if (severity_texts !== undefined) {
    const set = new KeySet(severity_texts)
    tests.push(
      (view, bytes) => set.find(bytes, Math.max(0, view.severityTextStart), Math.max(0, view.severityTextEnd)) >= 0,
    )
  }
  if (bodies !== undefined) {
    const same = bodies.map(valueTest)
    tests.push((view, bytes) => same.some((test) => test(bytes, view.bodyStart, view.bodyEnd)))
  }
  if (attributes !== undefined) {
    const all = attributesTest(attributes)
    tests.push((view, bytes) => all(view.attributes, bytes))
  }
  return tests
}

/** Where a key occurs twice, either occurrence will do. */
function attributesTest(criteria: readonly AttributeCriterion[]): (attributes: Attributes, bytes: Buffer) => boolean {
  const wanted = criteria.map(({ key, value }) => ({
    key: Buffer.from(key),
    same: value === undefined ? undefined : valueTest(value),
  }))
  return (attributes, bytes) =>
    wanted.every(({ key, same }) => {
      for (let row = 0; row < attributes.count; row++) {
        if (!isEqual(key, bytes, attributes.keyStart(row), attributes.keyEnd(row))) continue
        if (same === undefined || same(bytes, attributes.valueStart(row), attributes.valueEnd(row))) return true
      }
      return false
    })
}

/** Types are told apart: the text `5` is not the number; 5 as an int and as a double are the same. */
function valueTest(wanted: string | number | boolean): (bytes: Buffer, start: number, end: number) => boolean {
  if (typeof wanted === 'string') {
    const text = Buffer.from(wanted)
    return (bytes, start, end) => {
      const found = textStart(bytes, start, end)
      return found >= 0 && isEqual(text, bytes, found, end)
    }
  }
  if (typeof wanted === 'boolean')
    return (bytes, start, end) => valueKind(bytes, start, end) === BOOL && boolOf(bytes, start, end) === wanted
  return (bytes, start, end) => {
    const kind = valueKind(bytes, start, end)
    return (kind === INT || kind === DOUBLE) && numberOf(bytes, start, end) === wanted
  }
}
