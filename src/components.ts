/** What is built in. A new component is one folder and one line here. */
import type { Factory } from './component.ts'
import { tailSampling } from './processors/tail_sampling/index.ts'
import { otlpReceiver } from './receivers/otlp/index.ts'

export const components: readonly Factory[] = [otlpReceiver, tailSampling]
