/**
 * Which redactions have judged a batch, and whether they are still those of the config. Each edge into a pipeline puts a mark
 * on what enters: the pipelines that the batch has passed so far. A mark is current as long as the redactions of these
 * pipelines, and what feeds the pipelines, stay the same. A batch with an old mark is judged again before it goes on: by the
 * new redactions of its pipelines, or, if one of them is gone or fed by others, by all redactions that run. So a reload
 * reaches everything that is held, without knowing who holds it.
 */
import type { Batches, Policy, Processor, Signal } from '../component.ts'
import { sameConfig } from '../config/compare.ts'
import type { ComponentPlan, PipelinePlan, Plan } from './plan.ts'

/** A redaction that runs. */
interface Judge {
  readonly id: string
  readonly plan: ComponentPlan
  readonly component: Processor<Signal>
}

/** What matters of a pipeline: another value means that its items are judged otherwise. */
interface Way {
  readonly judges: readonly Judge[]
  /** Connectors that feed it, and whether a receiver does. */
  readonly feeders: string
}

/** What is needed of the instances of a graph. */
interface Part {
  readonly key: string
  readonly plan: ComponentPlan
  readonly component: unknown
}

export class RedactionMarks {
  /** Rises whenever a batch may have to be judged again. */
  version = 0
  #ways: ReadonlyMap<string, Way> = new Map()
  #marks = new Map<string, Mark>()
  #made = 0
  #distrusted = 0
  #plan: Plan | undefined
  #taken = 0
  /** The mark of batches that have none: nobody knows their pipelines, so after the first reload all redactions judge them. */
  readonly unmarked: Policy = new Unmarked(this)

  /** From now on batches take the ways of this plan. */
  take(plan: Plan, instances: readonly Part[]): void {
    this.#ways = new Map(plan.pipelines.map((pipeline) => [pipeline.id, wayOf(pipeline, plan, instances)]))
    this.#marks = new Map()
    this.version++
    if (plan !== this.#plan) this.#taken++
    this.#plan = plan
  }

  /** No mark is current any more: a config that was taken back may have judged what has passed meanwhile. */
  distrust(): void {
    this.#distrusted++
    this.#marks = new Map()
    this.version++
  }

  /** Has a graph replaced another? */
  get hasChanged(): boolean {
    return this.#taken > 1
  }

  /** Rises with `distrust`: a mark made before is never current again. */
  get trust(): number {
    return this.#distrusted
  }

  /** The mark of a batch that enters the pipeline with the mark `before`. */
  mark(pipeline: string, before: Policy | undefined): Policy {
    const key = `${pipeline} ${before?.id}`
    let mark = this.#marks.get(key)
    if (mark === undefined) {
      mark = this.make([...(before instanceof Mark ? before.pipelines : []), pipeline], before)
      this.#marks.set(key, mark)
    }
    return mark
  }

  make(pipelines: readonly string[], before?: Policy): Mark {
    return new Mark(this.#made++, this, pipelines, before)
  }

  way(pipeline: string): Way | undefined {
    return this.#ways.get(pipeline)
  }

  /** Every redaction that runs, each once, in however many pipelines it stands. */
  all(): readonly Judge[] {
    const judges = [...this.#ways.values()].flatMap((way) => way.judges)
    return [...new Map(judges.map((judge) => [judge.id, judge])).values()]
  }
}

class Unmarked implements Policy {
  readonly id = -1
  readonly #marks: RedactionMarks

  constructor(marks: RedactionMarks) {
    this.#marks = marks
  }

  get isCurrent(): boolean {
    return !this.#marks.hasChanged
  }

  reconsider<S extends Signal>(batch: Batches[S]): Promise<Batches[S] | undefined> {
    return judgedBy(this.#marks.all(), batch)
  }

  renewed(): Policy {
    return this.#marks.make([])
  }
}

class Mark implements Policy {
  readonly id: number
  /** In the order in which the batch has entered them. */
  readonly pipelines: readonly string[]
  readonly #marks: RedactionMarks
  readonly #ways: readonly (Way | undefined)[]
  readonly #before: Policy | undefined
  readonly #trust: number
  #version = -1
  #isCurrent = true
  #renewed: Mark | undefined

  constructor(id: number, marks: RedactionMarks, pipelines: readonly string[], before: Policy | undefined) {
    this.id = id
    this.pipelines = pipelines
    this.#marks = marks
    this.#ways = pipelines.map((pipeline) => marks.way(pipeline))
    this.#before = before
    this.#trust = marks.trust
  }

  get isCurrent(): boolean {
    if (this.#version !== this.#marks.version) {
      this.#version = this.#marks.version
      this.#isCurrent = this.#trust === this.#marks.trust && this.pipelines.every((id, at) => this.#isSame(id, at))
    }
    return this.#isCurrent && (this.#before === undefined || this.#before.isCurrent)
  }

  reconsider<S extends Signal>(batch: Batches[S]): Promise<Batches[S] | undefined> {
    return judgedBy(this.#judges(), batch)
  }

  /** One for all that have this mark, so that they can still be merged. */
  renewed(): Policy {
    if (this.#renewed?.isCurrent !== true)
      this.#renewed = this.#marks.make(this.pipelines.filter((id) => this.#marks.way(id) !== undefined))
    return this.#renewed
  }

  #judges(): readonly Judge[] {
    const ways = this.pipelines.map((id) => this.#marks.way(id))
    const isThere = ways.every((way, at) => way !== undefined && way.feeders === this.#ways[at]?.feeders)
    return isThere ? ways.flatMap((way) => way!.judges) : this.#marks.all()
  }

  #isSame(pipeline: string, at: number): boolean {
    const [before, now] = [this.#ways[at], this.#marks.way(pipeline)]
    if (before === undefined || now === undefined || before.feeders !== now.feeders) return false
    if (before.judges.length !== now.judges.length) return false
    return before.judges.every((judge, position) => {
      const other = now.judges[position]!
      return judge.id === other.id && sameConfig(judge.plan, other.plan)
    })
  }
}

async function judgedBy<S extends Signal>(
  judges: readonly Judge[],
  batch: Batches[S],
): Promise<Batches[S] | undefined> {
  let judged: Batches[S] | undefined = batch
  for (const { component } of judges) if (judged !== undefined) judged = await component.reconsider!(judged)
  return judged
}

function wayOf({ id, receivers, processors }: PipelinePlan, plan: Plan, instances: readonly Part[]): Way {
  const judges = processors.flatMap((processor) => {
    const found = instances.find(({ key }) => key === `processor/${processor} @ ${id}`)
    const component = found?.component as Processor<Signal> | undefined
    return component?.reconsider === undefined ? [] : [{ id: processor, plan: found!.plan, component }]
  })
  const isConnector = (one: string) => plan.components.some((other) => other.kind === 'connector' && other.id === one)
  const connectors = receivers.filter(isConnector).sort()
  return { judges, feeders: JSON.stringify([connectors, connectors.length < receivers.length]) }
}
