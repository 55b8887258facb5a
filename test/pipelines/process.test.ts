/** The daemon as a process: commands, exit codes, signals. */
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { anyBatch } from '../support/otlp.ts'
import { backend, configFile, runDaemon, scratch, sluice } from './process.fixture.ts'

const body = anyBatch('traces', 3).bytes

const config = (options: { sink?: number; receiver?: string; service?: string; exporter?: string; more?: string }) => `
receivers:
  otlp: { protocols: { http: { endpoint: "127.0.0.1:0" } }${options.receiver ?? ''} }
exporters:
  otlp_http: { endpoint: "http://127.0.0.1:${options.sink ?? 9}", headers: { authorization: hunter2 }${options.exporter ?? ''} }
  nop: {}
service:
  telemetry: { logs: { encoding: json }, metrics: { level: none } }
  ${options.service ?? ''}
  pipelines:
    traces: { receivers: [otlp], exporters: [otlp_http${options.more ?? ''}] }
`

async function send(http: number): Promise<number> {
  const headers = { 'content-type': 'application/x-protobuf' }
  const answer = await fetch(`http://127.0.0.1:${http}/v1/traces`, { method: 'POST', headers, body })
  return answer.status
}

test('commands that only tell', async () => {
  const path = configFile(config({}))
  const [components, schema, printed, version] = await Promise.all([
    sluice('components'),
    sluice('schema'),
    sluice('print-config', '--config', path, '--set', 'service.shards=2'),
    sluice('--version'),
  ])
  expect([components.code, schema.code, printed.code, version.code]).toEqual([0, 0, 0, 0])
  expect(parse(components.stdout)).toMatchObject({ buildinfo: { command: 'sluice' } })
  expect(JSON.parse(schema.stdout)).toMatchObject({ type: 'object' })
  expect(parse(printed.stdout)).toMatchObject({ service: { shards: 2 } })
  expect(printed.stdout).not.toContain('hunter2')
  expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
})

test('validate: 0 for a good config, 2 for a bad one, and nothing is started', async () => {
  const cases: [name: string, yaml: string, code: number, said: RegExp][] = [
    ['good', config({}), 0, /the config is good/],
    ['unknown key', config({ more: ', nopp' }), 2, /config\.yaml:\d+:\d+/],
    ['no YAML', 'receivers: [', 2, /problem/],
    [
      'missing file',
      config({ receiver: ', trust_sluice: false' }).replace(
        '"127.0.0.1:0"',
        '"127.0.0.1:0", tls: { cert_file: /no/cert, key_file: /no/key }',
      ),
      2,
      /receiver\/otlp: .*\/no\/cert/,
    ],
    [
      'a way around the redaction',
      `${config({ service: '' }).replace('exporters:\n', 'processors: { redaction: {} }\nexporters:\n')}    logs: { receivers: [otlp], processors: [redaction], exporters: [nop] }\n`,
      2,
      /without redaction.*pipeline traces → otlp_http/s,
    ],
  ]
  await Promise.all(
    cases.map(async ([name, yaml, code, said]) => {
      const ended = await sluice('validate', '--config', configFile(yaml))
      expect({ name, code: ended.code }, ended.stderr).toEqual({ name, code })
      expect(ended.stdout + ended.stderr).toMatch(said)
    }),
  )
})

test('cannot run: 2 without a config or with a bad one, 1 where something else is in the way', async () => {
  const taken = createServer()
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
  const { port } = taken.address() as { port: number }
  const busy = config({}).replace('127.0.0.1:0', `127.0.0.1:${port}`)
  const reader = `[{ pull: { exporter: { prometheus: { host: 127.0.0.1, port: ${port} } } } }]`
  const metrics = config({}).replace('metrics: { level: none }', `metrics: { readers: ${reader} }`)
  const [nothing, bad, address, own] = await Promise.all([
    sluice(),
    sluice('--config', configFile(config({ more: ', nopp' }))),
    sluice('--config', configFile(busy)),
    sluice('--config', configFile(metrics)),
  ])
  expect([nothing.code, bad.code, address.code, own.code]).toEqual([2, 2, 1, 1])
  expect(address.stderr).toMatch(/receiver\/otlp cannot start: .*EADDRINUSE/)
  expect(own.stderr).toMatch(/own metrics: .*EADDRINUSE/)
  taken.close()
})

