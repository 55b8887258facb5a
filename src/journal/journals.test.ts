import { chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { keptLog } from '../../test/pipelines/parts.fixture.ts'
import { MemoryMeter } from '../../test/support/memory_meter.ts'
import type { StateJournal } from '../component.ts'
import { FakeClock } from '../self/clock.ts'
import { cleanUp, newDirectory, segmentsIn } from './journal.fixture.ts'
import { type JournalOwner, Journals } from './journals.ts'

const open_journals: StateJournal[] = []
afterEach(async () => {
  for (const journal of open_journals.splice(0)) await journal.close()
  await cleanUp()
})

const NOBODY = 65_534
const settings = { bytes_max: 1 << 20 }
let directory: string
let journal_directory: string
beforeEach(() => {
  directory = newDirectory()
  journal_directory = join(directory, 'journals', 'drift')
})

/** What one process has of it; another one on the same directory is a restart. */
function started() {
  const meter = new MemoryMeter()
  const { log, lines } = keptLog()
  const journals = new Journals(directory, { clock: new FakeClock(), meter })
  const drift = { key: 'connector/drift', log }
  const openAs = async (owner: JournalOwner, name = 'drift', bytes_max = settings.bytes_max) => {
    const journal = (await journals.open(name, { bytes_max }, owner))!
    open_journals.push(journal)
    return journal
  }
  return {
    meter,
    lines,
    open: (name?: string, bytes_max?: number) => openAs(drift, name, bytes_max),
    openAs: (key: string, name?: string) => openAs({ key, log }, name),
  }
}

async function kept(journal: StateJournal): Promise<string[]> {
  const texts: string[] = []
  for await (const record of journal.records()) texts.push(record.toString())
  return texts
}

const append = async (journal: StateJournal, ...texts: string[]) => {
  for (const text of texts) await journal.append(Buffer.from(text))
}
const replace = (journal: StateJournal, ...texts: string[]) => journal.replace(texts.map((text) => Buffer.from(text)))

/** What is on the disk after a restart. */
async function restarted(): Promise<string[]> {
  const journal = await started().open()
  const texts = await kept(journal)
  await journal.close()
  return texts
}

describe('what is kept', () => {
  it('nothing without a directory, which can be told', async () => {
    const journals = new Journals(undefined, { clock: new FakeClock(), meter: new MemoryMeter() })
    expect(await journals.open('drift', settings, { key: 'connector/drift', log: keptLog().log })).toBeUndefined()
  })

  it('is there after a restart, in order', async () => {
    const journal = await started().open()
    expect(await kept(journal)).toEqual([])
    await append(journal, 'a', '', 'c')
    expect(await kept(journal)).toEqual(['a', '', 'c'])
    await journal.close()
    const again = await started().open()
    await append(again, 'd')
    await again.close()
    expect(await restarted()).toEqual(['a', '', 'c', 'd'])
  })

  it('is replaced as a whole; what was appended before the call is in the old state, after it behind the new', async () => {
    const journal = await started().open()
    await append(journal, 'a', 'b')
    const [, , last] = await Promise.all([
      journal.append(Buffer.from('c')),
      replace(journal, 'ab', 'c'),
      journal.append(Buffer.from('d')),
    ])
    expect(last).toBeUndefined()
    expect(await kept(journal)).toEqual(['ab', 'c', 'd'])
    await Promise.all([replace(journal, 'x'), replace(journal, 'abcd')])
    await append(journal, 'e')
    await journal.close()
    expect(await restarted()).toEqual(['abcd', 'e'])
    const empty = await started().open()
    await replace(empty)
    await empty.close()
    expect(await restarted()).toEqual([])
  })

  it('is read by its owner only', async () => {
    await append(await started().open(), 'a')
    expect(statSync(directory).mode & 0o777).toBe(0o700)
    expect(statSync(journal_directory).mode & 0o777).toBe(0o700)
    expect(segmentsIn(journal_directory).map((path) => statSync(path).mode & 0o777)).toEqual([0o600])
  })
})

describe('the bound', () => {
  it('the oldest go, counted, also those of before the restart', async () => {
    const { open, meter } = started()
    const journal = await open('drift', 4000)
    for (let at = 0; at < 100; at++) {
      await append(journal, `${at}`.padEnd(76))
      expect(journal.size_bytes).toBeLessThanOrEqual(4000)
    }
    const texts = await kept(journal)
    const dropped = meter.value('sluice_journal_dropped_records', { journal: 'drift' })
    expect(texts.map(Number)).toEqual(Array.from({ length: 100 - dropped }, (_, at) => dropped + at))
    expect(texts.length).toBeGreaterThan(30)
    expect(meter.value('sluice_journal_bytes')).toBe(journal.size_bytes)
    await expect(journal.append(Buffer.alloc(5000))).rejects.toMatchObject({ code: 'EFBIG' })
    await journal.close()

    const smaller = started()
    const second = await smaller.open('drift', 1000)
    await append(second, 'new')
    expect(second.size_bytes).toBeLessThanOrEqual(1000)
    const left = await kept(second)
    expect(left.at(-1)).toBe('new')
    expect(smaller.meter.value('sluice_journal_dropped_records')).toBe(texts.length + 1 - left.length)
  })

  it('a state that replaces another costs nothing, though there is no room for both', async () => {
    const { open, meter } = started()
    const journal = await open('drift', 4000)
    const states = Array.from({ length: 20 }, (_, at) => `${at}`.padEnd(3000))
    for (const state of states) {
      await replace(journal, state)
      expect(await kept(journal)).toEqual([state])
    }
    await vi.waitFor(() => expect(journal.size_bytes).toBeLessThanOrEqual(4000))
    expect(meter.value('sluice_journal_dropped_records')).toBe(0)
    await expect(journal.replace([Buffer.alloc(4000)])).rejects.toMatchObject({ code: 'EFBIG' })
    expect(await kept(journal)).toEqual([states.at(-1)])
    await replace(journal, 'small')
    await vi.waitFor(() => expect(journal.size_bytes).toBeLessThan(100))
  })
})

describe('after a crash', () => {
  it('a torn end is cut off, counted and said once', async () => {
    const journal = await started().open()
    await append(journal, 'a', 'b', 'the last')
    await journal.close()
    const [path] = segmentsIn(journal_directory)
    writeFileSync(path!, readFileSync(path!).subarray(0, -3))
    const { open, meter, lines } = started()
    const again = await open()
    expect(await kept(again)).toEqual(['a', 'b'])
    expect(meter.value('sluice_journal_damaged_records', { journal: 'drift' })).toBe(1)
    expect(lines).toMatchObject([{ level: 'warn', directory: journal_directory, torn: true }])
    await append(again, 'c')
    await again.close()
    expect(await restarted()).toEqual(['a', 'b', 'c'])
  })

  it('damaged records are left out, counted and said once', async () => {
    const journal = await started().open('drift', 400)
    await append(journal, 'first', 'second', 'third', 'fourth', 'fifth')
    await journal.close()
    for (const path of segmentsIn(journal_directory).slice(1, 3)) {
      const bytes = readFileSync(path)
      bytes[24]! ^= 1
      writeFileSync(path, bytes)
    }
    const { open, meter, lines } = started()
    expect(await kept(await open('drift', 400))).toEqual(['first', 'fourth', 'fifth'])
    expect(meter.value('sluice_journal_damaged_records')).toBe(2)
    expect(lines).toHaveLength(1)
  })

  it.each([
    ['a small state, in the file of the old one', ['new'], 1],
    ['a large state, in a file of its own', ['new'.padEnd(300), 'state'], 2],
  ])('while %s is written or the old one deleted: there is all of one of them', async (_, state, files) => {
    const { open } = started()
    const journal = await open('drift', 2000)
    await replace(journal, 'old', 'state')
    await append(journal, 'more')
    await journal.close()
    const before = join(dirname(directory), 'before')
    copy(journal_directory, before)
    const second = await started().open('drift', 2000)
    await replace(second, ...state)
    await second.close()
    // The old files have not been deleted yet.
    for (const name of readdirSync(before))
      if (!readdirSync(journal_directory).includes(name))
        copyFileSync(join(before, name), join(journal_directory, name))
    const paths = segmentsIn(journal_directory)
    expect(paths).toHaveLength(files)
    const whole = readFileSync(paths.at(-1)!)
    expect(await restarted()).toEqual(state)
    expect(segmentsIn(journal_directory)).toHaveLength(1)
    const kept_bytes = files === 1 ? statSync(join(before, basename(paths[0]!))).size : 0
    for (let length = kept_bytes; length < whole.length; length += 7) {
      rmSync(journal_directory, { recursive: true })
      copy(before, journal_directory)
      writeFileSync(paths.at(-1)!, whole.subarray(0, length))
      expect(await restarted()).toEqual(['old', 'state', 'more'])
    }
  })
})

describe('names', () => {
  it('one that another component has is refused; it is free when that has closed', async () => {
    const { open, openAs } = started()
    const journal = await open()
    await expect(openAs('connector/other')).rejects.toMatchObject({
      code: 'EADDRINUSE',
      message: 'the journal `drift` is taken by connector/drift: each needs a name of its own',
    })
    expect(await open()).toBe(journal)
    await openAs('connector/other', 'drift/other')
    await journal.close()
    const second = await openAs('connector/other')
    await journal.close()
    await expect(open()).rejects.toThrow('is taken by connector/other')
    await second.close()
  })

  it.each(['..', '.', '../../x', '/etc/x', 'a/b', 'a\\b', 'A', 'a', '%41', 'a\0b', 'ä', ' ', 'x'.repeat(80)])(
    '%j leads nowhere else, and to no other',
    async (name) => {
      const { open } = started()
      for (const other of ['a-b', 'b']) await append(await open(other), other)
      await append(await open(name), name)
      expect(readdirSync(dirname(dirname(directory)))).toContain(basename(dirname(directory)))
      expect(readdirSync(dirname(directory))).toEqual(['journal'])
      expect(readdirSync(directory)).toEqual(['journals'])
      const folders = readdirSync(join(directory, 'journals'))
      expect(folders).toHaveLength(3)
      for (const folder of folders) expect(folder).toMatch(/^[a-z0-9_%-]+$/)
    },
  )

  it.each(['', 'x'.repeat(81), 'ä'.repeat(41)])('%j is refused', async (name) => {
    await expect(started().open(name)).rejects.toThrow('the name of a journal has 1 to 80 bytes')
  })
})

describe('a directory that cannot be used', () => {
  it('is in use by somebody else: says by whom', async () => {
    await started().open()
    await expect(started().open()).rejects.toMatchObject({
      code: 'ELOCKED',
      message: `service.data_directory: ${journal_directory} is in use by this process: give each its own directory`,
    })
  })

  it('is a file: says where, what and what to do, and can be asked for again', async () => {
    writeFileSync(directory, '')
    const { open } = started()
    const refused = `service.data_directory: cannot use the directory ${journal_directory} for a journal: ENOTDIR; make it writable for this user, or name another directory`
    await expect(open()).rejects.toThrow(refused)
    rmSync(directory)
    await open()
  })

  it.each([
    ['cannot be made', () => mkdirSync(directory)],
    ['cannot be written', () => mkdirSync(journal_directory, { recursive: true })],
  ])('%s: the same', async (_, make) => {
    make()
    chmodSync(dirname(directory), 0o755)
    for (const path of [
      directory,
      ...readdirSync(directory, { recursive: true, encoding: 'utf8' }).map((name) => join(directory, name)),
    ])
      chmodSync(path, 0o555)
    // Nothing is forbidden to root.
    const isRoot = process.geteuid?.() === 0
    if (isRoot) process.seteuid!(NOBODY)
    try {
      await expect(started().open()).rejects.toMatchObject({
        code: 'EACCES',
        message: expect.stringContaining(
          `cannot use the directory ${journal_directory} for a journal: EACCES; make it`,
        ),
      })
    } finally {
      if (isRoot) process.seteuid!(0)
    }
  })
})

function copy(from: string, to: string): void {
  mkdirSync(to, { recursive: true })
  for (const path of segmentsIn(from)) copyFileSync(path, join(to, basename(path)))
}
