import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, expect, it } from 'vitest'
import { cleanUp, newDirectory, opened, textsOf } from './journal.fixture.ts'

afterEach(cleanUp)

const script = new URL('append.fixture.ts', import.meta.url).pathname

it('one journal per directory in a process, and its lock goes with it', async () => {
  const directory = newDirectory()
  const { journal } = await opened({ directory })
  await expect(opened({ directory })).rejects.toMatchObject({
    code: 'ELOCKED',
    message: `${directory} is in use by this process: give each its own directory`,
  })
  expect(readFileSync(join(directory, 'lock'), 'utf8')).toMatch(new RegExp(`^${process.pid} `))
  await journal.close()
  expect(existsSync(join(directory, 'lock'))).toBe(false)
  await opened({ directory })
})

it.each([
  ['of a process that has ended', '4194304 \n'],
  ['of an earlier process with our id', `${process.pid} another start\n`],
  ['of an earlier process with the id of another one', `${process.ppid} another start\n`],
  ['that is empty', ''],
])('takes over a lock %s', async (_, text) => {
  const directory = newDirectory()
  await (await opened({ directory })).journal.close()
  writeFileSync(join(directory, 'lock'), text)
  await opened({ directory })
})

it('names the process that has the directory; when that is killed, all that it acknowledged is there', async () => {
  const directory = newDirectory()
  for (let round = 0; round < 3; round++) {
    const child = spawn(process.execPath, [script, directory], { stdio: ['ignore', 'pipe', 'inherit'] })
    const exit = once(child, 'exit')
    const acknowledged = new Set<number>()
    for await (const line of createInterface(child.stdout)) {
      acknowledged.add(Number(line))
      if (acknowledged.size === 1 && round === 0)
        await expect(opened({ directory })).rejects.toThrow(`in use by the process with id ${child.pid}`)
      if (acknowledged.size === 150 + round * 50) child.kill('SIGKILL')
    }
    await exit
    const { journal } = await opened({ directory })
    const kept = new Map<number, number>()
    for (const text of await textsOf(journal)) {
      const [number, filling] = text.split(' ') as [string, string]
      expect(filling).toHaveLength(Number(number) % 3000)
      kept.set(Number(number), (kept.get(Number(number)) ?? 0) + 1)
    }
    for (const number of acknowledged) expect(kept.get(number)).toBeGreaterThan(0)
    await journal.close()
  }
})
