import { describe, expect, test } from 'vitest'
import { Output } from '../../otlp/output.ts'
import type { Detector } from './detector.ts'
import { detectors, selectDetectors } from './detectors.ts'
import { BudgetError, Findings, kindName } from './findings.ts'
import { redactedSize, redactInto } from './redact.fixture.ts'
import { scan } from './scan.ts'

const findings = new Findings()

/** The text with placeholders; also proves that the announced size is the written one. */
function redacted(text: string): string {
  const bytes = Buffer.from(text)
  scan(detectors, bytes, 0, bytes.length, findings)
  const output = new Output(1)
  redactInto(output, bytes, 0, bytes.length, findings)
  expect(output.end).toBe(redactedSize(0, bytes.length, findings))
  return output.bytes.toString('utf8', 0, output.end)
}

/** Joined here so that no scanner of repositories takes the examples for real keys. */
const key = (...parts: string[]) => parts.join('')
const random40 = 'k3JdP0qWz8Rb2Xy7Lm5Vn1Tc9Gh4Fs6DaQeUoIj'
const jwt = key(
  'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9',
  '.eyJzdWIiOiIxMjM0NTY3ODkwIn0',
  '.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U',
)

const found: [what: string, text: string, expected: string][] = [
  ['an address', 'mail foo.bar+x@sub.example.co.uk.', 'mail [EMAIL].'],
  ['two addresses', 'a@b.io,c@d.io', '[EMAIL],[EMAIL]'],
  ['an address after an escape', String.raw`{\"to\":\"x\"}\nfoo@bar.com\tb`, String.raw`{\"to\":\"x\"}\n[EMAIL]\tb`],
  ['an address after an escape of an escape', String.raw`a\\nfoo@bar.com\\"`, String.raw`a\\n[EMAIL]\\"`],
  [
    'an address in escaped angle brackets',
    String.raw`Foo \u003cfoo@bar.com\u003e`,
    String.raw`Foo \u003c[EMAIL]\u003e`,
  ],
  ['an escaped at sign', String.raw`foo\u0040bar.com and b\\u0040c.org`, '[EMAIL] and [EMAIL]'],
  ['an encoded at sign', '/u?mail=foo%40bar.com&x=1', '/u?mail=[EMAIL]&x=1'],
  ['an encoded neighbour', 'to%3Dfoo%40bar.com', 'to%3D[EMAIL]'],
  ['an encoded plus', 'foo%2Bx%40bar.com', '[EMAIL]'],
  ['an HTML entity', 'foo&#64;bar.com', '[EMAIL]'],
  ['a full-width at sign', 'foo＠bar.com', '[EMAIL]'],
  ['letters beyond ASCII', 'jörg@müller.de', '[EMAIL]'],
  ['escaped letters beyond ASCII', String.raw`j\u00f6rg@mueller.de`, '[EMAIL]'],
  ['an address in a sentence without spaces', '邮箱是foo@bar.com。', '邮箱是[EMAIL]。'],
  ['curly and straight quotes', "“foo@bar.com” 'a@b.org'", "“[EMAIL]” '[EMAIL]'"],
  ['a label that is no top level at the end', 'foo@bar.com.123', '[EMAIL].123'],

  ['a card', 'card 4111111111111111.', 'card [CREDIT_CARD].'],
  ['a card in groups', '4111 1111 1111 1111 4012-8888-8888-1881', '[CREDIT_CARD] [CREDIT_CARD]'],
  ['a card with its expiry', '4111 1111 1111 1111 12/27 123', '[CREDIT_CARD] 12/27 123'],
  ['an American Express card', '3782 822463 10005', '[CREDIT_CARD]'],
  ['a Diners card', '3056-930902-5904', '[CREDIT_CARD]'],
  ['no-break spaces', '4111\u00a01111\u00a01111\u00a01111', '[CREDIT_CARD]'],
  ['escaped no-break spaces', String.raw`4111\u00a01111\u00a01111\u00a01111`, '[CREDIT_CARD]'],
  ['a card after an escaped thin space', String.raw`nr\u20094111111111111111`, String.raw`nr\u2009[CREDIT_CARD]`],
  ['en dashes', '4111–1111–1111–1111', '[CREDIT_CARD]'],
  ['a card after an escape', String.raw`pay:\n4111111111111111\n`, String.raw`pay:\n[CREDIT_CARD]\n`],
  ['a card after a short number', '12 4111111111111111', '12 [CREDIT_CARD]'],

  ['a phone number', 'call +1 202-555-0147 now', 'call [PHONE] now'],
  ['a phone number in parentheses', 'at (202) 555-0143.', 'at [PHONE].'],
  ['a phone number with a trunk zero in parentheses', '+44 (0)20 7946 0958', '[PHONE]'],
  ['a phone number with an extension', '001-748-088-2851x818 fax', '[PHONE] fax'],
  ['national phone numbers', '089 72 63 41, 06-10446904, 02.27.96.63.08', '[PHONE], [PHONE], [PHONE]'],
  ['a named phone number', '{"phone":"2813882583"}', '{"phone":"[PHONE]"}'],
  ['a phone number in a URL', '?q=%2B1%20202-555-0147&n=1', '?q=[PHONE]&n=1'],
  ['a phone number with an escaped plus', String.raw`"\u002b12025550147"`, '"[PHONE]"'],
  ['a phone number as a URI', 'tel:+442079460958', 'tel:[PHONE]'],

  ['an IBAN', 'IBAN DE89 3704 0044 0532 0130 00.', 'IBAN [IBAN].'],
  ['an IBAN in one piece', 'to NL91ABNA0417164300,', 'to [IBAN],'],
  ['an IBAN in small letters', 'gb50mvfc38361978683032', '[IBAN]'],
  ['an IBAN with letters at the end', 'MT84 MALT 0110 0001 2345 MTLC AST0 01S', '[IBAN]'],
  ['an IBAN after an escape', String.raw`x\nDE89370400440532013000\n`, String.raw`x\n[IBAN]\n`],

  ['a social security number', 'it is 219-09-9999.', 'it is [SSN].'],
  ['a spaced social security number', '078 05 1123.', '[SSN].'],
  ['a named social security number', 'SSN: 219099999', 'SSN: [SSN]'],

  ['an IPv4 address behind a logger', 'python: 203.0.113.7 refused', 'python: [IP] refused'],
  ['an IPv4 address that a version is sent to', 'version 10.4.2.1 to 203.0.113.7', 'version 10.4.2.1 to [IP]'],
  ['an IPv4 address near a version', 'version 2 on 203.0.113.7', 'version 2 on [IP]'],
  [
    'an assignment in prose',
    'access token for production server: f4a9230a52db85107c71',
    'access token for production server: [API_KEY]',
  ],
  ['a password under a longer name', 'password_prod=hunter2hunter2 x', 'password_prod=[API_KEY] x'],
  ['an IPv4 address', 'from 203.0.113.7:443', 'from [IP]:443'],
  ['a network', '10.1.0.0/16', '[IP]/16'],
  ['a resolver', 'dns 8.8.8.8', 'dns [IP]'],
  ['an address in a URL', 'http://192.0.2.1/x?ip=192.0.2.2', 'http://[IP]/x?ip=[IP]'],
  ['an IPv6 address', '[2001:db8::1]:443 is up', '[[IP]]:443 is up'],
  ['a full IPv6 address', 'at 2001:0db8:85a3:0000:0000:8a2e:0370:7334.', 'at [IP].'],
  ['an IPv6 address with an IPv4 tail', '::ffff:192.0.2.1', '[IP]'],

  ['an address in base64', 'aXQgaXMgYW5uLmxlZUBleGFtcGxlLmNvbSwgb2s= x', '[EMAIL] x'],
  ['base64 behind a path', '/v1/aXQgaXMgYW5uLmxlZUBleGFtcGxlLmNvbSwgb2s', '/v1/[EMAIL]'],

  ['an OpenAI key', key('use sk-', 'proj-', random40), 'use [API_KEY]'],
  ['an old OpenAI key', key('sk-', random40, ', ok'), '[API_KEY], ok'],
  ['an Anthropic key', key('sk-ant-', 'api03-', random40, 'AA'), '[API_KEY]'],
  ['an AWS key', key('id AKIA', 'IOSFODNN7EXAMPLQ.'), 'id [API_KEY].'],
  [
    'a GitHub token after an escape',
    key(String.raw`\n`, 'ghp_', random40.slice(0, 36), String.raw`\n`),
    String.raw`\n[API_KEY]\n`,
  ],
  ['a GitLab token', key('glpat-', random40.slice(0, 20)), '[API_KEY]'],
  ['a Slack token', key('xoxb-', '123456789012-123456789012-', random40.slice(0, 24)), '[API_KEY]'],
  ['a Google key', key('AIza', random40.slice(0, 35)), '[API_KEY]'],
  ['a Stripe key', key('sk_live_', random40.slice(0, 24)), '[API_KEY]'],
  ['a Hugging Face token', key('hf_', random40.slice(0, 34)), '[API_KEY]'],
  ['an npm token', key('npm_', random40.slice(0, 36)), '[API_KEY]'],
  ['a SendGrid key', key('SG.', random40.slice(0, 22), '.', random40, 'abcd'), '[API_KEY]'],
  ['a Telegram bot token', key('12345678:', 'AA', random40.slice(0, 33)), '[API_KEY]'],
  [
    'a Slack webhook',
    key('https://hooks.slack.com/', 'services/T12345678/B12345678/', random40.slice(0, 24)),
    'https://hooks.slack.com/services/T12345678/B12345678/[API_KEY]',
  ],
  ['a bearer token', `Authorization: Bearer ${random40}`, 'Authorization: Bearer [API_KEY]'],
  ['basic authentication', 'Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZTE=', 'Authorization: Basic [API_KEY]'],
  ['an assignment', 'API_KEY="f4a9230a52db85107c71" # x', 'API_KEY="[API_KEY]" # x'],
  [
    'an assignment in JSON in JSON',
    String.raw`{\"client_secret\":\"f4a9230a52db85107c71\",\"n\":1}`,
    String.raw`{\"client_secret\":\"[API_KEY]\",\"n\":1}`,
  ],
  ['an assignment in a query', '?access_token=f4a9230a52db85107c71&n=1', '?access_token=[API_KEY]&n=1'],
  ['an encoded assignment', '?next=%3Ftoken%3Df4a9230a52db85107c71%26n', '?next=%3Ftoken%3D[API_KEY]%26n'],
  ['a password', 'password=hunter2hunter2 x', 'password=[API_KEY] x'],
  ['a quoted password', '{"db_password": "S3cr3t!pass", "a": 1}', '{"db_password": "[API_KEY]", "a": 1}'],
  ['a password in an escaped string', String.raw`{\"PWD\": \"S3cr3t!pass\"}`, String.raw`{\"PWD\": \"[API_KEY]\"}`],
  ['a told password', 'my password is Hunter2!x, ok?', 'my password is [API_KEY], ok?'],

  ['a JWT', `token ${jwt}.`, 'token [JWT].'],
  ['a JWT as a bearer token', `Authorization: Bearer ${jwt}`, 'Authorization: Bearer [JWT]'],
  ['a JWT that was cut off', jwt.slice(0, 60), '[JWT]'],
  [
    'a private key',
    key('-----BEGIN RSA ', 'PRIVATE KEY-----\nMIIabc\n-----END RSA ', 'PRIVATE KEY----- x'),
    '[PRIVATE_KEY] x',
  ],
  [
    'an escaped private key',
    key('"-----BEGIN ', String.raw`PRIVATE KEY-----\nMIIabc\n-----END `, String.raw`PRIVATE KEY-----\n"`),
    String.raw`"[PRIVATE_KEY]\n"`,
  ],
  [
    'a private key that was cut off',
    key('-----BEGIN ', `PRIVATE KEY-----\n${random40}\n${random40}\nMII`),
    '[PRIVATE_KEY]',
  ],

  [
    'credentials in a URL',
    'postgres://app:s3cr%40t@db.example.com:5432/x',
    'postgres://[URL_CREDENTIAL]@db.example.com:5432/x',
  ],
  ['a password with an at sign', 'see amqp://u:p@ss@host/', 'see amqp://[URL_CREDENTIAL]@host/'],
  ['a password with a slash', 'see amqp://u:pa/s?s@host/@x', 'see amqp://[URL_CREDENTIAL]@host/@x'],
  ['escaped slashes', String.raw`"redis:\/\/:s3cret@cache:6379"`, String.raw`"redis:\/\/[URL_CREDENTIAL]@cache:6379"`],
]

