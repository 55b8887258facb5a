/**
 * What all instances of one id share: the traces that wait, and what was decided on them. Each instance stands in one pipeline,
 * of traces or of logs, and has an exit of its own, so spans and log records leave by the pipeline by which they came.
 *
 * The way of a trace: its items wait in `shards` (`undecided/pending.ts`) until `#tick` finds it due; `decide` asks the
 * policies; what is kept goes to the `outbox`, and from there in batches to its exits. Under pressure the `room` has
 * traces decided early.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Consumer, Host, Signal } from '../../component.ts'
import { retryLater } from '../../refusal.ts'
import type { Timer } from '../../self/clock.ts'
import { memoryOf } from '../../self/memory/process_memory.ts'
import { Heads } from '../../telemetry/heads.ts'
import { SpanView } from '../../telemetry/span_view.ts'
import { sharedTables } from '../../traces/tables.ts'
import { hashTraceId, shardOf } from '../../traces/trace_id.ts'
import { sharedVerdicts, type Verdict, type VerdictSource } from '../../traces/verdicts.ts'
import type { TailSamplingConfig } from './config.ts'
import { Exit } from './kept/exit.ts'
import { ItemOrigins } from './kept/item_origins.ts'
import { SamplingAttributes } from './kept/sampling_attributes.ts'
import { TraceOutbox } from './kept/trace_outbox.ts'
import { warningsOf } from './policies/policy_config.ts'
import { factsFor, type Grounds, SamplingPolicies } from './policies/sampling_policies.ts'
import type { TraceFacts } from './policies/trace_facts.ts'
import { SampledRecord } from './sampled_record.ts'
import { Due } from './undecided/due.ts'
import {
  DROPPED,
  DROPPED_EARLY,
  KEPT,
  LOGS_DROPPED,
  LOGS_KEPT,
  LOGS_WAIT,
  Pending,
  WAITS,
} from './undecided/pending.ts'
import { WaitingRoom } from './undecided/waiting_room.ts'
import { Votes } from './votes.ts'

/** How often it is looked whether traces are due. */
const TICK_MS = 250
/** The shortest `decision_wait`. */
const WAIT_MIN_MS = 1000

export class Sampler implements VerdictSource {
  readonly heads = new Heads()
  readonly origins = new ItemOrigins()
  readonly votes: Votes
  config: TailSamplingConfig
  policies: SamplingPolicies
  shards: readonly Pending[] = []
  outbox: TraceOutbox
  readonly room: WaitingRoom
  readonly #host: Host
  readonly #labels = new SamplingAttributes()
  readonly #exits = new Set<Exit>()
  #facts: TraceFacts
  #exitsMade = 0
  #traceExits = 0
  #tickets = 0
  #timer: Timer | undefined
  #isChecked = false
  #endHold: (() => void) | undefined
  #endRelief: (() => void) | undefined

  constructor(config: TailSamplingConfig, host: Host) {
    this.config = config
    this.#host = host
    this.policies = new SamplingPolicies(config.policies)
    this.#facts = factsFor(this.policies)
    this.votes = new Votes(host.meter, host.id)
    this.outbox = this.#newOutbox()
    this.room = new WaitingRoom(this, host)
  }

