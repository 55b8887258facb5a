import { describe, expect, test } from 'vitest'
import { Cors } from './cors.ts'

describe('origins', () => {
  test.each([
    ['https://app.example.com', 'https://app.example.com', true],
    ['https://app.example.com', 'http://app.example.com', false],
    ['https://app.example.com', 'evil.https://app.example.com', false],
    ['https://*.example.com', 'https://a.example.com', true],
    ['https://*.example.com', 'https://a.b.example.com', true],
    ['https://*.example.com', 'https://x.example.com.evil.io', false],
    ['https://*.example.com', 'https://evil.io/.example.com', false],
    ['https://*.example.com', 'https://evil.io#.example.com', false],
    ['https://*.example.com', 'https://example.com', false],
    ['https://*.example.com', 'https://aXexample.com', false],
    ['http://localhost:*', 'http://localhost:3000', true],
    ['http://localhost:*', 'http://localhost.evil.io', false],
  ])('%s allows %s: %s', (allowed, origin, expected) => {
    const headers = new Cors({ allowed_origins: [allowed] }).headers(origin)
    expect(headers['access-control-allow-origin']).toBe(expected ? origin : undefined)
    expect(headers['access-control-allow-credentials']).toBe(expected ? 'true' : undefined)
  })

  test('the origin * goes without credentials', () => {
    const headers = new Cors({ allowed_origins: ['*'] }).headers('https://any.example')
    expect(headers).toEqual({ 'access-control-allow-origin': '*' })
  })
})

describe('preflight', () => {
  const cors = new Cors({ allowed_origins: ['https://a.example'], allowed_headers: ['X-Token'], max_age_s: 600 })
  const asked = {
    origin: 'https://a.example',
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'content-type, x-token,x-other',
  }

  test('names the methods, the allowed ones of the headers asked for, and the age', () => {
    expect(cors.preflight(asked, ['POST'])).toEqual({
      'access-control-allow-origin': 'https://a.example',
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': 'POST',
      'access-control-allow-headers': 'content-type, x-token',
      'access-control-max-age': '600',
      vary: 'Origin',
    })
  })

  test('an origin that is not allowed gets nothing', () => {
    expect(cors.preflight({ ...asked, origin: 'https://b.example' }, ['POST'])).toEqual({ vary: 'Origin' })
  })
})
