/** Names in the log, once each, the models that nobody has a price for: their calls are in no sum of costs. */
import type { Host } from '../../component.ts'

type Log = Pick<Host['log'], 'warn'>

/** So many are named; then one line says that there are more. */
const NAMES_MAX = 100

export class UnpricedModels {
  readonly #log: Log
  readonly #named = new Set<string>()

  constructor(log: Log) {
    this.#log = log
  }

  /** `model`: as it is shown in metrics, so it has been through the same redaction. */
  tell(model: string): void {
    if (this.#named.size > NAMES_MAX || this.#named.has(model)) return
    this.#named.add(model)
    if (this.#named.size > NAMES_MAX)
      this.#log.warn('more models without a price are not named; llm_unpriced_requests_total counts their calls')
    else this.#log.warn({ model }, 'calls of a model without a price: add one to the prices of gen_ai')
  }
}
