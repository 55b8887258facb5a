import { describe, expect, test } from 'vitest'
import { anyValue, type Plain } from '../../test/support/otlp.ts'
import { encode } from '../otlp/codec.ts'
import { FreeText } from './free_text.ts'

const free = new FreeText()

function asked(value: Plain): { mayBe: boolean; is: boolean } {
  const bytes = encode('AnyValue', anyValue(value)).take()
  // As it stands in a batch: something before it and something behind.
  const around = Buffer.concat([Buffer.from('a b c '.repeat(20)), bytes, Buffer.from(' "d e f'.repeat(20))])
  const [start, end] = [120, 120 + bytes.length]
  return { mayBe: free.mayStandIn(around, start, end), is: free.standsIn(around, start, end) }
}

const words = (count: number, length: number, blank = ' ') => Array(count).fill('x'.repeat(length)).join(blank)
const prose = 'The merger with Zebra closes on Friday, and nobody outside of the board may know of it before.'

const texts: readonly (readonly [what: string, value: Plain])[] = [
  ['80 characters with eight blanks', words(9, 8)],
  ['new lines', words(9, 8, '\n')],
  ['tabs and returns', words(5, 14, '\t\r\n')],
  ['no-break and ideographic spaces', `${words(5, 15, '\u00a0')}\u3000\u2003\u2009\u202f`],
  ['escaped new lines', words(9, 8, String.raw`\n`)],
  ['escapes in JSON in JSON', JSON.stringify(JSON.stringify({ text: words(9, 8, '\n') }))],
  ['unicode escapes', words(9, 8, String.raw`\u0020`)],
  ['a query', words(9, 8, '%20')],
  ['prose', prose],
  ['prose in JSON', JSON.stringify({ a: [1, { note: prose }] })],
  ['prose as a key in JSON', JSON.stringify({ [prose]: 1 })],
  ['prose in damaged JSON', JSON.stringify({ a: 1, note: prose }).slice(0, -2)],
  ['prose in what only begins as JSON', `[INFO] ${prose}`],
  ['prose in a Python object', `{'role': 'user', 'content': '${prose}'}`],
  ['prose in pieces', prose.split(/(?<= )/)],
  ['a list', ['a', prose]],
  ['a map', { a: { b: [prose] } }],
  ['a key of a map', { [prose]: 1 }],
  ['bytes', Buffer.from(prose)],
  ['Chinese', '合并将于星期五完成董事会以外的任何人在此之前都不得知道此事请不要向任何人透露这个消息谢谢你的配合与理解'],
  ['Thai', 'การควบรวมกิจการกับซีบราจะเสร็จสิ้นในวันศุกร์และไม่มีใครนอกคณะกรรมการที่จะรู้เรื่องนี้ก่อนหน้านั้น'],
]

const others: readonly (readonly [what: string, value: Plain])[] = [
  ['79 characters', words(9, 8).slice(1)],
  ['seven blanks', words(8, 12)],
  ['characters, not bytes', words(9, 4, ' ').replaceAll('x', 'é')],
  ['a long name', 'k'.repeat(5000)],
  ['ids', Array(50).fill('0af7651916cd43dd8448eb211c80319c')],
  [
    'spaced JSON of numbers',
    JSON.stringify(Object.fromEntries([...'abcdefghijkl'].map((key) => [key, 12345])), null, 4),
  ],
  ['JSON of labels', JSON.stringify(Array(40).fill({ kind: 'text', id: 'call_1' }), null, 2)],
  ['a list of labels', Array(100).fill('label')],
  ['a map of labels', Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`key${at}`, 'value']))],
  ['a URL', `https://example.com/${'path/'.repeat(40)}?q=1`],
  ['a number', 12],
  ['nothing', null],
  ['an empty list', []],
]

describe('free text', () => {
  test.each(texts)('%s', (_, value) => {
    expect(asked(value)).toEqual({ mayBe: true, is: true })
  })

  test.each(others)('not %s', (_, value) => {
    expect(asked(value).is).toBe(false)
  })
})
