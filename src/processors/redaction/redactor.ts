import type { Detector } from '../../content/detectors/detector.ts'
import { Effort, EffortError } from '../../content/detectors/effort.ts'
import { kindName } from '../../content/detectors/findings.ts'
import type { OwnContentOf } from '../../content/own_content.ts'
import { Output, varintSize } from '../../otlp/output.ts'
import type { Batches, Signal } from '../../telemetry/batch.ts'
import { ITEM, RESOURCE, SCOPE } from '../../telemetry/layout.ts'
import { Rewrite } from '../../telemetry/rewriting/rewrite.ts'
import { itemMessage } from '../../telemetry/signal.ts'
import { type ContentPolicy, strictnessOf } from './config.ts'
import { JudgedHeads } from './judged_heads.ts'
import { RedactionTally } from './redaction_tally.ts'
import { RoleWords } from './roles/role_words.ts'
import { Contents } from './texts/contents.ts'
import { JudgedTexts } from './texts/judged_texts.ts'
import { GuessedContent } from './walk/guessed_content.ts'
import { Keys } from './walk/keys.ts'
import { MessageWalk } from './walk/message_walk.ts'
import { StepItems } from './walk/step_items.ts'
import { withoutUnknownFields } from './walk/unknown_fields.ts'
import { tagOf } from './walk/walk_steps.ts'

const ATTRIBUTES_TAG: Record<Signal, number | undefined> = {
  traces: tagOf('Span', 'attributes'),
  logs: tagOf('LogRecord', 'attributes'),
  metrics: undefined,
}
const KEY_TAG = tagOf('KeyValue', 'key')
const VALUE_TAG = tagOf('KeyValue', 'value')
const INT_TAG = tagOf('AnyValue', 'intValue')

export interface RedactorOptions {
  readonly detectors: readonly Detector[]
  /** By content group. */
  readonly policies: readonly ContentPolicy[]
  /** By WHOSE, where the policies of roles differ: content of several roles is then judged part by part. */
  readonly rolePolicies?: readonly ContentPolicy[] | undefined
  /** What keys hold by the config, before what is known of them. */
  readonly ownContent?: OwnContentOf | undefined
  /** What is done with content under unknown keys; `keep` and `mask` leave it to the detectors. Default `keep`. */
  readonly guessPolicy?: ContentPolicy
  /** What the config says of a key: 1 + the strictness of its policy, or 0. */
  readonly ruleOf?: ((key: string) => number) | undefined
  /** Values under names of secrets are masked. */
  readonly masksSecrets: boolean
  /** Key of the policy `hash`. Without one, what should be hashed is dropped. */
  readonly hashKey?: string | undefined
  /** Characters that the policy `truncate` leaves of a text. Default 256. */
  readonly length_max?: number
}

/** Takes personal data, secrets and content out of batches of one signal. Knows nothing of pipelines. */
export class Redactor<S extends Signal> {
  /** Called with what went wrong when an item is dropped or a head emptied. */
  onFailure: (error: unknown) => void = () => {}
  readonly #signal: S
  readonly #walk: MessageWalk
  readonly #rewrite = new Rewrite<S>()
  readonly #heads = new JudgedHeads()
  #tally = new RedactionTally()
  readonly #effort = new Effort()