const clean: [what: string, text: string][] = [
  ['a mention', 'ask @alice or alice@ or @'],
  ['a package', 'npm i left-pad@1.3.0 @types/node@20.x'],
  ['an image', '/img/icon@2x.png'],
  ['a repository', 'git clone git@github.com:foo/bar.git'],
  ['a card with a wrong check digit', '4111111111111112 4012-8888-8888-1882'],
  ['digits inside of more digits', '941111111111111111119 41111111111111111234567'],
  ['a decimal', '0.4111111111111111 4111111111111111.5'],
  ['a card inside of an id', 'req_4111111111111111 a4111111111111111 4111111111111111b'],
  ['uneven groups', '41 111 111 1111 1111 11'],
  ['times', '1700000000000 1700000000000000 1700000000000000000 2024-11-21T12:00:00.000Z'],
  [
    'ids',
    '"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","id":"call_Yx81nWq3Kd02LmPb","uuid":"123e4567-e89b-12d3-a456-426614174000"',
  ],
  ['dates and times', '2024-11-21 14:56:41 +0100, 21.11.2024 15:00, 05/06/2024, 2024-11-21T12:00:00.000+01:00'],
  ['order numbers', 'order 20241121-5501, id 2813882583, "call_id":"2813882583", 1-2-3-4-5-6-7-8'],
  ['decimals', '3.14159265 -122.4194155 37.7749295 1,234,567.89 +35236450.6, 12 345 678'],
  ['book numbers', 'isbn 978-3-16-148410-0, 0-306-40615-2'],
  ['an IBAN with a wrong check digit', 'DE89 3704 0044 0532 0130 01 GB29NWBK60161331926810'],
  ['numbers that no one was given', '000-12-3456 666-12-3456 900-12-3456 123-00-4567 219-09-0000'],
  [
    'versions behind a name',
    'Azure.Core, Version=10.45.0.2, Culture=neutral; CUDA 12.2.140.1 driver 535.129.03.1; AssemblyVersion("10.4.2.1")',
  ],
  [
    'versions in JSON',
    String.raw`{"version": "10.4.2.1", "x": "{\"app.version\": \"24.11.2.1\"}"} upgraded to 24.11.3.1`,
  ],
  ['what is said of passwords', 'password_count: 1234567 password.expires_at=2026-01-31 "passwordPolicy": "strong-12"'],
  ['what is said of keys', '{"user_api_key_team_id":"f4a9230a52db85107c71","apiKeyAlias":"a4a9230a52db85107c72"}'],
  ['versions', 'v1.2.3.4 version 10.2.3.4 Chrome/120.0.0.0 lib-1.2.30.4.jar x==10.2.3.4 192.168.1.1.1 see 1.2.3.4'],
  ['addresses of nobody', 'localhost 127.0.0.1 0.0.0.0 255.255.255.0 ::1 ::'],
  ['colons', 'std::a1 aa:bb:cc:dd:ee:ff 12:34:56 a::b 1:2:3:4 arn:aws:iam::123456789012:role 256.1.1.1'],
  ['base64 of words', 'bm90aGluZyB0byBzZWUgaGVyZSAxMjM0NQ=='],
  ['token counts', '"total_tokens": 123456789012, "max_tokens":4096, token_type: bearer1234567'],
  ['code', 'const token = process.env.GITHUB_TOKEN_2; const password = getPassword(1); key = os.environ["API_KEY_1"]'],
  ['placeholders', 'api_key=your-api-key-12345 password=<password> password={DB_PASSWORD_1}'],
  ['prose', 'The password is required. A token is an authorization-like thing; keyboard: internationalization2.'],
  ['a public key', '-----BEGIN PUBLIC KEY-----\nMIIabc\n-----END PUBLIC KEY-----'],
  ['a URL with a port', 'http://localhost:8080/a@b and https://example.com/@user'],
]

