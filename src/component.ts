/**
 * The contract between the daemon and its components: interfaces and their promises, nothing else.
 */
import type { Logger } from 'pino'
import type { z } from 'zod'
import type { Services } from './self/services.ts'
import type { Batches, Signal } from './telemetry/batch.ts'

export type { Batches, Signal } from './telemetry/batch.ts'

/**
 * The books of one edge that leaves a receiver, a connector or a recovery, or of one branch behind a fan-out.
 * At every moment: entered = delivered + sampledOut + Σ dropped + duplicate + Σ held. Every call moves items between
 * two of those places, so the equation cannot be broken, only a wrong place be named: `held.in_flight` is what has
 * entered and has no other place yet, and it is zero when nothing is under way.
 *
 * Rule for components: wait until the next consumer has taken what you pass on, then book what you did with the rest.
 * A rejected batch is then wholly in flight, and the edge takes all of it back (`refused`).
 */
export interface Account {
  /** `receiver/otlp → pipeline/traces/in` */
  readonly name: string
  readonly signal: Signal
  /** From in flight to delivered: the next owner (a backend, a file, a connector's state, the branches) has it. */
  deliver(items: number): void
  /** From in flight to dropped. Reason is a short snake_case word. */
  drop(items: number, reason: string): void
  /** From in flight to sampled out: dropped on purpose by a sampling policy, with no rescue possible any more. */
  sampleOut(items: number): void
  /** From in flight to duplicate. */
  duplicate(items: number): void
  /** From in flight to a place where this process keeps the items: a sampler (`pending`), a queue (`queued`). */
  hold(items: number, place: 'pending' | 'queued' | 'rescuable'): void
  /** Back from a place to in flight. */
  release(items: number, place: 'pending' | 'queued' | 'rescuable'): void
}

/**
 * By which redactions a batch has been judged. A component that keeps items after `consume` has returned keeps their policy
 * with them, and merges only items with the same one. Before items leave the process, or go where nobody can call them back,
 * the policy has to be current: `judged` (`waiting/judged.ts`) sees to it, and the pipeline calls that before every exporter
 * and connector.
 */
export interface Policy {
  /** Equal for equal policies, to be part of a key. */
  readonly id: number
  /** False: the config has changed, and the batch has to be judged again. */
  readonly isCurrent: boolean
  /** The batch as the current redactions leave it; undefined if they cannot judge all of it. */
  reconsider<S extends Signal>(batch: Batches[S]): Promise<Batches[S] | undefined>
  /** The policy that the batch has after that. */
  renewed(): Policy
}

/** What travels beside a batch. Batches with unequal metadata, tenant, policy or account are not merged. */
export interface Context {
  /** Where the items are accounted. Set by the pipeline; a component books on it and passes it on. */
  readonly account: Account
  /** Address of the sender. */
  readonly peer?: string | undefined
  /** Allow-listed request headers, lower-case names. */
  readonly metadata: ReadonlyMap<string, string>
  readonly tenant?: string | undefined
  /** Monotonic milliseconds (`Clock`) after which nobody waits for the answer. */
  readonly deadline_ms?: number | undefined
  /** True for what the daemon itself makes of data that it has taken, such as metrics of calls: refusing it would free no memory. */
  readonly isOwn?: boolean
  /** Set by the pipeline; a component passes it on. */
  readonly policy?: Policy | undefined
}

/**
 * Takes batches. Resolves when the next owner has taken the batch (sent, queued or journalled); rejects with a Refusal.
 * Batches are immutable: a component that changes something makes a new one.
 */
export interface Consumer<S extends Signal> {
  consume(batch: Batches[S], context: Context): Promise<void>
}

export type Ports = { readonly [S in Signal]?: Consumer<S> }

/** Started downstream first, stopped upstream first. Constructors have no side effects. shutdown works without start, and twice. */
export interface Component {
  start?(): Promise<void>
  /** Hands everything on or books it as dropped before `deadline` aborts. */
  shutdown?(deadline: AbortSignal): Promise<void>
  /** Takes a changed config (already parsed by the factory's schema) in place and keeps its state; false: it has to be rebuilt. */
  update?(config: unknown): Promise<boolean>
}

export interface Receiver extends Component {}
export interface Processor<S extends Signal> extends Component, Consumer<S> {
  /**
   * Only processors that redact have it: judges a batch of any signal, which was let through earlier, by the current config.
   * The result has fewer items, or is undefined, if some cannot be judged.
   */
  reconsider?<T extends Signal>(batch: Batches[T]): Promise<Batches[T] | undefined>
}
export interface Exporter extends Component {
  /** What it takes. The pipeline asks it only for signals that its factory lists. */
  readonly inputs: Ports
}
export interface Connector extends Component {
  readonly inputs: Ports
  /**
   * A connector that has it looks through what comes to the exporters that get what it makes: the pipeline puts the result
   * before each of them, behind all processors. What the connector itself made comes by too. What it keeps back it books as
   * dropped.
   */
  beside?(next: Consumer<'metrics'>): Consumer<'metrics'>
}
export interface Extension extends Component {}

/** What a journal of a component is like. */
export interface JournalSettings {
  /** Limit of all its files together. Over it the oldest records go, counted as `sluice_journal_dropped_records`. */
  readonly bytes_max: number
}

/**
 * What a component keeps over a restart: records in the order in which they were appended. Bytes go to the disk as they
 * are, so whatever is given has been redacted. A record that the disk damaged is left out, counted and said in the log.
 */
