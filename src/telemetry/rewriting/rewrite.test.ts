import { describe, expect, it } from 'vitest'
import { decode, encode, type Message } from '../../otlp/codec.ts'
import { oracleObject, oracleType } from '../../otlp/oracle.fixture.ts'
import { Random } from '../../otlp/random.fixture.ts'
import { fixed64, number, part, request } from '../../otlp/wire.fixture.ts'
import { receive } from '../receive.ts'
import { Rewrite } from './rewrite.ts'

/** A scope or resource group as its pieces, which a test changes beside the rewrite. */
interface Group {
  head: Buffer | undefined
  schema: string | undefined
  /** Unknown fields, in front and behind. */
  readonly unknown: readonly [Buffer, Buffer]
  readonly inner: (Buffer | undefined)[]
}

interface ResourceGroup extends Omit<Group, 'inner'> {
  readonly inner: Group[]
}

const unknowns = [Buffer.alloc(0), Buffer.alloc(0), number(99, 5), part(77, 'unknown'), fixed64(31, 7n)]
/** Lengths on both sides of where a length needs one byte more. */
const sizes = [0, 1, 100, 120, 125, 126, 127, 128, 130, 300, 16380, 16384]

function madeText(random: Random): Buffer {
  return part(5, Buffer.alloc(random.pick(sizes), 97 + random.below(26)))
}

function madeGroup<T>(random: Random, inner: T[]) {
  return {
    head: random.chance(70) ? part(1, Buffer.alloc(random.below(140), 65)) : undefined,
    schema: random.chance(50) ? 'u'.repeat(random.below(140)) : undefined,
    unknown: [random.pick(unknowns), random.pick(unknowns)] as const,
    inner,
  }
}

function madeRequest(random: Random): ResourceGroup[] {
  return Array.from({ length: random.below(4) }, () => {
    const scopes = Array.from({ length: random.below(4) }, () => {
      const items = Array.from({ length: random.below(5) }, () => madeText(random))
      return madeGroup<Buffer | undefined>(random, items)
    })
    return { ...madeGroup(random, scopes), head: random.chance(70) ? number(2, random.below(1000)) : undefined }
  })
}

function writeGroup(group: Omit<Group, 'inner'>, inner: Buffer[]): Buffer {
  const head = group.head === undefined ? [] : [part(1, group.head)]
  const schema = group.schema === undefined ? [] : [part(3, group.schema)]
  return Buffer.concat([group.unknown[0], ...head, ...inner, ...schema, group.unknown[1]])
}

/** The request; with `pruned`, without the groups that have lost all their items. */
function write(groups: readonly ResourceGroup[], pruned: boolean): Buffer {
  return Buffer.concat(
    groups.flatMap((group) => {
      const scopes = group.inner.flatMap((scope) => {
        const items = scope.inner.filter((item) => item !== undefined)
        if (pruned && scope.inner.length > 0 && items.length === 0) return []
        return [
          part(
            2,
            writeGroup(
              scope,
              items.map((item) => part(2, item)),
            ),
          ),
        ]
      })
      return pruned && group.inner.length > 0 && scopes.length === 0 ? [] : [part(1, writeGroup(group, scopes))]
    }),
  )
}

