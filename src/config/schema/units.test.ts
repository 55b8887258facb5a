import { expect, test } from 'vitest'
import { parseDuration, parseEndpoint, parseSize } from './units.ts'

test.each([
  ['200ms', 200],
  ['1h30m', 5_400_000],
  ['1.5s', 1500],
  ['1.1s', 1100],
  ['.5s', 500],
  ['0', 0],
  ['0s', 0],
  ['10us', 0.01],
  ['10µs', 0.01],
  ['500ns', 0.0005],
  ['1m0.5s', 60_500],
  ['5', undefined],
  ['', undefined],
  ['s', undefined],
  ['-5s', undefined],
  ['2 seconds', undefined],
  ['1d', undefined],
  ['5s ', undefined],
])('duration %j is %j ms', (text, duration_ms) => expect(parseDuration(text)).toBe(duration_ms))

test.each([
  ['1024', 1024],
  ['64MiB', 67_108_864],
  ['1.5 KiB', 1536],
  ['10kb', 10_000],
  ['2GB', 2e9],
  ['0', 0],
  ['-1', undefined],
  ['64 potatoes', undefined],
  ['', undefined],
  ['99999999TiB', undefined],
])('size %j is %j bytes', (text, size_bytes) => expect(parseSize(text)).toBe(size_bytes))

test.each([
  ['localhost:4317', { scheme: undefined, host: 'localhost', port: 4317 }],
  [':4317', { scheme: undefined, host: '', port: 4317 }],
  ['0.0.0.0:0', { scheme: undefined, host: '0.0.0.0', port: 0 }],
  ['[::1]:4317', { scheme: undefined, host: '::1', port: 4317 }],
  ['http://tempo:4317', { scheme: 'http', host: 'tempo', port: 4317 }],
  ['https://tempo:4317/', { scheme: 'https', host: 'tempo', port: 4317 }],
  ['dns:///tempo:4317', undefined],
  ['tempo', undefined],
  ['tempo:', undefined],
  ['tempo:65536', undefined],
  ['::1:4317', undefined],
  ['tempo:4317/path', undefined],
  ['user@tempo:4317', undefined],
])('endpoint %j', (text, parsed) => expect(parseEndpoint(text)).toEqual(parsed))
