/** What is built in. A new component is one folder and one line here. */
import type { Factory } from './component.ts'
import { forward } from './connectors/forward/index.ts'
import { genAiLogs } from './connectors/gen_ai_logs/index.ts'
import { genAiMetrics } from './connectors/gen_ai_metrics/index.ts'
import { debug } from './exporters/debug/index.ts'
import { file } from './exporters/file/index.ts'
import { loki } from './exporters/loki/index.ts'
import { nop } from './exporters/nop/index.ts'
import { otlpGrpc } from './exporters/otlp_grpc/index.ts'
import { otlpHttp } from './exporters/otlp_http/index.ts'
import { prometheus } from './exporters/prometheus/index.ts'
import { store } from './exporters/store/index.ts'
import { api } from './extensions/api/index.ts'
import { healthCheck } from './extensions/health_check/index.ts'
import { attributes } from './processors/attributes/index.ts'
import { batch } from './processors/batch/index.ts'
import { filter } from './processors/filter/index.ts'
import { genAi } from './processors/gen_ai/index.ts'
import { memoryLimiter } from './processors/memory_limiter/index.ts'
import { redaction } from './processors/redaction/index.ts'
import { resource } from './processors/resource/index.ts'
import { tailSampling } from './processors/tail_sampling/index.ts'
import { otlpReceiver } from './receivers/otlp/index.ts'

export const components: readonly Factory[] = [
  otlpReceiver,
  memoryLimiter,
  batch,
  attributes,
  resource,
  filter,
  genAi,
  redaction,
  tailSampling,
  forward,
  genAiLogs,
  genAiMetrics,
  debug,
  file,
  loki,
  nop,
  otlpGrpc,
  otlpHttp,
  prometheus,
  store,
  api,
  healthCheck,
]
