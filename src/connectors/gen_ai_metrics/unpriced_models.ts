/** Names in the log, once each, the models that nobody has a price for: their calls are in no sum of costs. */
import type { Host } from '../../component.ts'
import { detectors } from '../../content/detectors/detectors.ts'
import { Findings } from '../../content/detectors/findings.ts'
import { scan } from '../../content/detectors/scan.ts'

type Log = Pick<Host['log'], 'warn'>

/** So many are named; then one line says that there are more. */
const NAMES_MAX = 100
/** What names of models and of deployments are made of. */
const NAME = /^[\w.:/@+-]{1,100}$/

export class UnpricedModels {
  readonly #log: Log
  readonly #named = new Set<string>()
  readonly #findings = new Findings()

  constructor(log: Log) {
    this.#log = log
  }

  /** `model`: as it is shown in metrics. */
  tell(model: string): void {
    if (this.#named.size > NAMES_MAX || this.#named.has(model)) return
    this.#named.add(model)
    if (this.#named.size > NAMES_MAX)
      this.#log.warn('more models without a price are not named; llm_unpriced_requests_total counts their calls')
    else if (this.#isShown(model))
      this.#log.warn({ model }, 'calls of a model without a price: add one to the prices of gen_ai')
    else this.#log.warn('calls without a price of a model whose name is none: see llm_unpriced_requests_total')
  }

  /** Senders choose the text, and a pipeline without redaction lets anything through: into the log only what a name is. */
  #isShown(model: string): boolean {
    const bytes = Buffer.from(model)
    return NAME.test(model) && scan(detectors, bytes, 0, bytes.length, this.#findings) === 0
  }
}
