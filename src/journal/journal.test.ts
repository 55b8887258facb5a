import { mkdirSync, readFileSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { FakeClock } from '../self/clock.ts'
import { cleanUp, newDirectory, opened, segmentsIn, textsOf } from './journal.fixture.ts'
import { addressOf, segmentOf } from './segment.ts'
import type { Disk, DiskFile } from './segment_writer.ts'

afterEach(cleanUp)

const HEADER_BYTES = 24
const HOUR_MS = 3_600_000
const append = (journal: { append(kind: number, payload: Buffer): Promise<number> }, text: string) =>
  journal.append(1, Buffer.from(text))

describe('appending and reading', () => {
  it('gives back what was appended, by address and in order', async () => {
    const { journal, clock } = await opened({ directory: newDirectory() })
    const empty = await journal.append(7, Buffer.alloc(0))
    await clock.advance(5)
    const large = await journal.append(255, Buffer.alloc(3_000_000, 'y'))
    const small = await Promise.all(['a', 'b', 'c'].map((text) => append(journal, text)))
    expect(await journal.read(empty)).toMatchObject({ address: empty, kind: 7, time_ms: 1_700_000_000_000 })
    expect(await journal.read(large)).toMatchObject({ kind: 255, time_ms: 1_700_000_000_005 })
    expect((await journal.read(large))!.payload.equals(Buffer.alloc(3_000_000, 'y'))).toBe(true)
    expect((await journal.read(small[1]!))!.payload.toString()).toBe('b')
    const addresses: number[] = []
    for await (const { address } of journal.records()) addresses.push(address)
    expect(addresses).toEqual([empty, large, ...small])
    expect(addresses).toEqual(addresses.toSorted((a, b) => a - b))
  })

  it('reads a part', async () => {
    const { journal } = await opened({ directory: newDirectory(), segment_bytes_max: 60 })
    const addresses = []
    for (const text of ['a', 'b', 'c', 'd', 'e']) addresses.push(await append(journal, text))
    const texts = []
    for await (const { payload } of journal.records(addresses[1], addresses[4])) texts.push(payload.toString())
    expect(texts).toEqual(['b', 'c', 'd'])
    expect(await journal.read(addressOf(99, 0))).toBeUndefined()
  })

  it('goes on where it ended', async () => {
    const directory = newDirectory()
    for (const text of ['a', 'b', 'c']) {
      const { journal } = await opened({ directory })
      await append(journal, text)
      await journal.close()
    }
    const { journal, damages } = await opened({ directory })
    expect(await textsOf(journal)).toEqual(['a', 'b', 'c'])
    expect(journal.segments).toBe(1)
    expect(damages).toEqual([])
  })

  it('keeps its files from others', async () => {
    const directory = newDirectory()
    const { journal } = await opened({ directory })
    await append(journal, 'a')
    expect(statSync(directory).mode & 0o777).toBe(0o700)
    expect(statSync(segmentsIn(directory)[0]!).mode & 0o777).toBe(0o600)
  })

  it('commits what was appended before it is closed, and takes nothing after', async () => {
    const directory = newDirectory()
    const { journal } = await opened({ directory, commit_interval_ms: 1000 })
    const appends = Promise.all(['a', 'b'].map((text) => append(journal, text)))
    await journal.close()
    await appends
    await expect(append(journal, 'c')).rejects.toMatchObject({ code: 'EBADF' })
    await journal.close()
    expect(await textsOf((await opened({ directory })).journal)).toEqual(['a', 'b'])
  })

  it('syncs once for all that wait', async () => {
    const disk = new TestDisk()
    const { journal } = await opened({ directory: newDirectory(), disk })
    await Promise.all(Array.from({ length: 100 }, (_, at) => append(journal, `${at}`)))
    expect([disk.writes, disk.syncs]).toEqual([1, 1])
    const { journal: other } = await opened({ directory: newDirectory(), disk, sync: false })
    await append(other, 'a')
    expect([disk.writes, disk.syncs]).toEqual([2, 1])
  })
})

describe('segments', () => {
  it('rotates by size', async () => {
    const directory = newDirectory()
    const { journal } = await opened({ directory, segment_bytes_max: 3 * (HEADER_BYTES + 10) })
    for (let at = 0; at < 10; at++) await append(journal, `record ${at}.`.padEnd(10, ' '))
    expect(segmentsIn(directory).map((path) => statSync(path).size)).toEqual([102, 102, 102, 34])
    expect(await textsOf(journal)).toHaveLength(10)
    expect(journal.size_bytes).toBe(340)
  })

  it('deletes the oldest before there are more bytes than allowed', async () => {
    const directory = newDirectory()
    const { journal, deleted } = await opened({ directory, segment_bytes_max: 70, retention: { bytes_max: 200 } })
    const first = await append(journal, 'record 0. ')
    for (let at = 1; at < 20; at++) {
      await append(journal, `record ${at}.`.padEnd(10, ' '))
      expect(journal.size_bytes).toBeLessThanOrEqual(200)
    }
    expect((await textsOf(journal)).map((text) => text.trim())).toEqual([16, 17, 18, 19].map((at) => `record ${at}.`))
    expect(deleted).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    expect(await journal.read(first)).toBeUndefined()
    expect(segmentsIn(directory)).toHaveLength(2)
    await expect(journal.append(1, Buffer.alloc(200))).rejects.toMatchObject({ code: 'EFBIG' })
    expect(journal.damaged).toBe(0)
  })

  it('deletes by age, also when nothing more comes', async () => {
    const directory = newDirectory()
    const { journal, clock, deleted } = await opened({ directory, retention: { age_max_ms: 24 * HOUR_MS } })
    for (let at = 0; at < 6; at++) {
      await append(journal, `${at}`)
      await clock.advance(2 * HOUR_MS)
    }
    expect(journal.segments).toBe(6)
    await clock.advance(17 * HOUR_MS)
    await vi.waitFor(() => expect(deleted).toEqual([1, 2]))
    expect(await textsOf(journal)).toEqual(['2', '3', '4', '5'])
    await clock.advance(24 * HOUR_MS)
    await vi.waitFor(() => expect(journal.segments).toBe(0))
    await append(journal, 'new')
    expect(await textsOf(journal)).toEqual(['new'])
  })

  it('deletes what grew too old while it was closed', async () => {
    const directory = newDirectory()
    const { journal, clock } = await opened({ directory, retention: { age_max_ms: 2 * HOUR_MS } })
    await append(journal, 'a')
    await journal.close()
    await clock.advance(2 * HOUR_MS)
    const again = await opened({ directory, clock, retention: { age_max_ms: 2 * HOUR_MS } })
    await clock.advance(HOUR_MS / 2)
    expect(again.deleted).toEqual([])
    // Now the clock is believed, and so is the time for which it was closed.
    await clock.advance(HOUR_MS)
    await vi.waitFor(() => expect(again.deleted).toEqual([1]))
  })

  it('numbers on after everything was deleted, and takes a new retention', async () => {
    const { journal } = await opened({ directory: newDirectory(), segment_bytes_max: 30 })
    const addresses = []
    for (const text of ['a', 'b', 'c']) addresses.push(await append(journal, text))
    journal.retain({ bytes_max: 50 })
    await vi.waitFor(() => expect(journal.segments).toBe(2))
    expect(segmentOf(await append(journal, 'd'))).toBe(4)
  })
})

describe('after a crash', () => {
  const texts = ['first', 'second', 'the last record']

  async function written(): Promise<{ path: string; directory: string; bytes: Buffer }> {
    const directory = newDirectory()
    const { journal } = await opened({ directory })
    for (const text of texts) await append(journal, text)
    await journal.close()
    const path = segmentsIn(directory)[0]!
    return { path, directory, bytes: readFileSync(path) }
  }

  it('cuts a torn tail off, wherever it is torn, and appends behind it', async () => {
    const { path, directory, bytes } = await written()
    const last = bytes.length - HEADER_BYTES - texts[2]!.length
    for (let length = last + 1; length < bytes.length; length++) {
      writeFileSync(path, bytes)
      truncateSync(path, length)
      const { journal, damages } = await opened({ directory })
      expect(damages).toEqual([{ segment: 1, offset: last, size_bytes: length - last, torn: true }])
      await append(journal, 'new')
      expect(await textsOf(journal)).toEqual(['first', 'second', 'new'])
      await journal.close()
      const again = await opened({ directory })
      expect(await textsOf(again.journal)).toEqual(['first', 'second', 'new'])
      expect(again.damages).toEqual([])
      await again.journal.close()
    }
  })

  it('passes over a record of which any byte is wrong', async () => {
    const { path, directory, bytes } = await written()
    const start = HEADER_BYTES + 5
    const end = start + HEADER_BYTES + 6
    for (let at = start; at < end; at++) {
      for (const flip of [0x01, 0x80, 0xff]) {
        const damaged = Buffer.from(bytes)
        damaged[at] = damaged[at]! ^ flip
        writeFileSync(path, damaged)
        const { journal, damages } = await opened({ directory })
        expect(damages).toEqual([{ segment: 1, offset: start, size_bytes: end - start, torn: false }])
        expect(await textsOf(journal)).toEqual(['first', 'the last record'])
        expect(await journal.read(addressOf(1, start))).toBeUndefined()
        expect(journal.damaged).toBe(1)
        await journal.close()
      }
    }
  })

  it.each([
    ['garbage', Buffer.from('garbage'.repeat(50_000))],
    ['zeros', Buffer.alloc(5_000_000)],
    ['one byte', Buffer.from([1])],
    ['ones', Buffer.alloc(100, 255)],
  ])('cuts off %s behind the last record', async (_, garbage) => {
    const { path, directory, bytes } = await written()
    writeFileSync(path, Buffer.concat([bytes, garbage]))
    const { journal, damages } = await opened({ directory })
    expect(damages).toEqual([{ segment: 1, offset: bytes.length, size_bytes: garbage.length, torn: true }])
    expect(await textsOf(journal)).toEqual(texts)
    expect(statSync(path).size).toBe(bytes.length)
  })

  it('finds the records behind a long stretch of damage', async () => {
    const directory = newDirectory()
    const { journal } = await opened({ directory })
    await journal.append(1, Buffer.alloc(5_000_000, 'z'))
    for (let at = 0; at < 50; at++) await append(journal, `${at}`)
    await journal.close()
    const path = segmentsIn(directory)[0]!
    const bytes = readFileSync(path)
    bytes.fill(0, 4, 4_000_000)
    writeFileSync(path, bytes)
    const { journal: again, damages } = await opened({ directory })
    expect(await textsOf(again)).toEqual(Array.from({ length: 50 }, (_, at) => `${at}`))
    expect(damages).toEqual([{ segment: 1, offset: 0, size_bytes: 5_000_024, torn: false }])
  })

  it('does not take a payload that looks like a record for one', async () => {
    const { bytes: other } = await written()
    const directory = newDirectory()
    const { journal } = await opened({ directory })
    await journal.append(1, other)
    await append(journal, 'behind')
    await journal.close()
    const path = segmentsIn(directory)[0]!
    const bytes = readFileSync(path)
    bytes[0]! ^= 1
    writeFileSync(path, bytes)
    expect(await textsOf((await opened({ directory })).journal)).toEqual(['behind'])
  })

  it('reads on in the next segment when one is damaged, empty or gone', async () => {
    const directory = newDirectory()
    const { journal } = await opened({ directory, segment_bytes_max: 30 })
    for (const text of ['a', 'b', 'c', 'd']) await append(journal, text)
    await journal.close()
    const paths = segmentsIn(directory)
    writeFileSync(paths[0]!, 'nothing that was ever a journal, but long enough for one')
    writeFileSync(paths[1]!, '')
    writeFileSync(paths[3]!, '')
    writeFileSync(join(directory, 'other.txt'), 'not ours')
    const again = await opened({ directory, segment_bytes_max: 30 })
    await append(again.journal, 'e')
    expect(await textsOf(again.journal)).toEqual(['c', 'e'])
    expect(again.damages).toEqual([{ segment: 1, offset: 0, size_bytes: 56, torn: false }])
    expect(segmentsIn(directory)).toEqual(paths)
  })

  it('survives single flipped bytes and cuts anywhere', async () => {
    const { path, directory, bytes } = await written()
    for (let at = 0; at < bytes.length; at++) {
      const damaged = Buffer.from(bytes)
      damaged[at] = damaged[at]! ^ 0x55
      writeFileSync(path, at % 2 === 0 ? damaged : damaged.subarray(0, at))
      const { journal } = await opened({ directory })
      for (const text of await textsOf(journal)) expect(texts).toContain(text)
      await journal.close()
    }
  })
})

describe('a disk that fails', () => {
  it('rejects what found no room, and works when there is room again', async () => {
    const disk = new TestDisk()
    const directory = newDirectory()
    const { journal } = await opened({ directory, disk })
    await append(journal, 'a')
    disk.room_bytes = 40
    await expect(append(journal, 'b'.repeat(100))).rejects.toMatchObject({
      code: 'ENOSPC',
      message: 'cannot write to the journal: ENOSPC',
    })
    expect(await textsOf(journal)).toEqual(['a'])
    expect(statSync(segmentsIn(directory)[0]!).size).toBe(HEADER_BYTES + 1)
    disk.room_bytes = Number.POSITIVE_INFINITY
    await append(journal, 'c')
    expect(await textsOf(journal)).toEqual(['a', 'c'])
    await journal.close()
    const again = await opened({ directory })
    expect(await textsOf(again.journal)).toEqual(['a', 'c'])
    expect(again.damages).toEqual([])
  })

  it('goes on in a new segment when what it wrote cannot be taken back', async () => {
    const disk = new TestDisk()
    const directory = newDirectory()
    const { journal } = await opened({ directory, disk })
    await append(journal, 'a')
    disk.room_bytes = 40
    disk.truncates = false
    await expect(append(journal, 'b'.repeat(100))).rejects.toMatchObject({ code: 'ENOSPC' })
    disk.room_bytes = Number.POSITIVE_INFINITY
    await append(journal, 'c')
    expect(journal.segments).toBe(2)
    expect(await textsOf(journal)).toEqual(['a', 'c'])
    expect(journal.damaged).toBe(0)
  })

  it('trusts no segment that could not be synced', async () => {
    const disk = new TestDisk()
    const { journal } = await opened({ directory: newDirectory(), disk })
    await append(journal, 'a')
    disk.failSync = true
    await expect(append(journal, 'b')).rejects.toMatchObject({ code: 'EIO' })
    disk.failSync = false
    expect(segmentOf(await append(journal, 'c'))).toBe(2)
    expect(await textsOf(journal)).toEqual(['a', 'c'])
  })

  it('says when more waits than it can write', async () => {
    const { journal } = await opened({ directory: newDirectory() })
    const large = Buffer.alloc(50 << 20)
    const outcomes = await Promise.allSettled([large, large, large].map((payload) => journal.append(1, payload)))
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected'])
    expect(outcomes[2]).toMatchObject({ reason: { code: 'EBUSY' } })
  })

  it('says at open what is wrong with the directory', async () => {
    const directory = newDirectory()
    writeFileSync(join(dirname(directory), 'file'), '')
    await expect(opened({ directory: join(dirname(directory), 'file', 'journal') })).rejects.toThrow(
      /cannot use the directory .*file\/journal for a journal: ENOTDIR/,
    )
  })
})

/** The real file system, with faults on demand. */
class TestDisk implements Disk {
  writes = 0
  syncs = 0
  room_bytes = Number.POSITIVE_INFINITY
  truncates = true
  failSync = false

  async open(path: string, flags: string, mode?: number): Promise<DiskFile> {
    const file = await open(path, flags, mode)
    const fault = (code: string) => Object.assign(new Error(`${code}: a fault of the test`), { code })
    const write = async (bytes: Buffer, at: number, length: number, position: number) => {
      this.writes++
      const size = Math.min(length, this.room_bytes)
      this.room_bytes -= size
      if (size === 0) throw fault('ENOSPC')
      return file.write(bytes, at, size, position)
    }
    return {
      write: write as DiskFile['write'],
      datasync: async () => {
        if (this.failSync) throw fault('EIO')
        this.syncs++
        await file.datasync()
      },
      truncate: async (length) => {
        if (!this.truncates) throw fault('EIO')
        await file.truncate(length)
      },
      sync: () => file.sync(),
      close: () => file.close(),
    }
  }
}

describe("what has a segment's name and is none", () => {
  it.each<[string, (path: string) => void]>([
    ['a link to nowhere', (path) => symlinkSync('nowhere', path)],
    ['a link to itself', (path) => symlinkSync(path, path)],
    ['a directory', (path) => mkdirSync(path)],
  ])('%s: it opens, and keeps what it has', async (_, make) => {
    const directory = newDirectory()
    const first = await opened({ directory })
    await append(first.journal, 'a')
    await first.journal.close()
    make(join(directory, '00000099-1700000000000-0000abcd.journal'))
    const { journal } = await opened({ directory })
    await append(journal, 'b')
    expect(await textsOf(journal)).toEqual(['a', 'b'])
  })
})

describe('a wall clock', () => {
  const retention = { age_max_ms: HOUR_MS }

  it('that jumps ahead deletes nothing', async () => {
    const { journal, clock } = await opened({ directory: newDirectory(), retention })
    await append(journal, 'a')
    clock.jump(48 * HOUR_MS)
    await clock.advance(120_000)
    await append(journal, 'b')
    clock.jump(-48 * HOUR_MS)
    await clock.advance(120_000)
    expect(await textsOf(journal)).toEqual(['a', 'b'])
  })

  it('that is ahead at the start deletes nothing, and its ages do not stay', async () => {
    const directory = newDirectory()
    const first = await opened({ directory, retention })
    await append(first.journal, 'a')
    await first.clock.advance(HOUR_MS / 2)
    await append(first.journal, 'b')
    await first.journal.close()
    const ahead = new FakeClock(first.clock.now_ms() + 48 * HOUR_MS)
    const second = await opened({ directory, clock: ahead, retention })
    await ahead.advance(120_000)
    await append(second.journal, 'c')
    expect(await textsOf(second.journal)).toEqual(['a', 'b', 'c'])
    await second.journal.close()
    const third = await opened({ directory, clock: new FakeClock(first.clock.now_ms() + 180_000), retention })
    await third.clock.advance(HOUR_MS / 4)
    expect(await textsOf(third.journal)).toEqual(['a', 'b', 'c'])
    await third.clock.advance(HOUR_MS)
    await vi.waitFor(() => expect(third.journal.segments).toBe(0))
  })

  it('that was far behind when records were written keeps none for ever', async () => {
    const directory = newDirectory()
    const first = await opened({ directory, clock: new FakeClock(0), retention })
    await append(first.journal, 'a')
    await first.journal.close()
    const { journal, clock } = await opened({ directory, retention })
    expect(await textsOf(journal)).toEqual(['a'])
    await clock.advance(2 * HOUR_MS)
    await vi.waitFor(() => expect(journal.segments).toBe(0))
  })

  it('that was ahead when a segment was begun does not let it grow', async () => {
    const directory = newDirectory()
    const first = await opened({ directory, clock: new FakeClock(1_900_000_000_000), retention })
    await append(first.journal, 'a')
    await first.journal.close()
    const { journal } = await opened({ directory, retention })
    await append(journal, 'b')
    expect(journal.segments).toBe(2)
  })
})
