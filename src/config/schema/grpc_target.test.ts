import { expect, test } from 'vitest'
import { parseGrpcTarget } from './grpc_target.ts'

const host = { kind: 'host', host: 'tempo', port: 4317, isPlain: undefined, hasAddresses: true }

test.each([
  ['tempo:4317', host],
  ['http://tempo:4317', { ...host, isPlain: true }],
  ['https://tempo:4317/', { ...host, isPlain: false }],
  ['dns:///tempo:4317', host],
  ['dns:tempo:4317', host],
  ['dns:4317', { ...host, host: 'dns' }],
  ['passthrough:///tempo:4317', { ...host, hasAddresses: false }],
  ['passthrough:///[::1]:4317', { ...host, host: '::1', hasAddresses: false }],
  ['[fe80::1%eth0]:4317', { ...host, host: 'fe80::1%eth0' }],
  ['unix:///run/tempo.sock', { kind: 'unix', path: '/run/tempo.sock' }],
  ['unix:run/tempo.sock', { kind: 'unix', path: 'run/tempo.sock' }],
  ['unix-abstract:tempo', { kind: 'unix', path: '\0tempo' }],
  ['tempo', undefined],
  [':4317', undefined],
  ['tempo:0', undefined],
  ['unix:', undefined],
  ['dns:///http://tempo:4317', undefined],
  ['xds:///tempo:4317', undefined],
  ['http://tempo:4317/path', undefined],
  ['user@tempo:4317', undefined],
])('%s', (text, target) => expect(parseGrpcTarget(text)).toEqual(target))