describe('scan', () => {
  test.each(found)('finds %s', (_, text, expected) => expect(redacted(text)).toBe(expected))
  test.each(clean)('leaves %s', (_, text) => expect(redacted(text)).toBe(text))

  test.each(found)('finds %s in a long range', (_, text, expected) => {
    const around = ' The quick brown fox jumps over it. '.repeat(40)
    expect(redacted(around + text + around)).toBe(around + expected + around)
  })

  test.each(found)('finds %s wherever it stands, and looks at nothing beside its range', (_, text, expected) => {
    const size = Buffer.byteLength(text)
    for (let shift = 0; shift < 16; shift++) {
      const bytes = Buffer.from(`${'7'.repeat(shift)}${text}77abc@example.com`)
      scan(detectors, bytes, shift, shift + size, findings)
      const output = new Output()
      redactInto(output, bytes, shift, shift + size, findings)
      expect(output.bytes.toString('utf8', 0, output.end)).toBe(expected)
    }
  })

  test('hands detectors bytes that end where the range ends, so that native searches stop there', () => {
    const seen: number[] = []
    const probe: Detector = {
      kinds: [],
      needs: 0,
      find: (bytes, start, end) => void seen.push(bytes.length, start, end),
    }
    scan([probe], Buffer.from('a@b.io: c@d.io'), 2, 7, findings)
    expect(seen).toEqual([7, 2, 7])
  })

  test('finds only the kinds that are wanted', () => {
    const bytes = Buffer.from('a@b.io 4111111111111111')
    const some = selectDetectors((kind) => kind === 'CREDIT_CARD')
    expect(scan(some, bytes, 0, bytes.length, findings)).toBe(1)
    expect(kindName(findings.kind(0))).toBe('CREDIT_CARD')
  })

  test('writes what the caller replaces findings with', () => {
    const bytes = Buffer.from('to a@b.io!')
    scan(detectors, bytes, 0, bytes.length, findings)
    const output = new Output()
    redactInto(output, bytes, 0, bytes.length, findings, (source, start, end, kind) =>
      Buffer.from(`<${kindName(kind)}:${end - start}:${source[start]}>`),
    )
    expect(output.bytes.toString('utf8', 0, output.end)).toBe('to <EMAIL:6:97>!')
  })
})

