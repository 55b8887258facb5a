/** The `batch` processor: joins small batches into larger ones. */
import type { Account, Batches, Consumer, Context, Host, Processor, ProcessorFactory, Signal } from '../../component.ts'
import { retryLater } from '../../refusal.ts'
import { Throttle } from '../../self/log.ts'
import { BatchCounts } from './batch_counts.ts'
import { type BatchConfig, schema } from './config.ts'
import { Group, type GroupSurroundings } from './group.ts'

export const batch: ProcessorFactory<BatchConfig> = {
  kind: 'processor',
  type: 'batch',
  summary:
    'Joins small batches into larger ones. It acknowledges at once: what waits is lost if the process is killed.',
  signals: ['traces', 'metrics', 'logs'],
  schema,
  create: (config, host, signal, next) => new BatchProcessor(config, host, signal, next),
}

/** So many times the batch size may wait for a slow consumer; over it senders are asked to come again. */
const PENDING_FACTOR = 10
const SIZE_FLOOR = 8192

class BatchProcessor<S extends Signal> implements Processor<S> {
  readonly #around: GroupSurroundings<S>
  readonly #groups = new Map<Account, Map<string, Group<S>>>()
  /** Groups of all accounts. */
  #open = 0
  #stopping = false

  constructor(config: BatchConfig, host: Host, signal: S, next: Consumer<S>) {
    const throttle = new Throttle(host.clock)
    this.#around = { config, signal, host, next, counts: new BatchCounts(host), throttle }
  }

  async consume(batch: Batches[S], context: Context): Promise<void> {
    if (this.#stopping) throw retryLater('shutdown', 'the batch processor is stopping')
    const group = this.#groupOf(context)
    const count_max = PENDING_FACTOR * Math.max(this.#around.config.send_batch_size, SIZE_FLOOR)
    if (group.count > 0 && group.count + batch.count > count_max) {
      throw retryLater(
        'queue_full',
        `${group.count} items wait in the batch processor because the next consumer is slow`,
      )
    }
    group.add(batch)
  }

  async shutdown(deadline: AbortSignal): Promise<void> {
    this.#stopping = true
    const groups = [...this.#groups.values()].flatMap((groups) => [...groups.values()])
    await Promise.all(groups.map((group) => group.finish(deadline)))
  }

  /** What waits goes on with the next batch or timeout; both follow the new config. */
  async update(config: unknown): Promise<boolean> {
    this.#around.config = config as BatchConfig
    return true
  }

  #groupOf(context: Context): Group<S> {
    const { account, tenant, policy } = context
    const metadata = this.#metadataOf(context)
    const key = JSON.stringify([tenant, policy?.id, [...metadata]])
    const groups = this.#groups.get(account) ?? new Map<string, Group<S>>()
    const known = groups.get(key)
    if (known !== undefined) return known
    const { metadata_cardinality_limit: limit } = this.#around.config
    if (limit > 0 && this.#open >= limit) {
      throw retryLater(
        'metadata_cardinality',
        `items of ${limit} (metadata_cardinality_limit) kinds of sender wait already`,
      )
    }
    const group = new Group(this.#around, { account, tenant, policy, metadata }, () => this.#forget(account, key))
    this.#groups.set(account, groups.set(key, group))
    this.#open++
    this.#around.counts.groups(1)
    return group
  }

  #forget(account: Account, key: string): void {
    this.#groups.get(account)?.delete(key)
    this.#open--
    this.#around.counts.groups(-1)
  }

  /** The headers named in the config, as far as the sender gave them. */
  #metadataOf(context: Context): ReadonlyMap<string, string> {
    const names = this.#around.config.metadata_keys.map((name) => name.toLowerCase())
    return new Map(names.flatMap((name) => (context.metadata.has(name) ? [[name, context.metadata.get(name)!]] : [])))
  }
}
