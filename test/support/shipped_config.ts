/** The shipped config on ports that are free: for daemons that run beside others. */
import { fileURLToPath } from 'node:url'
import { freePort } from './ports.ts'

export interface ShippedPorts {
  readonly grpc: number
  readonly http: number
  readonly prometheus: number
  readonly self: number
  readonly health: number
  readonly api: number
}

export async function shippedPorts(): Promise<ShippedPorts> {
  return {
    grpc: await freePort(),
    http: await freePort(),
    prometheus: await freePort(),
    self: await freePort(),
    health: await freePort(),
    api: await freePort(),
  }
}

/** What the daemon is started with to have `collector.yaml` with these ports. Its data is where SLUICE_DATA says. */
export function shippedArguments(ports: ShippedPorts): string[] {
  const at = (port: number) => `127.0.0.1:${port}`
  const reader = `[{ pull: { exporter: { prometheus: { host: 127.0.0.1, port: ${ports.self} } } } }]`
  const sets = {
    'receivers.otlp.protocols.grpc.endpoint': at(ports.grpc),
    'receivers.otlp.protocols.http.endpoint': at(ports.http),
    'exporters.prometheus.endpoint': at(ports.prometheus),
    'extensions.health_check.endpoint': at(ports.health),
    'extensions.api.endpoint': at(ports.api),
    'service.telemetry.metrics.readers': reader,
  }
  const config = fileURLToPath(new URL('../../collector.yaml', import.meta.url))
  return ['--config', config, ...Object.entries(sets).flatMap(([key, value]) => ['--set', `${key}=${value}`])]
}
