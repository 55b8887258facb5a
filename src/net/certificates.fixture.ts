import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Certificates for tests, made by openssl in a temporary directory. */
export interface Certificates {
  directory: string
  ca: string
  /** A second authority, which signed nobody. */
  otherCa: string
  server: { cert: string; key: string }
  client: { cert: string; key: string }
  /** Signed by the other authority. */
  stranger: { cert: string; key: string }
}

export const hasOpenssl: boolean = spawnSync('openssl', ['version']).status === 0
if (!hasOpenssl) process.stderr.write('SKIPPED: the TLS tests need openssl, which is not installed\n')

/** Makes the certificates for `127.0.0.1` and `localhost`, valid for a day. */
export function makeCertificates(): Certificates {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-tls-'))
  const path = (name: string) => join(directory, name)
  const openssl = (...words: string[]) => execFileSync('openssl', words, { stdio: 'pipe' })
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const authority = (name: string) => {
    const files = ['-keyout', path(`${name}.key`), '-out', path(`${name}.pem`)]
    openssl('req', '-x509', ...curve, ...files, '-days', '1', '-subj', `/CN=${name}`)
    return path(`${name}.pem`)
  }
  const leaf = (name: string, signer: string) => {
    writeFileSync(path('leaf.ext'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n')
    openssl('req', ...curve, '-keyout', path(`${name}.key`), '-out', path(`${name}.csr`), '-subj', `/CN=${name}`)
    const by = ['-CA', path(`${signer}.pem`), '-CAkey', path(`${signer}.key`), '-CAcreateserial']
    const files = ['-in', path(`${name}.csr`), '-out', path(`${name}.pem`), '-extfile', path('leaf.ext')]
    openssl('x509', '-req', ...files, ...by, '-days', '1')
    return { cert: path(`${name}.pem`), key: path(`${name}.key`) }
  }
  const ca = authority('ca')
  const otherCa = authority('other')
  return {
    directory,
    ca,
    otherCa,
    server: leaf('server', 'ca'),
    client: leaf('client', 'ca'),
    stranger: leaf('stranger', 'other'),
  }
}
