import { expect, test } from 'vitest'
import { isPrivateHost } from './private_host.ts'

test.each([
  ['localhost', true],
  ['LOCALHOST:8000', true],
  ['127.0.0.1', true],
  ['http://127.0.0.1:8000/v1', true],
  ['10.1.2.3:80', true],
  ['172.16.0.1', true],
  ['172.32.0.1', false],
  ['192.168.1.5', true],
  ['::1', true],
  ['[::1]:8000', true],
  ['fd00::1', true],
  ['2001:db8::1', false],
  ['vllm', true],
  ['http://vllm.models.svc:8000/v1', true],
  ['vllm.models.svc.cluster.local', true],
  ['gpu.corp.internal', true],
  ['api.openai.com', false],
  ['https://api.openai.com/v1/', false],
  ['8.8.8.8', false],
  ['', false],
  ['not a host', false],
])('%s: %s', (address, is) => {
  expect(isPrivateHost(address)).toBe(is)
})