describe('scan of anything', () => {
  const seed = Date.now() % 2147483648
  test(`holds its promises (seed ${seed})`, () => {
    const next = generator(seed)
    const pieces = [
      ...found.map(([, text]) => text),
      ...clean.map(([, text]) => text),
      '\\',
      '\\\\u',
      '%',
      '@',
      '://',
      '\u00e9',
      '邮',
      ' ',
    ]
    for (let round = 0; round < 3000; round++) {
      let text = ''
      for (let i = next(8); i >= 0; i--) {
        const piece = pieces[next(pieces.length)]!
        text += next(2) ? piece : piece.slice(next(piece.length), next(piece.length) + 1)
      }
      const bytes = Buffer.from(text)
      scan(detectors, bytes, 0, bytes.length, findings)
      let last = 0
      for (let i = 0; i < findings.count; i++) {
        expect(findings.start(i), text).toBeGreaterThanOrEqual(last)
        expect(findings.end(i), text).toBeGreaterThan(findings.start(i))
        last = findings.end(i)
        expect(isBoundary(bytes, findings.start(i)) && isBoundary(bytes, last), text).toBe(true)
      }
      expect(last, text).toBeLessThanOrEqual(bytes.length)
    }
  })

  test(`takes any bytes (seed ${seed})`, () => {
    const next = generator(seed)
    for (let round = 0; round < 300; round++) {
      const bytes = Buffer.from(Array.from({ length: next(3000) }, () => (next(3) ? next(256) : 0x2d + next(20))))
      expect(() => scan(detectors, bytes, 0, bytes.length, findings)).not.toThrow()
    }
  })
})

