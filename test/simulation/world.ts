/** An invented application: what it calls, which spans tell of it, and what is true because it was made up so. */
import { TOLERANCE_ms, UNREAD_MAX_ms } from '../../src/gen_ai/grouping/same_call.ts'
import { Random } from '../bench/random.ts'
import type { PlainAttributes, SpanOptions } from '../support/otlp.ts'
import {
  CALL_EVENT,
  type CallTruth,
  type Emitter,
  FRAMEWORKS,
  GATEWAY,
  SDKS,
  STREAMER,
  type Told,
} from './instrumentations.ts'

export interface Report extends SpanOptions {
  readonly trace: string
  readonly id: string
  readonly end_ms: number
  readonly name: string
  readonly scope: string
  readonly service: string
  /** A log record, which names a span by `id`. */
  readonly isRecord: boolean
  /** Reports of one unit are compared with each other, and have to come in time for it; 0: it tells of no call. */
  readonly unit: number
}

export interface TraceTruth {
  readonly calls: CallTruth[]
  /** Spans, one for each id. */
  spans: number
}

export interface World {
  readonly reports: readonly Report[]
  readonly traces: ReadonlyMap<string, TraceTruth>
}

const MODELS = [
  ['gpt-4o-mini', 'gpt-4o-mini-2024-07-18', 'openai'],
  ['gpt-4.1', 'gpt-4.1-2025-04-14', 'openai'],
  ['claude-haiku-4-5', 'claude-haiku-4-5-20251001', 'anthropic'],
  ['a-model-of-their-own', 'a-model-of-their-own', 'openai'],
] as const
const SERVICES = ['shop', 'support', 'search'] as const
/** Longer than all that was done before it takes to arrive, twice. */
const LULL_ms = 25_000
/** Less than `settle_max`, by the time in which its reports arrive. */
const STREAM_MAX_ms = 12_000
const ALL: Told = { tokens: true, responseId: true, responseModel: true }

/** `start_ms`: when its first trace begins, Unix milliseconds. */
export function worldOf(seed: number, start_ms: number): World {
  const world = new Builder(seed, start_ms)
  return world.build()
}

/** A span that others stand in: ids, and when it begins. */
interface Place {
  readonly trace: string
  readonly service: string
  readonly parent: string
  readonly start_ms: number
}

class Builder {
  readonly #random: Random
  readonly #start_ms: number
  readonly #reports: Report[] = []
  readonly #traces = new Map<string, TraceTruth>()
  #serial: number
  /** For a while from then on nothing is begun. */
  readonly #lull_ms: number
  #unit = 0
  #units = 0

  constructor(seed: number, start_ms: number) {
    this.#random = new Random(seed)
    this.#start_ms = start_ms
    this.#serial = 100
    this.#lull_ms = this.#chance(0.5) ? start_ms + this.#random.whole(500, 6000) : Number.POSITIVE_INFINITY
  }