test('SIGTERM: what was taken is handed on, exit code 0', async () => {
  let taken = 0
  const sink = await backend((bytes) => (taken += bytes.length > 0 ? 1 : 0))
  const daemon = await runDaemon(configFile(config({ sink })))
  for (let index = 0; index < 5; index++) expect(await send(daemon.http)).toBe(200)
  daemon.child.kill('SIGTERM')
  expect((await daemon.ended).code).toBe(0)
  expect(taken).toBe(5)
})

test('SIGINT with a backend that hangs: 1 after the deadline, and the log counts what was left', async () => {
  const sink = await backend(
    () => undefined,
    () => true,
  )
  const daemon = await runDaemon(configFile(config({ sink, service: 'shutdown_timeout: 300ms' })))
  expect(await send(daemon.http)).toBe(200)
  daemon.child.kill('SIGINT')
  const ended = await daemon.ended
  expect(ended.code).toBe(1)
  expect(ended.stderr).toMatch(/"items":3,.*stopped before everything was handed on/)
})

test('a second signal ends it at once', async () => {
  const sink = await backend(
    () => undefined,
    () => true,
  )
  const daemon = await runDaemon(configFile(config({ sink, service: 'shutdown_timeout: 60s' })))
  expect(await send(daemon.http)).toBe(200)
  daemon.child.kill('SIGTERM')
  await daemon.line('stopping')
  daemon.child.kill('SIGTERM')
  expect((await daemon.ended).code).toBe(1)
})

test.skipIf(process.platform !== 'linux')('SIGHUP while it is being loaded does not end it', async () => {
  let signals = 0
  const daemon = await runDaemon(configFile(config({})), (child) => {
    const timer = setInterval(() => {
      // As soon as the signal is caught at all: the first bit of the mask.
      const caught = /^SigCgt:\t([0-9a-f]+)$/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? '0'
      if ((BigInt(`0x${caught}`) & 1n) === 1n && child.kill('SIGHUP')) signals++
    }, 5)
    child.stderr!.once('data', () => clearInterval(timer))
    child.once('exit', () => clearInterval(timer))
  })
  expect(signals).toBeGreaterThan(0)
  expect(await send(daemon.http)).toBe(200)
})

test('SIGHUP: a new config is taken, a bad one is not; nothing is lost', async () => {
  const seen: string[] = []
  const sink = await backend((_bytes, url) => seen.push(url))
  const directory = scratch()
  const path = configFile(config({ sink }), directory)
  const daemon = await runDaemon(path)
  expect(await send(daemon.http)).toBe(200)
  writeFileSync(
    path,
    config({ sink }).replace('headers:', `traces_endpoint: "http://127.0.0.1:${sink}/other", headers:`),
  )
  daemon.child.kill('SIGHUP')
  await daemon.line('the new config is in force')
  expect(await send(daemon.http)).toBe(200)
  for (const bad of [
    'receivers: [',
    config({ sink, more: ', nopp' }),
    config({ sink }).replace('127.0.0.1:0', '192.0.2.1:4318'),
  ]) {
    writeFileSync(join(directory, 'config.yaml'), bad)
    daemon.child.kill('SIGHUP')
    const line = await daemon.line('the new config cannot be used; the old one stays in force')
    expect(line['problem']).toBeTruthy()
  }
  expect(await send(daemon.http)).toBe(200)
  daemon.child.kill('SIGTERM')
  expect((await daemon.ended).code).toBe(0)
  expect(seen).toEqual(['/v1/traces', '/other', '/other'])
})

test('it lives on when nobody reads what it writes', async () => {
  const sink = await backend(() => undefined)
  const daemon = await runDaemon(
    configFile(config({ sink, more: ', debug' }).replace('nop: {}', 'nop: {}\n  debug: { verbosity: detailed }')),
  )
  daemon.child.stdout!.destroy()
  for (let index = 0; index < 20; index++) expect(await send(daemon.http)).toBe(200)
  daemon.child.kill('SIGTERM')
  const ended = await daemon.ended
  expect(ended.code).toBe(0)
  expect(ended.stderr).not.toMatch('a bug')
})
