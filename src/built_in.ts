/** What is built in, loaded when it is asked for. A new component is one folder and one line here. */
import type { Factory } from './component.ts'

export interface BuiltIn {
  readonly kind: Factory['kind']
  /** The type, and older names of it. */
  readonly names: readonly string[]
  readonly load: () => Promise<Factory>
}

export const builtIn: readonly BuiltIn[] = [
  of('receiver', ['otlp'], async () => (await import('./receivers/otlp/index.ts')).otlpReceiver),
  of('processor', ['memory_limiter'], async () => (await import('./processors/memory_limiter/index.ts')).memoryLimiter),
  of('processor', ['batch'], async () => (await import('./processors/batch/index.ts')).batch),
  of('processor', ['attributes'], async () => (await import('./processors/attributes/index.ts')).attributes),
  of('processor', ['resource'], async () => (await import('./processors/resource/index.ts')).resource),
  of('processor', ['filter'], async () => (await import('./processors/filter/index.ts')).filter),
  of('processor', ['gen_ai'], async () => (await import('./processors/gen_ai/index.ts')).genAi),
  of('processor', ['redaction'], async () => (await import('./processors/redaction/index.ts')).redaction),
  of('processor', ['tail_sampling'], async () => (await import('./processors/tail_sampling/index.ts')).tailSampling),
  of('connector', ['forward'], async () => (await import('./connectors/forward/index.ts')).forward),
  of('connector', ['gen_ai_logs'], async () => (await import('./connectors/gen_ai_logs/index.ts')).genAiLogs),
  of('connector', ['gen_ai_metrics'], async () => (await import('./connectors/gen_ai_metrics/index.ts')).genAiMetrics),
  of('exporter', ['debug'], async () => (await import('./exporters/debug/index.ts')).debug),
  of('exporter', ['file'], async () => (await import('./exporters/file/index.ts')).file),
  of('exporter', ['loki'], async () => (await import('./exporters/loki/index.ts')).loki),
  of('exporter', ['nop'], async () => (await import('./exporters/nop/index.ts')).nop),
  of('exporter', ['otlp_grpc', 'otlp'], async () => (await import('./exporters/otlp_grpc/index.ts')).otlpGrpc),
  of('exporter', ['otlp_http', 'otlphttp'], async () => (await import('./exporters/otlp_http/index.ts')).otlpHttp),
  of('exporter', ['prometheus'], async () => (await import('./exporters/prometheus/index.ts')).prometheus),
  of('exporter', ['store'], async () => (await import('./exporters/store/index.ts')).store),
  of('extension', ['api'], async () => (await import('./extensions/api/index.ts')).api),
  of('extension', ['health_check'], async () => (await import('./extensions/health_check/index.ts')).healthCheck),
]

/** What a config names, as far as it is there. */
export interface Named {
  readonly kind: Factory['kind']
  readonly type: string
}

/** Those that are named; all, if something is named that is not there: then it has to be said what is. */
export function factoriesOf(named: readonly Named[]): Promise<Factory[]> {
  const isAt = ({ kind, names }: BuiltIn) => named.some((one) => one.kind === kind && names.includes(one.type))
  const isThere = ({ kind, type }: Named) => builtIn.some((one) => one.kind === kind && one.names.includes(type))
  return Promise.all((named.every(isThere) ? builtIn.filter(isAt) : builtIn).map(({ load }) => load()))
}

function of(kind: BuiltIn['kind'], names: readonly string[], load: () => Promise<Factory>): BuiltIn {
  return { kind, names, load }
}
