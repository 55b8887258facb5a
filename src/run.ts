/** A daemon's life as a process: signals, its own metrics, the log. */
import { hostname } from 'node:os'
import type { Logger } from 'pino'
import type { LoadedConfig } from './config/load.ts'
import { ConfigError, formatProblems } from './config/problem.ts'
import { Daemon } from './daemon.ts'
import { systemClock } from './self/clock.ts'
import { createLog } from './self/log.ts'
import { type MetricsServer, serveMetrics } from './self/metrics_server.ts'
import { watchProcess } from './self/process_metrics.ts'
import { SelfMetrics } from './self/registry.ts'

/**
 * Runs until SIGTERM or SIGINT. Resolves to the exit code: 0 after everything was handed on, 1 if something was left.
 * A second signal ends the process at once. SIGHUP reads the config again.
 */
export async function run(load: () => LoadedConfig, version: string): Promise<number> {
  const config = load()
  const { telemetry } = config.service
  const log = createLog({ level: telemetry.logs.level, encoding: telemetry.logs.encoding })
  warn(config, log)
  const reader =
    telemetry.metrics.level === 'none' ? undefined : telemetry.metrics.readers[0]?.pull?.exporter.prometheus
  const meter = new SelfMetrics({ without_type_suffix: reader?.without_type_suffix ?? true })
  const stopWatching = watchProcess(
    meter,
    { name: 'sluice', version, instanceId: `${hostname()}-${process.pid}` },
    systemClock,
  )
  const daemon = new Daemon(config, { log, clock: systemClock, meter, version })
  const stopped = nextSignal()
  await daemon.start()
  const server: MetricsServer | undefined =
    reader && (await serveMetrics({ host: reader.host, port: reader.port }, () => meter.text()))
  process.on('SIGHUP', () => void reload(daemon, load, log))
  log.info({ version, node: process.versions.node }, 'ready')
  const signal = await stopped
  log.info({ signal }, 'stopping')
  process.once('SIGTERM', () => process.exit(1)).once('SIGINT', () => process.exit(1))
  const left = await daemon.stop()
  await server?.close(AbortSignal.timeout(1000))
  stopWatching()
  if (left > 0) log.error({ items: left }, 'stopped before everything was handed on')
  else log.info('stopped; everything was handed on')
  return left > 0 ? 1 : 0
}

async function reload(daemon: Daemon, load: () => LoadedConfig, log: Logger): Promise<void> {
  try {
    const config = load()
    warn(config, log)
    await daemon.reload(config)
    log.info('the new config is in force')
  } catch (error) {
    const problem =
      error instanceof ConfigError
        ? formatProblems(error.problems)
        : error instanceof Error
          ? error.message
          : String(error)
    log.error({ problem }, 'the new config cannot be used; the old one stays in force')
  }
}

function warn(config: LoadedConfig, log: Logger): void {
  for (const { file, line, column, path, message } of config.warnings) {
    log.warn({ at: line === 0 ? file : `${file}:${line}:${column}`, key: path }, message)
  }
}

function nextSignal(): Promise<string> {
  return new Promise((resolve) => {
    process.once('SIGTERM', resolve)
    process.once('SIGINT', resolve)
  })
}
