import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { Lines } from './lines.ts'

const LINE = `${'x'.repeat(1023)}\n`

/** Takes nothing until `read` is called, and then everything. */
function pipe() {
  const taken: string[] = []
  const waiting: (() => void)[] = []
  let isRead = false
  const stream = new Writable({
    highWaterMark: 16_384,
    decodeStrings: false,
    write(text: string, _encoding, done) {
      taken.push(text)
      if (isRead) done()
      else waiting.push(done)
    },
  })
  const read = () => {
    isRead = true
    for (const done of waiting.splice(0)) done()
  }
  return { stream, taken, read }
}

describe('a pipe that nobody reads', () => {
  test('holds a megabyte; lines beyond it are dropped and counted', () => {
    const { stream } = pipe()
    const lines = new Lines(2, stream)
    for (let line = 0; line < 5000; line++) lines.write(LINE)
    expect(stream.writableLength).toBe(1 << 20)
    expect(lines.dropped).toBe(5000 - 1024)
  })

  test('is told what it missed when it is read again', async () => {
    const { stream, taken, read } = pipe()
    const lines = new Lines(2, stream)
    lines.onFlowing((dropped) => lines.write(`${dropped} dropped\n`))
    for (let line = 0; line < 1030; line++) lines.write(LINE)
    read()
    await lines.flush()
    await lines.flush()
    expect(taken.filter((text) => text !== '')).toHaveLength(1024 + 1)
    expect(taken).toContain('6 dropped\n')
  })

  test('does not hold up the end for ever', async () => {
    const { stream } = pipe()
    const lines = new Lines(2, stream)
    lines.write(LINE)
    await lines.flush()
  })
})

test('a reader that has gone costs the lines, not the process', () => {
  const { stream } = pipe()
  const lines = new Lines(2, stream)
  stream.destroy(new Error('EPIPE'))
  lines.write(LINE)
  expect(lines.dropped).toBe(1)
})

test('a descriptor that cannot be written costs the lines, not the process', () => {
  const lines = new Lines(openSync('/dev/full', 'w'))
  lines.write(LINE)
  expect(lines.dropped).toBe(1)
})

test('to a file every line is written at once', () => {
  const directory = mkdtempSync(join(tmpdir(), 'lines-'))
  const file = join(directory, 'log')
  const lines = new Lines(openSync(file, 'w'))
  lines.write(LINE)
  expect(readFileSync(file, 'utf8')).toBe(LINE)
  rmSync(directory, { recursive: true })
})

test('a file whose disk was full says what it misses when there is room again', () => {
  const directory = mkdtempSync(join(tmpdir(), 'lines-'))
  const file = join(directory, 'log')
  const full = openSync('/dev/full', 'w')
  const lines = new Lines(full)
  lines.onFlowing((dropped) => lines.write(`${dropped} dropped\n`))
  lines.write(LINE)
  lines.write(LINE)
  // The next one opened gets the same number: the disk has room.
  closeSync(full)
  expect(openSync(file, 'w')).toBe(full)
  lines.write(LINE)
  lines.write(LINE)
  expect(readFileSync(file, 'utf8')).toBe(`${LINE}2 dropped\n${LINE}`)
  rmSync(directory, { recursive: true })
})
