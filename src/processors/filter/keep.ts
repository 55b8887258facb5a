import type { Signal } from '../../component.ts'
import { type Criteria, Matcher } from '../../items/match.ts'
import type { AnyBatch } from '../../telemetry/batch.ts'
import type { FilterConfig } from './config.ts'

/** Which items go on: those that match `include` and do not match `exclude`. */
export class Keep {
  readonly #include: Matcher | undefined
  readonly #exclude: Matcher | undefined

  constructor(signal: Signal, config: FilterConfig) {
    const { include, exclude } = criteriaOf(signal, config)
    this.#include = include && new Matcher(signal, include)
    this.#exclude = exclude && new Matcher(signal, exclude)
  }

  /** Nothing is configured for the signal. */
  get isEverything(): boolean {
    return this.#include === undefined && this.#exclude === undefined
  }

  keeps(batch: AnyBatch, item: number): boolean {
    return this.#include?.matches(batch, item) !== false && this.#exclude?.matches(batch, item) !== true
  }

  /** Lets go of the batch. */
  forget(): void {
    this.#include?.forget()
    this.#exclude?.forget()
  }
}

interface Both {
  readonly include: Criteria | undefined
  readonly exclude: Criteria | undefined
}

function criteriaOf(signal: Signal, { spans, metrics, logs }: FilterConfig): Both {
  if (signal === 'traces') return { include: ofSpans(spans?.include), exclude: ofSpans(spans?.exclude) }
  if (signal === 'metrics') return { include: ofMetrics(metrics?.include), exclude: ofMetrics(metrics?.exclude) }
  return { include: ofLogs(logs?.include), exclude: ofLogs(logs?.exclude) }
}

function ofSpans(match: NonNullable<FilterConfig['spans']>['include']): Criteria | undefined {
  if (match === undefined) return undefined
  const { services, resources, libraries, span_names, span_kinds, attributes } = match
  return { services, resources, libraries, names: span_names, kinds: span_kinds, attributes }
}

function ofMetrics(match: NonNullable<FilterConfig['metrics']>['include']): Criteria | undefined {
  return match && { resources: match.resource_attributes, names: match.metric_names }
}

function ofLogs(match: NonNullable<FilterConfig['logs']>['include']): Criteria | undefined {
  if (match === undefined) return undefined
  const { resource_attributes, record_attributes, severity_texts, severity_number, bodies } = match
  return { resources: resource_attributes, attributes: record_attributes, severity_texts, severity_number, bodies }
}
