/** Sends OTLP over gRPC. */
import type { ExporterFactory, Signal } from '../../component.ts'
import { SendingExporter } from '../../sending/sending_exporter.ts'
import { type OtlpGrpcConfig, schema } from './config.ts'
import { OtlpGrpcClient } from './otlp_grpc_client.ts'

const signals: readonly Signal[] = ['traces', 'metrics', 'logs']

export const otlpGrpc: ExporterFactory<OtlpGrpcConfig> = {
  kind: 'exporter',
  type: 'otlp_grpc',
  aliases: ['otlp'],
  summary: 'Sends traces, metrics and logs to an OTLP/gRPC endpoint.',
  schema,
  signals,
  create: (config, host) => new SendingExporter(new OtlpGrpcClient(config, host), signals, config, host),
}