export interface StateJournal {
  /** Size of the files: records, their frames, and records that were replaced but are not deleted yet. */
  readonly size_bytes: number
  /** All current records, oldest first. They may be slices of larger buffers: copy one before you keep it for long. */
  records(): AsyncIterable<Buffer>
  /** Resolves when the record is on the disk. Rejects with the system's code if it is not, with EFBIG if it never can be. */
  append(record: Buffer): Promise<void>
  /**
   * Replaces everything appended before the call by these records; what is appended later comes after them. Resolves when
   * they are on the disk. If it rejects (as `append` does), or the process crashes on the way, the old records are still
   * there. Meanwhile the files may take twice `bytes_max`.
   */
  replace(records: readonly Buffer[]): Promise<void>
  /** Writes what is still to be written, and gives the name free. */
  close(): Promise<void>
}

/** What the daemon gives every component, beside its services (`service`): memory, trace tables, the book of calls, verdicts, … */
export interface Host extends Services {
  /** `type` or `type/name` as written in the config. */
  readonly id: string
  /** Carries the component's id and kind. Never log an attribute's value or telemetry content. */
  readonly log: Logger
  /** The extension with this id; undefined if it is not listed under service.extensions. */
  extension(id: string): Extension | undefined
  /** What all instances of this id share, made by the first that asks: a sampler's decisions for traces and logs. */
  shared<T>(make: () => T): T
  /**
   * The component's own journal of that name (1 to 80 bytes), opened, in a directory below `service.data_directory`;
   * undefined if the config has no data directory: then nothing is kept. Ask for it in `start`, close it in `shutdown`.
   * Rejects, saying where and what to do, if the directory cannot be used or another component has the name; a component
   * that may stand in a config several times puts its id into the name.
   */
  journal(name: string, settings: JournalSettings): Promise<StateJournal | undefined>
  /** Facts about the running daemon for extensions: books, graph, component states. */
  readonly daemon: DaemonView
  /** Tells health checks how the component fares. `permanent`: only a new config or a restart helps. */
  status(state: 'ok' | 'recoverable' | 'permanent', message?: string): void
}

/** What `api` and `health_check` may see of the daemon. */
export interface DaemonView {
  readonly version: string
  readonly startedAt_ms: number
  /** True between the end of start and the beginning of shutdown. */
  ready(): boolean
  /** One consistent snapshot: pipelines, components and their states, ledger. JSON-serialisable. */
  snapshot(): unknown
}

export interface FactoryBase<C> {
  /** The YAML type, which is also the folder's name. */
  readonly type: string
  /** Older names that the Collector used; accepted with one warning. */
  readonly aliases?: readonly string[]
  /** One sentence for `components` and the docs. */
  readonly summary: string
  /** Every key has a description; defaults are in the schema. Strict: unknown keys are errors. */
  readonly schema: z.ZodType<C>
}

export interface ReceiverFactory<C> extends FactoryBase<C> {
  readonly kind: 'receiver'
  readonly signals: readonly Signal[]
  /** `next` has a port for every signal that some pipeline takes from this receiver. */
  create(config: C, host: Host, next: Ports): Receiver
}
/** Names of attributes that hold content, by the group of `content/content_groups.ts` whose words they hold. */
export type ContentNames = Readonly<Partial<Record<string, readonly string[] | undefined>>>

export interface ProcessorFactory<C> extends FactoryBase<C> {
  readonly kind: 'processor'
  readonly signals: readonly Signal[]
  /** True, or true of its config: after this processor no raw content is left (the order check of the pipeline). */
  readonly redacts?: boolean | ((config: C) => boolean)
  /** Attributes that hold content, by its config, beside those that are known. */
  readonly contentKeys?: (config: C) => ContentNames
  /** True: its config gets, as `content_keys`, what all processors say of them. */
  readonly takesContentKeys?: boolean
  /** One instance per id and pipeline. */
  create<S extends Signal>(config: C, host: Host, signal: S, next: Consumer<S>): Processor<S>
}
export interface ExporterFactory<C> extends FactoryBase<C> {
  readonly kind: 'exporter'
  readonly signals: readonly Signal[]
  /** True: nothing of what it takes is written or sent anywhere (`nop`). */
  readonly discards?: boolean
  create(config: C, host: Host): Exporter
}
export interface ConnectorFactory<C> extends FactoryBase<C> {
  readonly kind: 'connector'
  /** Which signal in makes which signal out. */
  readonly signals: readonly (readonly [from: Signal, to: Signal])[]
  /** True: what comes out is what went in (`forward`), so raw content stays raw; false: it makes something else of it. */
  readonly passesItems: boolean
  /** True: it only counts, and is asked after the consumers that may refuse. */
  readonly countsOnly: boolean
  /** True: it waits for all reports of a call; its config has the keys of `service.steps`. */
  readonly takesSteps?: boolean
  create(config: C, host: Host, next: Ports): Connector
}
export interface ExtensionFactory<C> extends FactoryBase<C> {
  readonly kind: 'extension'
  create(config: C, host: Host): Extension
}

/** One of a list of unlike configs, hence the `any`s. */
export type Factory =
  | ReceiverFactory<any>
  | ProcessorFactory<any>
  | ExporterFactory<any>
  | ConnectorFactory<any>
  | ExtensionFactory<any>