  constructor(signal: S, options: RedactorOptions) {
    const { detectors, masksSecrets } = options
    this.#signal = signal
    const texts = new JudgedTexts(detectors, this.#effort)
    const kinds = new Set(detectors.flatMap((detector) => detector.kinds))
    const keys = new Keys(
      (source, start, end) => texts.findAll(source, start, end) !== 0,
      masksSecrets,
      kinds,
      this.#effort,
      options.ownContent,
      options.ruleOf,
    )
    const { policies, rolePolicies } = options
    const contents = new Contents(options.hashKey, options.length_max)
    const roles = rolePolicies === undefined ? undefined : new RoleWords(rolePolicies, this.#effort)
    const steps = new StepItems(keys, this.#effort)
    const { guessPolicy = 'keep' } = options
    const isLeft = strictnessOf(guessPolicy) <= strictnessOf('mask')
    const guessed = isLeft ? undefined : new GuessedContent(guessPolicy, steps, this.#effort)
    this.#walk = new MessageWalk(texts, keys, policies, contents, steps, guessed, roles)
  }

  /**
   * The batch with everything taken out; the same batch if there is nothing. Items that cannot be judged are left out:
   * the result then has fewer. Counts in `tally`.
   * @throws EffortError when more than `steps` are needed
   */
  redact(given: Batches[S], tally: RedactionTally, steps = Number.POSITIVE_INFINITY): Batches[S] {
    this.#effort.grant(steps)
    this.#tally = tally
    const batch = withoutUnknownFields<S>(given, tally)
    this.#walk.begin(batch.bytes)
    this.#rewrite.begin(batch)
    try {
      this.#groups(batch)
      return this.#rewrite.finish()
    } finally {
      this.#walk.end()
    }
  }

  /** In the order in which senders write: what is replaced in order needs no sorting. */
  #groups(batch: Batches[S]): void {
    const { resources, scopes, itemRows } = batch.layout
    for (let resource = 0, scope = 0; resource * RESOURCE.width < resources.length; resource++) {
      this.#head(batch, 'resource', resource)
      for (; scopes[scope * SCOPE.width + SCOPE.resource] === resource; scope++) {
        this.#head(batch, 'scope', scope)
        const row = scope * SCOPE.width
        const first = scopes[row + SCOPE.firstItem]!
        const count = scopes[row + SCOPE.itemCount]!
        this.#walk.enterScope(scopes[row + SCOPE.headStart]!, scopes[row + SCOPE.headEnd]!, itemRows, first, count)
        for (let item = first; item < first + count; item++) this.#item(batch, item)
        this.#schemaUrl(batch, 'scope', scope)
      }
      this.#schemaUrl(batch, 'resource', resource)
    }
  }

  #item(batch: Batches[S], item: number): void {
    const rows = batch.layout.itemRows
    const start = rows[item * ITEM.width + ITEM.start]!
    const end = rows[item * ITEM.width + ITEM.end]!
    const walk = this.#walk
    let open = false
    try {
      walk.walkItem(itemMessage[this.#signal], start, end)
      if (walk.edits.count === 0) return
      this.#rewrite.openItem(item)
      open = true
      const { out } = this.#rewrite
      walk.edits.splice(batch.bytes, start, end, out)
      const tag = ATTRIBUTES_TAG[this.#signal]
      if (tag !== undefined) appendCounts(out, tag, walk.tally)
      this.#rewrite.close()
      this.#tally.add(walk.tally)
    } catch (error) {
      if (open) this.#rewrite.cancel()
      if (error instanceof EffortError) throw error
      this.#rewrite.dropItem(item)
      this.#tally.addFailed()
      this.onFailure(error)
    }
  }

  #head(batch: Batches[S], level: 'resource' | 'scope', row: number): void {
    const rows = level === 'resource' ? batch.layout.resources : batch.layout.scopes
    const at = row * (level === 'resource' ? RESOURCE.width : SCOPE.width)
    const start = rows[at + RESOURCE.headStart]!
    const end = rows[at + RESOURCE.headEnd]!
    if (start < 0 || start === end) return
    const head = this.#heads.find(level, batch.bytes, start, end) ?? this.#judgeHead(level, batch.bytes, start, end)
    if (head.tally !== undefined) this.#tally.add(head.tally)
    if (head.bytes === undefined) return
    this.#rewrite.openHead(level, row)
    this.#rewrite.out.copy(head.bytes, 0, head.bytes.length)
    this.#rewrite.close()
  }

  /** A head that cannot be judged loses all its fields. */
  #judgeHead(level: 'resource' | 'scope', bytes: Buffer, start: number, end: number) {
    const walk = this.#walk
    try {
      walk.walkItem(level === 'resource' ? 'Resource' : 'Scope', start, end)
      let head: { bytes: Buffer | undefined; tally: RedactionTally | undefined } = {
        bytes: undefined,
        tally: undefined,
      }
      if (walk.edits.count > 0) {
        const out = new Output(end - start + 64)
        walk.edits.splice(bytes, start, end, out)
        head = { bytes: out.take(), tally: walk.tally.copy() }
      }
      this.#heads.put(level, bytes, start, end, head)
      return head
    } catch (error) {
      if (error instanceof EffortError) throw error
      this.onFailure(error)
      const tally = new RedactionTally()
      tally.addFailed()
      return { bytes: Buffer.alloc(0), tally }
    }
  }

  #schemaUrl(batch: Batches[S], level: 'resource' | 'scope', row: number): void {
    const rows = level === 'resource' ? batch.layout.resources : batch.layout.scopes
    const at = row * (level === 'resource' ? RESOURCE.width : SCOPE.width)
    const start = rows[at + RESOURCE.schemaStart]!
    if (start < 0 || !this.#walk.walkText(start, rows[at + RESOURCE.schemaEnd]!)) return
    const text = this.#walk.edits.out
    this.#rewrite.openHead(level, row, 'schema')
    this.#rewrite.out.copy(text.bytes, 0, text.end)
    this.#rewrite.close()
    this.#tally.add(this.#walk.tally)
  }
}

/** Appends `sluice.redacted.<kind>` attributes to the item that ends at `out.end`. */
function appendCounts(out: Output, tag: number, tally: RedactionTally): void {
  for (let kind = 0; kind < tally.kindsEnd; kind++) {
    if (tally.kinds[kind]! > 0) appendCount(out, tag, countKey(kind), tally.kinds[kind]!)
  }
  const dropped = tally.droppedContent
  if (dropped > 0) appendCount(out, tag, CONTENT, dropped)
  if (tally.freeText > 0) appendCount(out, tag, FREE_TEXT, tally.freeText)
  if (tally.failedClosed > 0) appendCount(out, tag, FAILED_CLOSED, tally.failedClosed)
}

function appendCount(out: Output, tag: number, key: Buffer, count: number): void {
  out.byte(tag)
  out.varint(2 + key.length + 3 + varintSize(count))
  out.byte(KEY_TAG)
  out.varint(key.length)
  out.copy(key, 0, key.length)
  out.byte(VALUE_TAG)
  out.byte(1 + varintSize(count))
  out.byte(INT_TAG)
  out.varint(count)
}

const CONTENT = Buffer.from('sluice.redacted.content')
const FREE_TEXT = Buffer.from('sluice.redacted.free_text')
const FAILED_CLOSED = Buffer.from('sluice.redacted.failed_closed')
const countKeys: Buffer[] = []

function countKey(kind: number): Buffer {
  return (countKeys[kind] ??= Buffer.from(`sluice.redacted.${kindName(kind).toLowerCase()}`))
}
