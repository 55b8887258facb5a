import type { SubjectName } from './bench_subject.ts'
import type { Transport } from './load_process.ts'

/** What a subject has to do in a run. */
export interface Work {
  readonly name: string
  /** Transports measured unless the user names others. */
  readonly transports: readonly Transport[]
  /** Order of the runs in one block; A B B A cancels a drift of the machine. */
  readonly order: readonly SubjectName[]
  readonly warmUp_s: number
  /** True: what goes in has to come out; false: tail sampling keeps a part. */
  readonly keepsAll: boolean
  config(subject: SubjectName, transport: Transport): string
}

/** Percentage of the remaining traces that the sampling policy keeps in configs/pipeline*.yaml. */
export const KEPT_PERCENT = 7.5

const ABBA: readonly SubjectName[] = ['collector', 'sluice', 'sluice', 'collector']

export const WORKS: readonly Work[] = [
  {
    name: 'passthrough',
    transports: ['http', 'grpc'],
    order: ABBA,
    warmUp_s: 4,
    keepsAll: true,
    config: (_, transport) => `passthrough_${transport}.yaml`,
  },
  {
    name: 'store',
    transports: ['http'],
    order: ['collector', 'sluice'],
    warmUp_s: 4,
    keepsAll: true,
    config: (subject) => `store.${subject}.yaml`,
  },
  {
    name: 'pipeline_redacted',
    transports: ['http'],
    order: ABBA,
    // Longer than the sampler's decision_wait, so that decisions are part of what is measured.
    warmUp_s: 6.5,
    keepsAll: false,
    config: (subject) => `pipeline_redacted.${subject}.yaml`,
  },
  {
    name: 'pipeline',
    transports: ['http'],
    order: ['collector', 'sluice'],
    warmUp_s: 6.5,
    keepsAll: false,
    config: (subject) => `pipeline.${subject}.yaml`,
  },
]

export const MEMORY_CONFIG = 'memory.yaml'

/** Cores of the subject and of the load. */
export const CPU = { subject: 0, load: 1 }
