import { describe, expect, it, test } from 'vitest'
import { NoProxy } from './no_proxy.ts'
import { parseProxy, proxyFor } from './proxy.ts'

test.each([
  ['', 'example.com', 443, false],
  ['example.com', 'example.com', 443, true],
  ['example.com', 'EXAMPLE.com', 443, true],
  ['example.com', 'example.com.', 443, true],
  ['example.com', 'a.example.com', 443, true],
  ['example.com', 'badexample.com', 443, false],
  ['.example.com', 'example.com', 443, false],
  ['.example.com', 'a.b.example.com', 443, true],
  ['*.example.com', 'example.com', 443, false],
  ['*.example.com', 'a.example.com', 443, true],
  ['example.com:8080', 'example.com', 443, false],
  ['example.com:8080', 'a.example.com', 8080, true],
  [' other , example.com ,', 'example.com', 443, true],
  ['*', 'anything', 1, true],
  ['a,*', '192.0.2.1', 1, true],
  ['192.0.2.1', '192.0.2.1', 443, true],
  ['192.0.2.1', '192.0.2.11', 443, false],
  ['192.0.2.1:80', '192.0.2.1', 443, false],
  ['192.0.2.1:443', '192.0.2.1', 443, true],
  ['192.0.2.0/24', '192.0.2.77', 443, true],
  ['192.0.2.0/24', '192.0.3.1', 443, false],
  ['192.0.2.0/99', '192.0.2.1', 443, false],
  ['2001:db8::/32', '2001:db8::5', 443, true],
  ['2001:db8::5', '2001:0db8:0:0::5', 443, true],
  ['[2001:db8::5]:443', '2001:db8::5', 443, true],
  ['[2001:db8::5]:80', '2001:db8::5', 443, false],
  [':80', 'example.com', 80, false],
  ['', 'localhost', 4317, true],
  ['', '127.0.0.9', 4317, true],
  ['', '::1', 4317, true],
  ['', '::ffff:127.0.0.1', 4317, true],
  ['', 'localhost.example.com', 4317, false],
])('NO_PROXY=%j and %s:%i: %s', (text, host, port, isMatch) => {
  expect(new NoProxy(text).matches(host, port)).toBe(isMatch)
})

describe('proxyFor', () => {
  const of = (scheme: 'http' | 'https' | 'grpc', environment: Record<string, string>, url?: string, host = 'tempo') =>
    proxyFor({ scheme, host, port: 4317 }, url, environment)?.host

  it.each([
    ['https', { HTTPS_PROXY: 'http://a:1', HTTP_PROXY: 'http://b:1' }, undefined, 'a'],
    ['http', { HTTPS_PROXY: 'http://a:1', HTTP_PROXY: 'http://b:1' }, undefined, 'b'],
    ['grpc', { HTTPS_PROXY: 'http://a:1', HTTP_PROXY: 'http://b:1' }, undefined, 'a'],
    ['grpc', { http_proxy: 'http://b:1' }, undefined, 'b'],
    ['https', { HTTP_PROXY: 'http://b:1' }, undefined, undefined],
    ['http', { HTTPS_PROXY: 'http://a:1' }, undefined, undefined],
    ['https', { https_proxy: 'a:1' }, undefined, 'a'],
    ['https', { HTTPS_PROXY: '', https_proxy: 'http://a:1' }, undefined, 'a'],
    ['https', { HTTPS_PROXY: 'http://a:1', NO_PROXY: 'tempo' }, undefined, undefined],
    ['https', { HTTPS_PROXY: 'http://a:1', no_proxy: 'tempo:4317' }, undefined, undefined],
    ['https', { HTTPS_PROXY: 'http://a:1', NO_PROXY: '*' }, 'http://own:1', 'own'],
    ['http', {}, undefined, undefined],
  ] as const)('%s with %j and proxy_url %s: %s', (scheme, environment, url, host) => {
    expect(of(scheme, environment, url)).toBe(host)
  })

  it('loopback by none but proxy_url', () => {
    expect(of('https', { HTTPS_PROXY: 'http://a:1' }, undefined, '127.0.0.1')).toBeUndefined()
    expect(of('https', {}, 'http://own:1', '127.0.0.1')).toBe('own')
  })

  it('says which text is wrong, and not the text', () => {
    for (const text of ['socks5://user:hunter2@a:1', 'http://', 'http://user:hunter2@a:99999']) {
      let message = ''
      try {
        of('https', { HTTPS_PROXY: text })
      } catch (error) {
        message = (error as Error).message
      }
      expect(message).toMatch(/^HTTPS_PROXY: expected/)
      expect(message).not.toContain('hunter2')
    }
  })
})

test.each([
  ['http://proxy', { isTls: false, host: 'proxy', port: 80, authorization: undefined }],
  ['https://proxy', { isTls: true, host: 'proxy', port: 443, authorization: undefined }],
  ['proxy:3128', { isTls: false, host: 'proxy', port: 3128, authorization: undefined }],
  ['http://[::1]:3128', { isTls: false, host: '::1', port: 3128, authorization: undefined }],
  ['http://u:p%40ss@proxy:1', { isTls: false, host: 'proxy', port: 1, authorization: `Basic ${btoa('u:p@ss')}` }],
  ['http://u:100%@proxy:1', { isTls: false, host: 'proxy', port: 1, authorization: `Basic ${btoa('u:100%')}` }],
  ['http://u@proxy:1', { isTls: false, host: 'proxy', port: 1, authorization: `Basic ${btoa('u:')}` }],
])('proxy %s', (text, proxy) => expect(parseProxy(text)).toEqual(proxy))
