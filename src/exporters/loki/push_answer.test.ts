import { describe, expect, it } from 'vitest'
import { judgePush, readRefusal } from './push_answer.ts'

const NOW_MS = 1_700_000_000_000
const ago = (count: number) =>
  `entry with timestamp 2026-11-21 12:34:09.3 +0000 UTC ignored, reason: 'entry too far behind, entry timestamp is: 2026-11-21T12:34:09Z, oldest acceptable timestamp is: 2026-11-21T13:34:09Z',\n`.repeat(
    count,
  )
const old = (stream: string) =>
  `entry for stream '${stream}' has timestamp too old: 2026-11-12T14:34:09Z, oldest acceptable timestamp is: 2026-11-14T14:34:09Z`
const long = `max entry size '262144' bytes exceeded for stream '{service_name="d"}' while adding an entry with length '300000' bytes`
const see = 'Please see `limits_config` or contact your Loki administrator to increase it'

describe('a 400', () => {
  it.each<[string, string, Record<string, number>]>([
    ['one too old', old('{service_name="b"}'), { too_old: 1 }],
    ['some too old', `3 errors like: ${old('{a="b"}')}; 1 errors like: ${old('{a="b"}')}`, { too_old: 4 }],
    ['some of both', `3 errors like: ${old('{a="b"}')}; 2 errors like: ${long}`, { too_old: 3, line_too_long: 2 }],
    ['too new', `entry for stream '{service_name="c"}' has timestamp too new: 2026-11-21T14:49:09Z`, { too_new: 1 }],
    [
      'large metadata',
      `stream '{service_name="e"}' has structured metadata too large: '70001' bytes, limit: '65536' bytes. ${see}`,
      { metadata_too_large: 1 },
    ],
    [
      'many entries',
      `stream '{service_name="f"}' has too many structured metadata labels: '130', limit: '128'. ${see}`,
      { metadata_too_many: 1 },
    ],
    ['many labels', `entry for stream '{a="v", service_name="x"}' has 20 label names; limit 15`, { labels: 5 }],
    [
      'labels and others',
      `2 errors like: ${old('{a="b"}')}; entry for stream '{a="v"}' has 20 label names; limit 15`,
      { labels: 5 },
    ],
    ['bad labels', `couldn't parse labels: 1:3: parse error: unexpected character inside braces: '.'`, { labels: 5 }],
    ['labels that talk', `2 errors like: ${old('{a="; 99 errors like: max entry size"}')}`, { too_old: 2 }],
    ['anything else', 'loghttp.PushRequest.Streams: readObjectStart', {}],
    ['nothing', '', {}],
  ])('with %s', (_, text, refused) => {
    const report = readRefusal(`${text}\n`, 5)
    expect([Object.fromEntries(report.refused), report.isExact]).toEqual([refused, !('labels' in refused)])
  })

  it.each<[string, string, number, Record<string, number>]>([
    ['all of its lines', '2 out of 3 for stream: {service_name="b"}', 3, { too_old: 2 }],
    ['some were lost before', '2 out of 3 for stream: {service_name="c"}', 7, { too_old: 2, other: 4 }],
    ['hostile labels', String.raw`1 out of 1 for stream: {service_name="q\"}\\\n\x01😀"}`, 1, { too_old: 1 }],
  ])('of an ingester is about one stream: %s', (_, end, lines, refused) => {
    const report = readRefusal(`${ago(2)}user 'fake', total ignored: ${end}\n`, lines)
    expect([Object.fromEntries(report.refused), report.isExact]).toEqual([refused, false])
  })

  it('takes no label for an ingester’s text', () => {
    const text = old(`{a="user 'x', total ignored: 9 out of 9 for stream: {}"}`)
    expect(Object.fromEntries(readRefusal(text, 1).refused)).toEqual({ too_old: 1 })
  })

  it('of millions of characters is read in time', () => {
    const text = '{"{\\"'.repeat(500_000)
    const start_ms = performance.now()
    readRefusal(text, 1)
    expect(performance.now() - start_ms).toBeLessThan(2000)
  })
})

describe('other answers', () => {
  const larger =
    'rpc error: code = ResourceExhausted desc = grpc: received message larger than max (6401604 vs. 4194304)'
  it.each<[number, string, string]>([
    [200, '', 'sent'],
    [204, '', 'sent'],
    [260, 'blocked', 'permanent'],
    [302, '', 'permanent'],
    [401, 'no org id', 'permanent'],
    [404, '', 'permanent'],
    [413, '', 'too_large'],
    [422, '', 'permanent'],
    [429, 'ingestion rate limit exceeded', 'retryable'],
    [500, 'empty ring', 'retryable'],
    [500, larger, 'too_large'],
    [502, '', 'retryable'],
    [503, '', 'retryable'],
    [504, '', 'retryable'],
  ])('%i %s: %s', (status, text, outcome) => {
    const result = judgePush({ status, text, retryAfter: '7' }, NOW_MS)
    expect(result.outcome).toBe(outcome)
    if (result.outcome === 'retryable') expect(result.retryAfter_ms).toBe(7000)
    if (text !== '') expect(JSON.stringify(result)).not.toContain(text)
  })
})