describe('Rewrite', () => {
  it('random edits give what writing the edited request anew gives', () => {
    const rewrite = new Rewrite<'traces'>()
    let changed = 0
    for (let seed = 1; seed <= 3000; seed++) {
      const random = new Random(seed)
      const groups = madeRequest(random)
      const { batch } = receive('traces', write(groups, false))
      rewrite.begin(batch)
      const edits = edit(rewrite, groups, random)
      for (const one of random.chance(30) ? edits.reverse() : edits) one()
      const result = rewrite.finish()
      if (edits.length === 0) {
        expect(result, `seed ${seed}`).toBe(batch)
        continue
      }
      changed++
      const expected = write(groups, true)
      expect(result.bytes.length, `seed ${seed}`).toBe(expected.length)
      expect(oracleObject('TracesRequest', result.bytes), `seed ${seed}`).toEqual(
        oracleObject('TracesRequest', expected),
      )
      expect(receive('traces', result.bytes).batch.layout, `seed ${seed}`).toEqual(result.layout)
      for (const unknown of unknowns)
        expect(countOf(result.bytes, unknown), `seed ${seed}`).toBe(countOf(expected, unknown))
    }
    expect(changed).toBeGreaterThan(1000)
  })

  it('changes nothing else: fields keep their order and their bytes', () => {
    const body = part(
      1,
      number(99, 1),
      part(3, 'r'),
      part(2, part(3, 's'), part(2, part(5, 'a')), number(98, 2), part(2, part(5, 'b')), part(1)),
      part(1),
    )
    const { batch } = receive('traces', body)
    const rewrite = new Rewrite<'traces'>()
    rewrite.begin(batch)
    rewrite.openItem(1)
    rewrite.out.copy(part(5, 'bigger'), 0, 8)
    rewrite.close()
    const expected = part(
      1,
      number(99, 1),
      part(3, 'r'),
      part(2, part(3, 's'), part(2, part(5, 'a')), number(98, 2), part(2, part(5, 'bigger')), part(1)),
      part(1),
    )
    expect(rewrite.finish().bytes.toString('hex')).toBe(expected.toString('hex'))
    expect(batch.bytes).toBe(body)
  })

  it('an edit that is taken back is none', () => {
    const { batch } = receive('traces', request(part(5, 'a'), part(5, 'b')))
    const rewrite = new Rewrite<'traces'>()
    rewrite.begin(batch)
    rewrite.openItem(0)
    rewrite.out.text('rubbish')
    rewrite.cancel()
    expect(rewrite.finish()).toBe(batch)
  })

  it('without items nothing is left', () => {
    const { batch } = receive('traces', Buffer.concat([request(part(5, 'a')), request(part(5, 'b'))]))
    const rewrite = new Rewrite<'traces'>()
    rewrite.begin(batch)
    for (const item of [0, 1]) rewrite.dropItem(item)
    const result = rewrite.finish()
    expect(result.bytes.length).toBe(0)
    expect(result.count).toBe(0)
  })

  it('agrees with protobufjs about real messages', () => {
    const type = oracleType('TracesRequest')
    const made: Message = {
      resourceSpans: [
        {
          resource: { attributes: [] },
          scopeSpans: [
            { spans: Array.from({ length: 20 }, (_, at) => ({ name: `span ${at}`, traceId: Buffer.alloc(16, at) })) },
          ],
        },
      ],
    }
    const { batch } = receive('traces', encode('TracesRequest', made).take())
    const rewrite = new Rewrite<'traces'>()
    rewrite.begin(batch)
    const expected = type.decode(batch.bytes) as unknown as {
      resourceSpans: { scopeSpans: { spans: { name: string }[] }[] }[]
    }
    const { spans } = expected.resourceSpans[0]!.scopeSpans[0]!
    for (const at of [3, 7, 19]) {
      const name = `renamed ${'x'.repeat(at * 10)}`
      rewrite.openItem(at)
      encode('Span', { traceId: Buffer.alloc(16, at), name }, rewrite.out)
      rewrite.close()
      spans[at]!.name = name
    }
    const bytes = rewrite.finish().bytes
    expect(bytes.equals(Buffer.from(type.encode(expected as never).finish()))).toBe(true)
    expect((decode('TracesRequest', bytes).resourceSpans as Message[]).length).toBe(1)
  })
})

/** Edits of a random part, each made in the rewrite and in the pieces when it is called. */
function edit(rewrite: Rewrite<'traces'>, groups: ResourceGroup[], random: Random): (() => void)[] {
  const edits: (() => void)[] = []
  const percent = random.pick([0, 10, 50, 90])
  let scope = 0
  let item = 0
  const put = (content: Buffer) => {
    rewrite.out.copy(content, 0, content.length)
    rewrite.close()
  }
  const editGroup = (group: Omit<Group, 'inner'>, level: 'resource' | 'scope', row: number, head: Buffer) => {
    if (random.chance(percent)) {
      edits.push(() => {
        rewrite.openHead(level, row)
        put((group.head = head))
      })
    }
    if (random.chance(percent)) {
      const schema = 's'.repeat(random.below(300))
      edits.push(() => {
        rewrite.openHead(level, row, 'schema')
        put(Buffer.from((group.schema = schema)))
      })
    }
  }
  for (const [row, group] of groups.entries()) {
    editGroup(group, 'resource', row, number(2, random.below(1e6)))
    for (const one of group.inner) {
      editGroup(one, 'scope', scope++, part(2, 'v'.repeat(random.below(300))))
      for (const at of one.inner.keys()) {
        const number_ = item++
        if (!random.chance(percent)) continue
        const content = random.chance(50) ? undefined : madeText(random)
        edits.push(() => {
          one.inner[at] = content
          if (content === undefined) return rewrite.dropItem(number_)
          rewrite.openItem(number_)
          put(content)
        })
      }
    }
  }
  return edits
}

function countOf(bytes: Buffer, piece: Buffer): number {
  if (piece.length === 0) return 0
  let count = 0
  for (let at = bytes.indexOf(piece); at >= 0; at = bytes.indexOf(piece, at + 1)) count++
  return count
}
