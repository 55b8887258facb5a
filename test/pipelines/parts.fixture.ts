/** Components whose every step a test decides, and daemons made of them. */
import { createServer, type Server } from 'node:net'
import pino, { type Logger } from 'pino'
import { z } from 'zod'
import type {
  Batches,
  Component,
  ConnectorFactory,
  Consumer,
  Context,
  ExporterFactory,
  ExtensionFactory,
  Factory,
  Host,
  Ports,
  ProcessorFactory,
  ReceiverFactory,
  Signal,
  StateJournal,
} from '../../src/component.ts'
import { loadConfig } from '../../src/config/load.ts'
import { processEnvironment } from '../../src/config/text/source.ts'
import { Daemon } from '../../src/daemon.ts'
import { findings } from '../../src/pipeline/ledger.ts'
import { type Clock, systemClock } from '../../src/self/clock.ts'
import { SelfMetrics } from '../../src/self/metrics/registry.ts'
import { Recorder } from '../support/recorder.ts'

const SIGNALS = ['traces', 'metrics', 'logs'] as const
const MAY = ['start', 'create', 'shutdown', 'hang', 'update'] as const

const schema = z.strictObject({
  /** What goes wrong. */
  fails: z.enum(MAY).optional(),
  /** Listens there, as long as it runs. */
  port: z.number().optional(),
  /** A change of this is taken in place. */
  label: z.string().optional(),
  /** A change of this is not. */
  version: z.number().optional(),
  allow_raw_content: z.boolean().optional(),
  storage: z.string().optional(),
  /** Asks for this extension when it starts. */
  uses: z.string().optional(),
  /** Asks for this journal when it starts. */
  journal: z.string().optional(),
})
type Config = z.output<typeof schema>

/** What happened to the components of a test, in order: `start exporter/sink`. */
export class Story {
  readonly lines: string[] = []
  /** Of each key the newest. */
  readonly parts = new Map<string, Part>()
  /** What exporters took, by id: the same recorder for all instances of an id. */
  readonly recorders = new Map<string, Recorder<Signal>>()

  recorder(id: string): Recorder<Signal> {
    const recorder = this.recorders.get(id) ?? new Recorder<Signal>()
    this.recorders.set(id, recorder)
    return recorder
  }

  /** The lines since the last call. */
  take(): string[] {
    return this.lines.splice(0)
  }
}

/** A component that tells its story. */
export class Part implements Component {
  readonly key: string
  readonly host: Host
  readonly story: Story
  readonly next: Ports
  config: Config
  /** The extension that it found when it started. */
  found: unknown
  journal: StateJournal | undefined
  running = false
  #server: Server | undefined

  constructor(kind: string, config: Config, host: Host, story: Story, next: Ports = {}) {
    this.key = `${kind}/${host.id}`
    if (config.fails === 'create') throw new Error('no such file')
    this.config = config
    this.host = host
    this.story = story
    this.next = next
    story.parts.set(this.key, this)
  }

  async start(): Promise<void> {
    this.#tell('start')
    if (this.config.uses !== undefined) this.found = this.host.extension(this.config.uses)
    if (this.config.fails === 'start') throw new Error('no licence')
    const { journal, port } = this.config
    if (journal !== undefined) this.journal = await this.host.journal(journal, { bytes_max: 1 << 20 })
    if (port !== undefined) this.#server = await listen(port)
    this.running = true
  }

  async shutdown(): Promise<void> {
    this.#tell('stop')
    this.running = false
    this.#server?.close()
    await this.journal?.close()
    if (this.config.fails === 'hang') await new Promise(() => undefined)
    if (this.config.fails === 'shutdown') throw new Error('stuck')
  }

  async update(config: Config): Promise<boolean> {
    if (config.fails === 'update') throw new Error('bad label')
    if (config.version !== this.config.version || config.port !== this.config.port || config.fails !== undefined)
      return false
    this.#tell(`update to ${config.label}`)
    this.config = config
    return true
  }

  /** What a receiver does with a batch. */
  send<S extends Signal>(batch: Batches[S], context: Partial<Context> = {}): Promise<void> {
    const port = this.next[batch.signal as S] as unknown as Consumer<S>
    return port.consume(batch, { metadata: new Map(), ...context } as Context)
  }

  #tell(what: string): void {
    this.story.lines.push(`${what} ${this.key}`)
  }
}

class Processing extends Part {
  async consume(batch: never, context: Context): Promise<void> {
    const [next] = Object.values(this.next) as Consumer<Signal>[]
    await next!.consume(batch, context)
  }
}

class Sink extends Part {
  readonly inputs: Ports
  constructor(kind: string, config: Config, host: Host, story: Story) {
    super(kind, config, host, story)
    const recorder = story.recorder(host.id)
    this.inputs = Object.fromEntries(SIGNALS.map((signal) => [signal, recorder]))
  }
}