function isBoundary(bytes: Buffer, p: number): boolean {
  return p === bytes.length || (bytes[p]! & 0xc0) !== 0x80
}

function generator(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state * 1103515245 + 12345) % 2147483648
    return Math.floor((state / 2147483648) * below)
  }
}

const motifs = [
  'a@',
  '@',
  'a@a.',
  'a@b.co',
  'a@b.co:',
  '://a:b@',
  '//@',
  '1',
  '1.1.',
  '4111 ',
  '4111-1111 ',
  '4111111111111111 ',
  'eyJ.',
  'eyJhbGciOiJI.',
  'eyJhbGciOiJIUzI1NiIs.eyJ',
  'sk-',
  'sk-1A-ant-',
  'A1a/',
  'abcdef1234567/',
  'abcdefghijkl1=',
  'password=',
  'password: ',
  'token=abcdef123456 ',
  '-----BEGIN PRIVATE KEY-----',
  '-----BEGIN ',
  '-----BEGIN PRIVATE KEY-----\nabcdefghijklmnop',
  '\\',
  '\\u0040',
  '\\u00a0',
  '%40',
  '%',
  '/A1',
  'A1B2C3D4E5F6G7/',
  '~Q8Q~abcdefghijkl1',
  '+1 ',
  '+12025550147 ',
  '202-555-0147 ',
  'call 2025550147 ',
  '(20) ',
  'DE89 ',
  'DE89370400440532013000 ',
  '219-09-9999 ',
  '1.2.3.4 ',
  '10.2.3.4',
  '::',
  'fe80::1 ',
  'ab:',
  'aXQgaXMgYW5uLmxlZUBleGFtcGxlLmNvbSwgb2s/',
  'aXQgaXMg/',
  '\u00a0',
  '–',
  'é',
]

