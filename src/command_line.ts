/** The command line: the only place that ends the process. */
import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { factoriesOf } from './built_in.ts'
import { checkConfig, type LoadedConfig, readConfig } from './config/load.ts'
import { ConfigError, formatProblems } from './config/problem.ts'
import { processEnvironment } from './config/text/source.ts'
import { Daemon } from './daemon.ts'
import { BuildError } from './pipeline/graph.ts'
import { RawPathError } from './pipeline/raw_paths.ts'
import { run } from './run.ts'
import { systemClock } from './self/clock.ts'
import { standardLines } from './self/lines.ts'
import { createLog } from './self/log.ts'
import { SelfMetrics } from './self/metrics/registry.ts'

const { version, description } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string
  description: string
}

interface Flags {
  config: string[]
  set: string[]
}

/** Exit code for a config that cannot be used. */
const BAD_CONFIG = 2

const program = new Command('sluice').description(description).version(version).enablePositionalOptions()
withConfig(program).action((flags: Flags) => act(() => run(() => load(flags), version)))
withConfig(program.command('run', { isDefault: false }).description('run the daemon (the default)')).action(
  (flags: Flags) => act(() => run(() => load(flags), version)),
)
withConfig(program.command('validate').description('check a config without starting anything')).action((flags: Flags) =>
  act(async () => {
    const config = await load(flags)
    standardLines(2).write(formatProblems(config.warnings, 'warning'))
    const options = { log: createLog(), clock: systemClock, meter: new SelfMetrics(), version }
    new Daemon(config, options).check()
    standardLines(1).write('the config is good\n')
    return 0
  }),
)
withConfig(program.command('print-config').description('print the config that results, secrets redacted'))
  .option('--mode <mode>', 'redacted or unredacted', 'redacted')
  .option('--format <format>', 'yaml or json', 'yaml')
  .action((flags: Flags & { mode: 'redacted' | 'unredacted'; format: 'yaml' | 'json' }) =>
    act(async () => {
      const { printConfig } = await import('./config/commands.ts')
      process.stdout.write(printConfig(await load(flags), flags))
      return 0
    }),
  )
program
  .command('components')
  .description('list what is built in')
  .action(async () => {
    const { listComponents } = await import('./config/commands.ts')
    process.stdout.write(listComponents(await allComponents(), { name: 'sluice', description, version }))
  })
program
  .command('schema')
  .description('print the JSON Schema of the config, for editors')
  .action(async () => {
    const { configSchema } = await import('./config/commands.ts')
    process.stdout.write(`${JSON.stringify(configSchema(await allComponents()), null, 2)}\n`)
  })
await program.parseAsync()

function withConfig(command: Command): Command {
  const collect = (value: string, all: string[]): string[] => [...all, value]
  return command
    .option(
      '--config <uri>',
      'a file, or file:PATH, env:NAME, yaml:key::path: value; several are merged in order',
      collect,
      [],
    )
    .option('--set <key=value>', 'set one key, for example processors.batch.timeout=2s', collect, [])
}

async function load(flags: Flags): Promise<LoadedConfig> {
  if (flags.config.length === 0) {
    process.stderr.write('no config: give one with --config FILE\n')
    process.exit(BAD_CONFIG)
  }
  const read = readConfig({ configs: flags.config, sets: flags.set }, processEnvironment(process.env))
  return checkConfig(read, await factoriesOf(read.types))
}

async function allComponents() {
  return (await import('./components.ts')).components
}

async function act(work: () => Promise<number>): Promise<void> {
  const code = await work().catch((error: unknown) => {
    const said = error instanceof Error ? error.message : String(error)
    const text = error instanceof ConfigError ? `${formatProblems(error.problems)}\n${said}\n` : `${said}\n`
    standardLines(2).write(text)
    return [ConfigError, RawPathError, BuildError].some((kind) => error instanceof kind) ? BAD_CONFIG : 1
  })
  await Promise.all([standardLines(1).flush(), standardLines(2).flush()])
  process.exit(code)
}