  /** Where an instance will hand on what is kept. Nothing happens until it enters. */
  newExit(signal: Signal, next: Consumer<Signal>, host: Host): Exit {
    return new Exit(this.#exitsMade++, signal, next, host, (exit) => this.outbox.next(exit))
  }

  enter(exit: Exit, config: TailSamplingConfig): void {
    if (this.#exits.size === 0) this.#open(config)
    this.configure(config)
    this.#exits.add(exit)
    this.#exitsChanged()
  }

  /** Undecided traces go on waiting and are decided by the new policies. */
  configure(config: TailSamplingConfig): void {
    const isSame = isDeepStrictEqual(config.policies, this.config.policies)
    const policies = isSame ? this.policies : new SamplingPolicies(config.policies)
    this.config = config
    if (isSame) return
    this.votes.flush(this.policies)
    this.policies = policies
    this.#facts = factsFor(policies)
    for (const shard of this.shards) this.#reread(shard)
    this.#warn()
  }

  /** Decides every trace with items of this exit now, by what has come so far, and hands on what is kept. */
  async leave(exit: Exit, deadline: AbortSignal): Promise<void> {
    if (!this.#exits.has(exit)) return
    exit.isLeaving = true
    const isLast = this.#exits.size === 1
    this.#decideUpTo(Number.POSITIVE_INFINITY, isLast ? undefined : exit)
    await exit.handOver.finish(deadline)
    if (!this.#exits.delete(exit)) return
    this.#exitsChanged()
    if (this.#exits.size === 0) this.#close()
  }

  verdictOf(bytes: Uint8Array, at: number): Verdict {
    const hash = hashTraceId(bytes, at)
    const state = this.shards[shardOf(hash, this.shards.length)]?.find(bytes, at, hash) ?? 0
    return state >= KEPT ? 'kept' : state === DROPPED || state === DROPPED_EARLY ? 'dropped' : 'undecided'
  }

  refuseIfLeaving(exit: Exit): void {
    if (exit.isLeaving) throw retryLater('shutdown', 'the sampler is stopping')
  }

  /** A number for a place in the queues of waiting traces, always one more than the last. */
  ticket(): number {
    this.#tickets = (this.#tickets % 0x7fffffff) + 1
    return this.#tickets
  }

  /**
   * A span has come, with these features, of a trace that was dropped early. If the policies keep the trace now that they are
   * known, what comes from now on is kept (true); what came earlier is gone.
   */
  rescue(number: number, row: number, words: Int32Array): boolean {
    const shard = this.shards[number]!
    shard.addFeatures(row, words)
    const facts = this.factsOf(shard, row)
    if (!this.policies.distinguishes(facts)) return false
    const decision = this.#decisionOf(facts)
    if (decision === undefined || decision === 'dropped') return false
    this.votes.rescued++
    shard.correct(row, KEPT + this.#labels.numberOf(decision))
    return true
  }

  /** The trace's items that have come so far are discarded, and those that come will be. */
  drop(number: number, row: number, reason?: string): void {
    const shard = this.shards[number]!
    shard.settle(row, DROPPED)
    shard.discard(row, (owner, items) => this.origins.discard(owner, items, reason))
  }

  /** What is kept goes on, also in batches that are not full. */
  flush(): void {
    for (const exit of this.#exits) exit.isFlushing = true
    this.run()
  }

  /** Hands on full batches. What does not fill one waits for the next `flush`. */
  run(): void {
    const { isShort } = this.room
    for (const exit of this.#exits) {
      exit.handOver.run(isShort)
      if (exit.handOver.isHeldUp && this.config.when_full === 'drop_oldest') this.outbox.limit(exit)
    }
  }

  #exitBytes(): number {
    return this.room.exits_bytes_max / Math.max(1, this.#exits.size)
  }

  #exitsChanged(): void {
    this.#traceExits = [...this.#exits].filter(({ signal }) => signal === 'traces').length
    this.#isChecked = false
    const verdicts = sharedVerdicts(this.#host)
    if (this.#traceExits > 0) verdicts.add(this)
    else verdicts.remove(this)
  }

  #open(config: TailSamplingConfig): void {
    const { clock, meter, id } = this.#host
    this.config = config
    this.policies = new SamplingPolicies(config.policies)
    this.#facts = factsFor(this.policies)
    this.shards = sharedTables(this.#host).map((table) => new Pending(table, this.heads))
    for (const shard of this.shards) shard.setFeatureWords(this.policies.features.words)
    this.outbox = this.#newOutbox()
    const labels = { processor: id }
    const sum = (read: (shard: Pending) => number) => this.shards.reduce((total, shard) => total + read(shard), 0)
    meter.gauge(
      'otelcol_processor_tail_sampling_sampling_traces_on_memory',
      'Traces that wait for their decision.',
      labels,
      () => sum((shard) => shard.traces),
    )
    meter.gauge('sluice_tail_sampling_pending_bytes', 'Memory for what waits, in bytes.', labels, () =>
      this.room.reserved_bytes(),
    )
    const memory = memoryOf(this.#host)
    const held_bytes = () => this.room.reserved_bytes()
    this.#endHold = memory.hold(id, held_bytes)
    this.#endRelief = memory.onShort({ held_bytes, relieve: (bytes) => this.room.giveUp(bytes) })
    this.#timer = clock.every(TICK_MS, () => this.#tick())
    this.#warn()
  }

  #warn(): void {
    for (const warning of warningsOf(this.config.policies)) this.#host.log.warn(warning)
  }

  #close(): void {
    this.#timer?.cancel()
    this.#endHold?.()
    this.#endRelief?.()
    for (const shard of this.shards) shard.close()
    this.shards = []
  }

  #newOutbox(): TraceOutbox {
    const exitBytes = (): number => this.#exitBytes()
    return new TraceOutbox(this.shards, this.heads, this.#labels, this.origins, exitBytes, () => this.room.isShort)
  }

  #tick(): void {
    this.room.check()
    this.#decideUpTo(this.#host.clock.monotonic_ms())
    if (this.#isChecked) return
    this.#isChecked = true
    if (this.#traceExits > 0) return
    this.#host.log.warn(
      'this sampler stands in no pipeline of traces: no span will come, and logs_without_spans says what becomes of log records with a trace id',
    )
  }

  /** Decides, in the order in which they fall due, the traces that are due by then; only those with items of `exit`, if given. */
  #decideUpTo(time_ms: number, exit?: Exit): void {
    const { decision_wait, decision_wait_after_root_received: root_wait, drop_pending_traces_on_shutdown } = this.config
    const { clock } = this.#host
    const began_ms = clock.monotonic_ms()
    const isShutdown = time_ms === Number.POSITIVE_INFINITY
    const due = new Due(this.shards, Math.max(WAIT_MIN_MS, decision_wait), root_wait)
    let decided = 0
    const settle = (number: number, row: number): void => {
      decided++
      const isPending = this.shards[number]!.stateOf(row) === WAITS
      if (isShutdown && isPending && drop_pending_traces_on_shutdown) this.drop(number, row, 'pending_at_shutdown')
      else this.decide(number, row, 'decided')
    }
    if (exit === undefined) {
      while (due.next(time_ms)) settle(due.shard, due.row)
    } else {
      for (const { shard, row } of due.all(
        (items) => this.origins.byId(this.heads.byId(items.tag).owner).exit === exit,
      ))
        settle(shard, row)
    }
    if (decided > 0) this.votes.took(clock.monotonic_ms() - began_ms)
    this.votes.flush(this.policies)
    this.flush()
  }

  /** What is known of a trace; valid until the next call. */
  factsOf(shard: Pending, row: number): TraceFacts {
    shard.readFacts(row, this.#facts)
    return this.#facts
  }

  /** Asks the policies what becomes of a trace that waits. */
  decide(number: number, row: number, kind: 'decided' | 'pressure'): void {
    const shard = this.shards[number]!
    if (shard.stateOf(row) === LOGS_WAIT) return this.#decideLone(number, row)
    const facts = this.factsOf(shard, row)
    const decision = this.#decisionOf(facts)
    if (decision === undefined || decision === 'dropped') {
      this.votes.decided(decision ?? 'not_sampled')
      return this.drop(number, row)
    }
    this.votes.decided('sampled')
    shard.settle(row, KEPT + this.#labels.numberOf(decision))
    this.outbox.add(number, row, kind)
  }

  #decisionOf(facts: TraceFacts): Grounds | 'dropped' | undefined {
    facts.monotonic_ms = this.#host.clock.monotonic_ms()
    facts.unix_ms = this.#host.clock.now_ms()
    return this.policies.decide(facts, this.config.sample_on_first_match)
  }

  /** No span of the trace came: it is not decided, only what becomes of its log records until one comes. */
  #decideLone(number: number, row: number): void {
    const shard = this.shards[number]!
    shard.forEachItem(row, () => this.votes.lone++)
    const isKept = this.config.logs_without_spans === 'keep'
    shard.settle(row, isKept ? LOGS_KEPT : LOGS_DROPPED)
    if (isKept) this.outbox.add(number, row, 'lone')
    else shard.discard(row, (owner, items) => this.origins.discard(owner, items))
  }

  /** Reads the items of all undecided traces again, since new policies ask other questions. */
  #reread(shard: Pending): void {
    const { features } = this.policies
    const words = new Int32Array(features.words)
    const span = new SpanView()
    const record = new SampledRecord()
    shard.setFeatureWords(features.words)
    const read = (row: number): void => {
      words.fill(0)
      shard.forEachItem(row, ({ tag, bytes, start, end }) => {
        const head = this.heads.byId(tag)
        if (this.origins.byId(head.owner).exit.signal === 'traces') {
          features.addResource(head.resource, words)
          span.readAt(bytes, start, end)
          features.addSpan(span, words)
        } else {
          record.readAt(bytes, start, end)
          features.addScore(record.score, words)
        }
      })
      shard.setFeatures(row, words)
    }
    shard.waits.forEach(read)
    shard.logs.forEach(read)
    shard.waits.rewind()
    shard.logs.rewind()
  }
}