/** Counts what it takes, and tells of it when it is asked to. */
class Counting extends Part {
  readonly inputs: Ports
  counted = 0
  constructor(config: Config, host: Host, story: Story, next: Ports) {
    super('connector', config, host, story, next)
    this.inputs = {
      traces: {
        consume: async (batch, { account }) => {
          story.lines.push(`count ${batch.count}`)
          this.counted += batch.count
          account.deliver(batch.count)
        },
      },
    }
  }
}

class Passing extends Part {
  readonly inputs: Ports
  constructor(config: Config, host: Host, story: Story, next: Ports) {
    super('connector', config, host, story, next)
    const through = (signal: Signal) => ({
      consume: async (batch: never, context: Context) => {
        await (next[signal] as Consumer<Signal>).consume(batch, context)
        context.account.deliver((batch as { count: number }).count)
      },
    })
    this.inputs = Object.fromEntries(Object.keys(next).map((signal) => [signal, through(signal as Signal)]))
  }
}

/**
 * Receiver `source`; processors `plain`, `scrub` (redacts); exporters `sink`, `void` (discards); connectors `pass`
 * (as forward) and `count` (traces to metrics); extension `helper`.
 */
export function partsOf(story: Story): readonly Factory[] {
  const common = { schema, summary: 'For tests.' }
  const signals = [...SIGNALS]
  const source: ReceiverFactory<Config> = {
    ...common,
    kind: 'receiver',
    type: 'source',
    signals,
    create: (config, host, next) => new Part('receiver', config, host, story, next),
  }
  const processor = (type: string, redacts: boolean): ProcessorFactory<Config> => ({
    ...common,
    kind: 'processor',
    type,
    signals,
    redacts,
    create: (config, host, signal, next) => new Processing('processor', config, host, story, { [signal]: next }),
  })
  const exporter = (type: string, discards: boolean): ExporterFactory<Config> => ({
    ...common,
    kind: 'exporter',
    type,
    signals,
    discards,
    create: (config, host) => new Sink('exporter', config, host, story),
  })
  const pass: ConnectorFactory<Config> = {
    ...common,
    kind: 'connector',
    type: 'pass',
    signals: signals.map((signal) => [signal, signal] as const),
    passesItems: true,
    countsOnly: false,
    create: (config, host, next) => new Passing(config, host, story, next),
  }
  const count: ConnectorFactory<Config> = {
    ...common,
    kind: 'connector',
    type: 'count',
    signals: [['traces', 'metrics']],
    passesItems: false,
    countsOnly: true,
    create: (config, host, next) => new Counting(config, host, story, next),
  }
  const helper: ExtensionFactory<Config> = {
    ...common,
    kind: 'extension',
    type: 'helper',
    create: (config, host) => new Part('extension', config, host, story),
  }
  return [
    source,
    processor('plain', false),
    processor('scrub', true),
    exporter('sink', false),
    exporter('void', true),
    pass,
    count,
    helper,
  ]
}

export function parse(yaml: string, factories: readonly Factory[]) {
  return loadConfig({ configs: ['env:CONFIG'] }, factories, processEnvironment({ CONFIG: yaml }))
}

export interface LogLine {
  readonly level: string
  readonly msg: string
  readonly [field: string]: unknown
}

/** A log whose lines a test can read. */
export function keptLog(): { log: Logger; lines: LogLine[] } {
  const lines: LogLine[] = []
  const formatters = { level: (level: string) => ({ level }) }
  return { log: pino({ base: null, formatters }, { write: (line: string) => lines.push(JSON.parse(line)) }), lines }
}

/** A daemon of those components; `check` throws if its books are wrong. */
export function daemonOf(yaml: string, options: { factories?: readonly Factory[]; clock?: Clock; story?: Story } = {}) {
  const story = options.story ?? new Story()
  const factories = options.factories ?? partsOf(story)
  const meter = new SelfMetrics()
  const { log, lines } = keptLog()
  const daemon = new Daemon(parse(yaml, factories), { log, clock: options.clock ?? systemClock, meter, version: '0' })
  const part = (key: string) => story.parts.get(key)!
  return {
    daemon,
    story,
    meter,
    lines,
    part,
    source: (id = 'source') => part(`receiver/${id}`),
    sink: (id = 'sink') => story.recorder(id),
    reload: (next: string) => daemon.reload(parse(next, factories)),
    balance: (edge: string) => daemon.ledger.snapshot().find((one) => one.edge === edge),
    findings: (quiet = false) => findings(daemon.ledger.snapshot(), quiet),
  }
}

async function listen(port: number): Promise<Server> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve())
  })
  return server
}