/** Steps that a scan of the text needs, by bisection over the budget. */
function stepsOf(text: string): number {
  const bytes = Buffer.from(text)
  let low = 0
  let high = 1 << 28
  while (high - low > Math.max(64, low / 50)) {
    const middle = Math.floor((low + high) / 2)
    const budget = new Findings()
    budget.reset(middle)
    try {
      for (const detector of detectors) detector.find(bytes, 0, bytes.length, budget)
      high = middle
    } catch (error) {
      expect(error).toBeInstanceOf(BudgetError)
      low = middle
    }
  }
  return high
}

describe('work', () => {
  test.each(motifs.map((motif) => [motif]))('grows no faster than the length for %j', (motif) => {
    const short = stepsOf(motif.repeat(Math.ceil(4_000 / motif.length)))
    const long = stepsOf(motif.repeat(Math.ceil(16_000 / motif.length)))
    expect(long / (short + 1000)).toBeLessThan(4.5)
    expect(long).toBeLessThan(16_000 * 50)
  })

  test('takes little time, too', () => {
    for (const motif of motifs) {
      const bytes = Buffer.from(motif.repeat(Math.ceil(200_000 / Buffer.byteLength(motif))))
      const before = process.cpuUsage()
      try {
        scan(detectors, bytes, 0, bytes.length, findings)
      } catch (error) {
        expect(error).toBeInstanceOf(BudgetError)
      }
      const { user } = process.cpuUsage(before)
      // 1 MB/s, far below what is measured, so that a busy machine does not fail the test.
      expect(user / 1000, motif).toBeLessThan(200)
    }
  })

  test('stops when the budget is used up', () => {
    const bytes = Buffer.from('a@b.co '.repeat(1000))
    const budget = new Findings()
    budget.reset(100)
    expect(() => detectors.map((detector) => detector.find(bytes, 0, bytes.length, budget))).toThrow(BudgetError)
  })
})
