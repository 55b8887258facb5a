/**
 * The manifests of deploy/kubernetes against a real API server, which checks them as a cluster would: schema, defaults,
 * admission. Needs kube-apiserver, etcd and kubectl, on the PATH or in the folder that KUBERNETES_BIN names.
 */
import { execFile, execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from '../support/ports.ts'
import { eventually, type Running, startProgram } from './processes.fixture.ts'

const manifests = fileURLToPath(new URL('../../deploy/kubernetes', import.meta.url))
const programs = Object.fromEntries(['kube-apiserver', 'etcd', 'kubectl'].map((name) => [name, find(name)]))
const missing = Object.keys(programs).filter((name) => programs[name] === undefined)
if (missing.length > 0)
  process.stderr.write(`SKIPPED: the manifests are not tried, there is no ${missing.join(', no ')}\n`)

describe.skipIf(missing.length > 0)('a Kubernetes API server', () => {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-kubernetes-'))
  let port: number
  let etcd: Running
  let server: Running

  beforeAll(async () => {
    port = await freePort()
    const [clients, peers] = [await freePort(), await freePort()].map((one) => `http://127.0.0.1:${one}`)
    etcd = startProgram(programs['etcd']!, [
      `--data-dir=${join(directory, 'etcd')}`,
      `--listen-client-urls=${clients}`,
      `--advertise-client-urls=${clients}`,
      `--listen-peer-urls=${peers}`,
      `--initial-advertise-peer-urls=${peers}`,
      `--initial-cluster=default=${peers}`,
    ])
    const key = join(directory, 'service_account.key')
    execFileSync('openssl', ['genrsa', '-out', key, '2048'], { stdio: 'ignore' })
    writeFileSync(join(directory, 'tokens.csv'), 'test-token,admin,1,system:masters\n')
    server = startProgram(programs['kube-apiserver']!, [
      `--etcd-servers=${clients}`,
      '--bind-address=127.0.0.1',
      '--advertise-address=127.0.0.1',
      `--secure-port=${port}`,
      `--cert-dir=${join(directory, 'certificates')}`,
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-key-file=${key}`,
      `--service-account-signing-key-file=${key}`,
      '--authorization-mode=RBAC',
      `--token-auth-file=${join(directory, 'tokens.csv')}`,
      '--service-cluster-ip-range=10.0.0.0/24',
      '--disable-admission-plugins=ServiceAccount',
      '--endpoint-reconciler-type=none',
    ])
    await eventually(() => kubectl('get', '--raw', '/readyz'), 90_000, 500)
  })

  afterAll(async () => {
    await server?.stop()
    await etcd?.stop()
    rmSync(directory, { recursive: true, force: true })
  })

  function kubectl(...args: string[]): Promise<{ stdout: string; stderr: string }> {
    const connection = [`--server=https://127.0.0.1:${port}`, '--insecure-skip-tls-verify', '--token=test-token']
    return promisify(execFile)(programs['kubectl']!, ['--kubeconfig=/dev/null', ...connection, ...args])
  }

  test('takes the manifests without a warning', async () => {
    const { stdout, stderr } = await kubectl('apply', '--validate=strict', '-k', manifests)
    expect(stderr).toBe('')
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => line.replace(/-[0-9a-z]{10} /, ' ')),
    ).toEqual([
      'namespace/sluice created',
      'serviceaccount/sluice created',
      'configmap/sluice created',
      'service/sluice created',
      'service/sluice-metrics created',
      'daemonset.apps/sluice created',
    ])
  })

  test('nothing changes when they are applied again', async () => {
    const { stdout } = await kubectl('apply', '--validate=strict', '-k', manifests)
    expect(stdout).not.toMatch(/created|configured/)
  })

  test('the restricted level allows the pods as soon as they ask for no host port', async () => {
    const { stdout } = await kubectl('get', 'daemonset', 'sluice', '-n', 'sluice', '-o', 'json')
    const { template } = (JSON.parse(stdout) as { spec: { template: { spec: PodSpec } } }).spec
    for (const { ports } of template.spec.containers) for (const port of ports) delete port.hostPort
    const level = { 'pod-security.kubernetes.io/enforce': 'restricted' }
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'strict', labels: level } }
    const metadata = { name: 'sluice', namespace: 'strict' }
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata, spec: template.spec }
    for (const [at, manifest] of [namespace, pod].entries()) {
      const path = join(directory, `${at}.json`)
      writeFileSync(path, JSON.stringify(manifest))
      expect((await kubectl('apply', '--validate=strict', '-f', path)).stderr).toBe('')
    }
  })
})

interface PodSpec {
  containers: { ports: { hostPort?: number }[] }[]
}

function find(name: string): string | undefined {
  const folders = [process.env['KUBERNETES_BIN'] ?? '', ...(process.env['PATH'] ?? '').split(':')]
  return folders
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find(existsSync)
}
