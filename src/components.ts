/** What is built in. A new component is one folder and one line here. */
import type { Factory } from './component.ts'
import { genAiMetrics } from './connectors/gen_ai_metrics/index.ts'
import { debug } from './exporters/debug/index.ts'
import { file } from './exporters/file/index.ts'
import { nop } from './exporters/nop/index.ts'
import { otlpGrpc } from './exporters/otlp_grpc/index.ts'
import { otlpHttp } from './exporters/otlp_http/index.ts'
import { prometheus } from './exporters/prometheus/index.ts'
import { genAi } from './processors/gen_ai/index.ts'
import { tailSampling } from './processors/tail_sampling/index.ts'
import { otlpReceiver } from './receivers/otlp/index.ts'

export const components: readonly Factory[] = [
  otlpReceiver,
  genAi,
  tailSampling,
  genAiMetrics,
  debug,
  file,
  nop,
  otlpGrpc,
  otlpHttp,
  prometheus,
]
