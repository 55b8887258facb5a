/** A daemon's life as a process: signals, its own metrics, the log. */
import { hostname } from 'node:os'
import type { Logger } from 'pino'
import type { LoadedConfig } from './config/load.ts'
import { ConfigError, formatProblems } from './config/problem.ts'
import { Daemon } from './daemon.ts'
import { type MetricsServer, serveMetrics } from './net/http/metrics_server.ts'
import { systemClock } from './self/clock.ts'
import { standardLines } from './self/lines.ts'
import { createLog, Throttle } from './self/log.ts'
import { watchProcess } from './self/metrics/process_metrics.ts'
import { SelfMetrics } from './self/metrics/registry.ts'

/**
 * Runs until SIGTERM or SIGINT. Resolves to the exit code: 0 after everything was handed on, 1 if something was left.
 * A second signal ends the process at once. SIGHUP reads the config again. Rejects if the daemon cannot be started.
 */
export function run(load: () => Promise<LoadedConfig>, version: string): Promise<number> {
  const { first, second } = signals()
  return Promise.race([live(load, version, first), second.then(() => 1)])
}

async function live(load: () => Promise<LoadedConfig>, version: string, stopSignal: Promise<string>): Promise<number> {
  const config = await load()
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
  const stopCountingBugs = catchBugs(log, meter)
  countLostLines(log, meter)
  const daemon = new Daemon(config, { log, clock: systemClock, meter, version })
  const onHangup = reloader(daemon, load, log)
  process.on('SIGHUP', onHangup)
  let server: MetricsServer | undefined
  try {
    server = reader && (await ownMetrics(reader, meter))
    await daemon.start()
    log.info({ version, node: process.versions.node }, 'ready')
    const signal = await stopSignal
    log.info({ signal }, 'stopping')
    const left = await daemon.stop()
    if (left > 0) log.error({ items: left }, 'stopped before everything was handed on')
    else log.info('stopped; everything was handed on')
    return left > 0 ? 1 : 0
  } finally {
    await server?.close(AbortSignal.timeout(1000))
    stopWatching()
    stopCountingBugs()
    process.off('SIGHUP', onHangup)
  }
}

async function ownMetrics({ host, port }: { host: string; port: number }, meter: SelfMetrics): Promise<MetricsServer> {
  try {
    return await serveMetrics({ host, port }, () => meter.text())
  } catch (error) {
    const advice = 'free the port, choose another in service.telemetry.metrics.readers, or set level: none'
    throw new Error(`the daemon's own metrics: ${(error as Error).message}; ${advice}`, { cause: error })
  }
}

/** Reads the config again and takes it. What comes while one reload is under way is one more reload after it. */
function reloader(daemon: Daemon, load: () => Promise<LoadedConfig>, log: Logger): () => void {
  let underWay = false
  let again = false
  const work = async (): Promise<void> => {
    underWay = true
    do {
      again = false
      await reload(daemon, load, log)
    } while (again)
    underWay = false
  }
  return () => {
    again = true
    if (!underWay) void work()
  }
}

async function reload(daemon: Daemon, load: () => Promise<LoadedConfig>, log: Logger): Promise<void> {
  try {
    const config = await load()
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

/** An exception that nobody caught costs what it was thrown in; the process lives, and whoever operates it is told. */
function catchBugs(log: Logger, meter: SelfMetrics): () => void {
  const bugs = meter.counter('sluice_bugs', 'Exceptions that nobody caught.')
  const throttle = new Throttle(systemClock)
  const tell = (error: unknown): void => {
    bugs.add(1)
    throttle.log('bug', (repeats) => log.error({ err: error, repeats }, 'a bug: an exception that nobody caught'))
  }
  process.on('uncaughtException', tell).on('unhandledRejection', tell)
  return () => void process.off('uncaughtException', tell).off('unhandledRejection', tell)
}

/** A log that nobody reads loses lines instead of holding up the daemon: they are counted, and said when it is read again. */
function countLostLines(log: Logger, meter: SelfMetrics): void {
  for (const [fd, stream] of [[1, 'stdout'] as const, [2, 'stderr'] as const]) {
    const lines = standardLines(fd)
    const help = 'Lines of the own log and of the debug exporter that were dropped because nobody read them.'
    meter.counterOf('sluice_log_lines_dropped', help, { stream }, () => lines.dropped)
    lines.onFlowing((dropped) => log.warn({ stream, lines: dropped }, 'nobody read the output: lines were dropped'))
  }
}

function warn(config: LoadedConfig, log: Logger): void {
  for (const { file, line, column, path, message } of config.warnings) {
    log.warn({ at: line === 0 ? file : `${file}:${line}:${column}`, key: path }, message)
  }
}

/** The first and the second SIGTERM or SIGINT from now on. */
function signals(): { first: Promise<string>; second: Promise<string> } {
  const [first, second] = [Promise.withResolvers<string>(), Promise.withResolvers<string>()]
  const waiting = [first, second]
  const take = (signal: string): void => waiting.shift()?.resolve(signal)
  process.on('SIGTERM', take).on('SIGINT', take)
  return { first: first.promise, second: second.promise }
}
