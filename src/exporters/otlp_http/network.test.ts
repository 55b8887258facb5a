import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import type { Server, ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { createServer as createTcpServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { hasOpenssl, makeCertificates } from '../../net/certificates.fixture.ts'
import { spans, until } from '../../sending/host.fixture.ts'
import { backend, closeAll, direct, listen, listener, type Request, setUp } from './backend.fixture.ts'

afterEach(closeAll)

describe('network', () => {
  it('nobody listens', async () => {
    const server = createTcpServer()
    const port = await listen(server)
    await new Promise((resolve) => server.close(resolve))
    const { pass } = await setUp({ endpoint: `http://127.0.0.1:${port}`, ...direct })
    await expect(pass(spans(1))).rejects.toMatchObject({ retryable: true, message: 'ECONNREFUSED' })
  })

  it('the name does not resolve: start is not held up', async () => {
    const { pass } = await setUp({ endpoint: 'http://does-not-exist.invalid:4318', ...direct })
    await expect(pass(spans(1))).rejects.toMatchObject({
      retryable: true,
      message: expect.stringMatching(/ENOTFOUND|EAI_AGAIN/),
    })
  })

  it('the backend never answers', async () => {
    const { endpoint, requests } = await backend(() => {})
    const { pass, test } = await setUp({ endpoint, ...direct })
    const refused = expect(pass(spans(1))).rejects.toMatchObject({
      retryable: true,
      message: 'no answer within 30000ms',
    })
    await until(() => requests.length === 1)
    await test.clock.advance(30_000)
    await refused
  })

  it.each([
    ['closes at once', (response: ServerResponse) => response.socket!.destroy()],
    ['resets', (response: ServerResponse) => response.socket!.resetAndDestroy()],
    [
      'half an answer',
      (response: ServerResponse) => {
        response.writeHead(200, { 'content-length': 100 })
        response.write('half', () => response.socket!.destroy())
      },
    ],
    ['speaks something else', (response: ServerResponse) => response.socket!.end('hello\r\n\r\n')],
  ])('the backend %s', async (_name, answer) => {
    const { endpoint } = await backend(answer)
    const { pass } = await setUp({ endpoint, ...direct })
    await expect(pass(spans(1))).rejects.toMatchObject({ retryable: true, reason: 'retries_exhausted' })
  })

  it('ends requests under way at the deadline of the shutdown', async () => {
    const { endpoint, requests } = await backend(() => {})
    const { pass, exporter, account } = await setUp({ endpoint })
    await pass(spans(3))
    await until(() => requests.length === 1)
    const deadline = new AbortController()
    const stopped = exporter.shutdown!(deadline.signal)
    deadline.abort()
    await stopped
    expect(account.dropped).toEqual({ shutdown: 3 })
  })
})

describe.skipIf(!hasOpenssl)('TLS', () => {
  it('checks the server, and shows its own certificate', async () => {
    const certificates = makeCertificates()
    const { cert, key } = certificates.server
    const requests: Request[] = []
    const options = {
      cert: readFileSync(cert),
      key: readFileSync(key),
      ca: readFileSync(certificates.ca),
      requestCert: true,
    }
    const server = createTlsServer(
      options,
      listener(requests, (response) => response.end()),
    )
    const endpoint = `https://127.0.0.1:${await listen(server as unknown as Server)}`
    const known = { ca_file: certificates.ca, cert_file: certificates.client.cert, key_file: certificates.client.key }
    await (await setUp({ endpoint, tls: known, ...direct })).pass(spans(1))
    const stranger = await setUp({ endpoint, ...direct })
    await expect(stranger.pass(spans(1))).rejects.toMatchObject({
      retryable: true,
      message: expect.stringMatching(/CERT|LEAF/),
    })
    expect(requests).toHaveLength(1)
  })

  it('takes new files without a restart, and keeps the old ones while the new are damaged', async () => {
    const certificates = makeCertificates()
    const { cert, key } = certificates.server
    const server = createTlsServer(
      { cert: readFileSync(cert), key: readFileSync(key) },
      listener([], (response) => response.end()),
    )
    const endpoint = `https://127.0.0.1:${await listen(server as unknown as Server)}`
    const ca_file = join(certificates.directory, 'current.pem')
    copyFileSync(certificates.otherCa, ca_file)
    const { pass, test, account } = await setUp({ endpoint, tls: { ca_file, reload_interval: '1m' }, ...direct })
    await expect(pass(spans(1))).rejects.toMatchObject({ retryable: true })
    copyFileSync(certificates.ca, ca_file)
    await test.clock.advance(60_000)
    await pass(spans(1))
    writeFileSync(ca_file, 'damaged')
    await test.clock.advance(60_000)
    await pass(spans(1))
    expect(account.delivered).toBe(2)
    expect(test.lines.at(-1)?.text).toContain('the old ones stay in force')
  })

  it('says at start which file cannot be read', async () => {
    const tls = { ca_file: '/does/not/exist.pem' }
    await expect(setUp({ endpoint: 'https://127.0.0.1:1', tls })).rejects.toThrow('/does/not/exist.pem')
  })
})
