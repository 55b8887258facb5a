/** The applications of the demo: each has an OpenTelemetry SDK of its own, as separate programs would. */
import {
  type Context,
  context,
  type Span,
  type SpanOptions,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import { type Logger, SeverityNumber } from '@opentelemetry/api-logs'
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-proto'
import { OTLPTraceExporter as GrpcExporter } from '@opentelemetry/exporter-trace-otlp-grpc'
import { OTLPTraceExporter as HttpExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs'
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base'

/** Where the daemon listens. */
export interface Endpoints {
  /** `http://host:4317` */
  readonly grpc: string
  /** `http://host:4318` */
  readonly http: string
}

/** One application: it makes spans and log lines in the past, as if what they tell had taken its time. */
export class Service {
  readonly name: string
  readonly #spans: BasicTracerProvider
  readonly #logs: LoggerProvider
  readonly #logger: Logger

  constructor(name: string, protocol: 'grpc' | 'http', { grpc, http }: Endpoints) {
    this.name = name
    const resource = resourceFromAttributes({ 'service.name': name, 'deployment.environment.name': 'demo' })
    const exporter =
      protocol === 'grpc' ? new GrpcExporter({ url: grpc }) : new HttpExporter({ url: `${http}/v1/traces` })
    const options = { scheduledDelayMillis: 500, maxQueueSize: 8192 }
    this.#spans = new BasicTracerProvider({ resource, spanProcessors: [new BatchSpanProcessor(exporter, options)] })
    const logExporter = new OTLPLogExporter({ url: `${http}/v1/logs` })
    this.#logs = new LoggerProvider({ resource, processors: [new BatchLogRecordProcessor({ exporter: logExporter })] })
    this.#logger = this.#logs.getLogger(name)
  }

  /** A request to the application that began `duration_ms` before `end_ms` (Unix time). */
  request(name: string, end_ms: number, duration_ms: number): Step {
    return new Step(this.#spans.getTracer(name), this.#logger, undefined, name, end_ms - duration_ms, end_ms, {
      kind: 1,
    })
  }

  /** The tracer of an instrumentation, whose name tells how it writes model calls. */
  tracer(instrumentation: string): Tracer {
    return this.#spans.getTracer(instrumentation, '1.0.0')
  }

  /** Sends what is left. */
  async close(): Promise<void> {
    await Promise.all([this.#spans.shutdown(), this.#logs.shutdown()])
  }
}

/** A span and what is done inside it. */
export class Step {
  readonly span: Span
  readonly start_ms: number
  readonly end_ms: number
  readonly #logger: Logger
  readonly #context: Context

  constructor(
    tracer: Tracer,
    logger: Logger,
    parent: Context | undefined,
    name: string,
    start_ms: number,
    end_ms: number,
    options: SpanOptions,
  ) {
    this.#logger = logger
    this.start_ms = start_ms
    this.end_ms = end_ms
    this.span = tracer.startSpan(name, { ...options, startTime: start_ms }, parent ?? context.active())
    this.#context = trace.setSpan(parent ?? context.active(), this.span)
  }

  /** A child that takes the part from `from` to `to` (0 to 1) of this step's time. */
  step(tracer: Tracer, name: string, [from, to]: readonly [number, number], options: SpanOptions = {}): Step {
    const length_ms = this.end_ms - this.start_ms
    const [start_ms, end_ms] = [this.start_ms + from * length_ms, this.start_ms + to * length_ms]
    return new Step(tracer, this.#logger, this.#context, name, start_ms, end_ms, options)
  }

  /** An application's log line inside this step. */
  log(severityText: 'INFO' | 'WARN' | 'ERROR', body: string): void {
    const severityNumber = SeverityNumber[severityText]
    this.#logger.emit({ severityNumber, severityText, body, context: this.#context, timestamp: this.end_ms })
  }

  fail(type: string, message: string): void {
    this.span.setAttribute('error.type', type).setStatus({ code: SpanStatusCode.ERROR, message })
    this.span.addEvent('exception', { 'exception.type': type, 'exception.message': message }, this.end_ms)
  }

  end(): void {
    this.span.end(this.end_ms)
  }
}