  build(): World {
    const traces = this.#random.whole(1, 12)
    for (let trace = 0; trace < traces; trace++) this.#trace(this.#start_ms + this.#random.whole(0, 4000))
    return { reports: this.#reports, traces: this.#traces }
  }

  #trace(start_ms: number): void {
    const trace = this.#random.hex(32)
    const service = this.#random.pick(SERVICES)
    this.#traces.set(trace, { calls: [], spans: 0 })
    const root: Place = { trace, service, parent: '', start_ms }
    const id = this.#id()
    let at_ms = start_ms
    for (let step = this.#random.whole(1, 5); step > 0; step--)
      at_ms = this.#step({ ...root, parent: id, start_ms: this.#after(at_ms) }, 2)
    // The last thing, since what comes behind a stream waits with it, and not longer than settle_max.
    if (at_ms - start_ms < 8000 && this.#chance(0.2)) {
      const last = { ...root, parent: id, start_ms: this.#after(at_ms) }
      at_ms = this.#inUnit(() => this.#streamed(last, STREAM_MAX_ms))
    }
    this.#span(root, id, 'POST /chat', 'an.http.server', at_ms + 5, {})
  }

  /** One thing that the application does; returns when it is over. */
  #step(place: Place, depth: number): number {
    const kinds = [
      () => this.#plain(place),
      () => this.#nested(place, 2),
      () => this.#nested(place, 3),
      () => this.#apart(place),
      () => this.#behindGateway(place),
      () => this.#retried(place),
      () => this.#fallback(place),
      () => this.#handedOver(place),
      () => this.#streamed(place),
      () => this.#parallel(place),
      () => this.#recorded(place),
      () => this.#besideRecord(place),
      () => this.#other(place),
      ...(depth > 0 ? [() => this.#agent(place, depth - 1)] : []),
    ]
    return this.#inUnit(this.#random.pick(kinds))
  }

  /** Its reports belong together, unless they are of units within. */
  #inUnit(work: () => number): number {
    this.#unit = ++this.#units
    const end_ms = work()
    this.#unit = 0
    return end_ms
  }

  /** One call, one report. */
  #plain(place: Place): number {
    const call = this.#call(this.#chance(0.15))
    const end_ms = this.#end(place)
    this.#report(place, this.#id(), this.#random.pick([...SDKS, ...FRAMEWORKS]), call, end_ms, {
      ...ALL,
      tokens: this.#chance(0.9),
    })
    return end_ms
  }

  /** A framework, perhaps a library below it, and the provider's SDK: one inside the other. */
  #nested(place: Place, reports: 2 | 3): number {
    const call = this.#call(this.#chance(0.15))
    const end_ms = this.#end(place)
    const emitters = reports === 3 ? [FRAMEWORKS[0], FRAMEWORKS[1], SDKS[0]] : [this.#random.pick(FRAMEWORKS), SDKS[0]]
    let inside = place
    emitters.forEach((emitter, at) => {
      const id = this.#id()
      const isInnermost = at === emitters.length - 1
      const told = isInnermost ? ALL : { tokens: this.#chance(0.5), responseId: this.#chance(0.5), responseModel: true }
      this.#report(inside, id, emitter, call, end_ms - at, told, isInnermost)
      inside = { ...inside, parent: id, start_ms: inside.start_ms + 1 }
    })
    return end_ms
  }

  /** The framework does not make its span current: both reports hang on the same parent. */
  #apart(place: Place): number {
    const call = this.#call(false)
    const end_ms = this.#end(place)
    this.#report(place, this.#id(), this.#random.pick(FRAMEWORKS), call, end_ms, { ...ALL, responseId: false }, false)
    this.#report({ ...place, start_ms: place.start_ms + 1 }, this.#id(), SDKS[0], call, end_ms - 1, ALL)
    return end_ms
  }

  /** A client, two HTTP spans, and a gateway in another service. */
  #behindGateway(place: Place): number {
    const call = this.#call(false)
    const end_ms = this.#end(place)
    const [client, http, server] = [this.#id(), this.#id(), this.#id()]
    const inside = (parent: string, by_ms: number) => ({ ...place, parent, start_ms: place.start_ms + by_ms })
    this.#report(place, client, SDKS[0], call, end_ms, ALL)
    this.#span(inside(client, 1), http, 'POST', 'an.http.client', end_ms - 1, {})
    const gateway = { ...inside(http, 2), service: 'gateway' }
    this.#span(gateway, server, 'POST /v1/chat/completions', 'an.http.server', end_ms - 2, {})
    this.#report(
      { ...gateway, ...inside(server, 3), service: 'gateway' },
      this.#id(),
      GATEWAY,
      call,
      end_ms - 3,
      {
        ...ALL,
        responseId: this.#chance(0.5),
      },
      false,
    )
    return end_ms
  }

  /** A framework's span around attempts of the SDK, of which the last works. Each attempt is a call. */
  #retried(place: Place): number {
    const good = this.#call(false)
    const outer = this.#id()
    let at_ms = place.start_ms + 1
    for (let attempt = this.#random.whole(1, 2); attempt > 0; attempt--) {
      const failed = { ...good, ...this.#failure() }
      const end_ms = at_ms + this.#random.whole(20, 300)
      this.#report({ ...place, parent: outer, start_ms: at_ms }, this.#id(), SDKS[0], failed, end_ms, ALL)
      at_ms = end_ms + 10
    }
    const end_ms = at_ms + this.#random.whole(100, 900)
    this.#report({ ...place, parent: outer, start_ms: at_ms }, this.#id(), SDKS[0], good, end_ms, ALL)
    const told = { ...ALL, tokens: this.#chance(0.7), responseId: false }
    this.#report(place, outer, this.#random.pick(FRAMEWORKS), good, end_ms + 1, told, false)
    return end_ms + 1
  }

  /** A router's span under the model asked first; the one that answered is another. */
  #fallback(place: Place): number {
    const good = this.#call(false)
    const [model, responseModel, provider] = this.#random.pick(MODELS.filter(([one]) => one !== good.model))
    const first = { ...good, model, responseModel, provider, ...this.#failure() }
    const outer = this.#id()
    const at_ms = place.start_ms + this.#random.whole(50, 200)
    const end_ms = at_ms + this.#random.whole(100, 900)
    const router = SDKS[1]
    this.#report({ ...place, parent: outer, start_ms: place.start_ms + 1 }, this.#id(), router, first, at_ms - 5, ALL)
    this.#report({ ...place, parent: outer, start_ms: at_ms }, this.#id(), router, good, end_ms, ALL)
    const asked = { ...good, model, responseModel, provider }
    this.#report(
      place,
      outer,
      router,
      asked,
      end_ms + 1,
      { tokens: true, responseId: false, responseModel: false },
      false,
    )
    return end_ms + 1
  }

  /** The framework's span ends when the stream is handed over. */
  #handedOver(place: Place): number {
    const call = this.#call(false)
    const outer = this.#id()
    const end_ms = place.start_ms + this.#random.whole(300, 2000)
    const handedOver_ms = place.start_ms + this.#random.whole(20, 200)
    const told = { tokens: false, responseId: false, responseModel: false }
    this.#report(place, outer, this.#random.pick(FRAMEWORKS), call, handedOver_ms, told, false)
    this.#report({ ...place, parent: outer, start_ms: place.start_ms + 2 }, this.#id(), SDKS[0], call, end_ms, ALL)
    return end_ms
  }

  /** A stream told of in two spans; perhaps a framework's span around both. */
  #streamed(place: Place, longest_ms = 3000): number {
    const call = this.#call(false)
    const isAround = this.#chance(0.4)
    const outer = this.#id()
    const inside = isAround ? { ...place, parent: outer, start_ms: place.start_ms + 1 } : place
    const handedOver_ms = inside.start_ms + this.#random.whole(20, 200)
    // Less than the most: times are known to a microsecond.
    const begun_ms = handedOver_ms + this.#random.whole(0, UNREAD_MAX_ms - 1)
    const end_ms = begun_ms + this.#random.whole(100, longest_ms)
    const asked = { ...call, input: undefined, output: undefined, cached: 0, responseId: '' }
    this.#report(inside, this.#id(), STREAMER, asked, handedOver_ms, ALL, false, { 'gen_ai.request.stream': true })
    const record = { ...inside, start_ms: end_ms }
    this.#report(record, this.#id(), STREAMER, call, end_ms, ALL, true, { duration: (end_ms - begun_ms) / 1000 })
    const told = { ...ALL, tokens: this.#chance(0.5), responseId: false }
    if (isAround) this.#report(place, outer, this.#random.pick(FRAMEWORKS), call, end_ms + 1, told, false)
    return end_ms + 1
  }

  /** Equal calls at the same time, each told by one instrumentation, or each by two. */
  #parallel(place: Place): number {
    const like = this.#call(false)
    const isTwice = this.#chance(0.5)
    let last_ms = place.start_ms
    for (let count = this.#random.whole(2, 5); count > 0; count--) {
      const call = { ...like, responseId: this.#responseId() }
      const end_ms = this.#end(place)
      const outer = this.#id()
      const parent = isTwice ? outer : place.parent
      if (isTwice) this.#report(place, outer, FRAMEWORKS[0], call, end_ms + 1, ALL, false)
      this.#report({ ...place, parent }, this.#id(), SDKS[0], call, end_ms, ALL)
      last_ms = Math.max(last_ms, end_ms + 1)
    }
    return last_ms
  }

  /** No span tells of the call, only a log record in the agent's or the server's span. */
  #recorded(place: Place): number {
    const call = this.#call(this.#chance(0.1))
    const end_ms = this.#end(place)
    this.#record(place, place.parent, call, end_ms, ALL)
    this.#addTruth(place, call)
    return end_ms
  }

  /** Span and log record of one instrumentation: the record says as much, or less. */
  #besideRecord(place: Place): number {
    const call = this.#call(this.#chance(0.1))
    const end_ms = this.#end(place)
    const id = this.#id()
    this.#report(place, id, SDKS[0], call, end_ms, ALL)
    this.#record(place, id, call, end_ms, { ...ALL, tokens: this.#chance(0.7), responseId: this.#chance(0.7) })
    return end_ms
  }

  /** No call. */
  #other(place: Place): number {
    const end_ms = this.#end(place)
    this.#span(place, this.#id(), 'SELECT products', 'a.database', end_ms, { 'db.system.name': 'postgresql' })
    return end_ms
  }

  #agent(place: Place, depth: number): number {
    const id = this.#id()
    let at_ms = place.start_ms
    for (let step = this.#random.whole(1, 4); step > 0; step--)
      at_ms = this.#step({ ...place, parent: id, start_ms: this.#after(at_ms) }, depth)
    const attributes = { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.name': 'helper' }
    this.#span(place, id, 'invoke_agent helper', 'a.framework', at_ms + 1, attributes)
    return at_ms + 1
  }

  /** Numbers that no other call of this world has. */
  #call(failed: boolean): CallTruth {
    const [model, responseModel, provider] = this.#random.pick(MODELS)
    const serial = this.#serial++
    const input = serial * 7 + this.#random.whole(0, 6)
    const whole: CallTruth = {
      model,
      responseModel,
      provider,
      input,
      output: serial + 1,
      cached: this.#chance(0.2) ? Math.floor(input / 3) : 0,
      failure: undefined,
      responseId: this.#responseId(),
    }
    return failed ? { ...whole, ...this.#failure() } : whole
  }

  #failure(): Pick<CallTruth, 'failure' | 'input' | 'output' | 'cached' | 'responseId'> {
    const failure = this.#random.pick(['error', 'rate_limit'] as const)
    return { failure, input: undefined, output: undefined, cached: 0, responseId: '' }
  }

  /** `counts`: it is the one report by which the call is written into the truth. */
  #report(
    place: Place,
    id: string,
    emitter: Emitter,
    call: CallTruth,
    end_ms: number,
    told: Told,
    counts = true,
    more: PlainAttributes = {},
  ): void {
    const hasId = told.responseId && emitter.knowsIds && call.responseId !== ''
    const attributes = { ...emitter.write(call, { ...told, responseId: hasId }), ...more }
    const status = call.failure === undefined ? {} : { status: { code: 2 } }
    this.#span(place, id, `chat ${call.model}`, emitter.scope, end_ms, attributes, status)
    if (!counts) return
    const unknown = told.tokens ? {} : { input: undefined, output: undefined }
    const failure = call.failure === 'rate_limit' && !emitter.knowsLimits ? 'error' : call.failure
    this.#addTruth(place, { ...call, ...unknown, failure })
  }

  #addTruth({ trace }: Place, call: CallTruth): void {
    this.#traces.get(trace)!.calls.push(call)
  }

  #record({ trace, service, start_ms }: Place, id: string, call: CallTruth, end_ms: number, told: Told): void {
    const hasId = told.responseId && call.responseId !== ''
    const attributes = SDKS[0].write(call, { ...told, responseId: hasId })
    const { scope } = SDKS[0]
    const record = { trace, id, name: CALL_EVENT, scope, service, start_ms, end_ms, attributes, isRecord: true }
    this.#reports.push({ ...record, unit: this.#unit })
  }

  #span(
    { trace, service, parent, start_ms }: Place,
    id: string,
    name: string,
    scope: string,
    end_ms: number,
    attributes: SpanOptions['attributes'] & object,
    more: Partial<SpanOptions> = {},
  ): void {
    this.#traces.get(trace)!.spans++
    const above = parent === '' ? {} : { parent }
    const span = { trace, id, name, scope, service, start_ms, end_ms, attributes, isRecord: false, unit: this.#unit }
    this.#reports.push({ ...span, ...above, ...more })
  }

  #end({ start_ms }: Place): number {
    return start_ms + this.#random.whole(30, 1500)
  }

  /** When the next thing begins. */
  #after(at_ms: number): number {
    const start_ms = at_ms + this.#pause_ms()
    const isInLull = start_ms >= this.#lull_ms && start_ms < this.#lull_ms + LULL_ms
    return isInLull ? start_ms + LULL_ms : start_ms
  }

  /** Longer than clocks are believed to differ: closer together, two failed calls told by two emitters could be one. */
  #pause_ms(): number {
    return this.#random.whole(TOLERANCE_ms + 1, 40)
  }

  #id(): string {
    return this.#random.hex(16)
  }

  #responseId(): string {
    return `resp_${this.#random.token(16)}`
  }

  #chance(share: number): boolean {
    return this.#random.unit() < share
  }
}
