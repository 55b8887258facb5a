/** One process per directory: a file `lock` with the process id, and when that process started. */
import { readFile, unlink, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'

/** Directories that this process holds: its own id in a lock file may be that of a process before it. */
const held = new Set<string>()

/**
 * Takes the directory and resolves with a function that gives it back. Rejects with code ELOCKED, naming the process,
 * if it is taken. A lock that a killed process has left is taken over. Processes in containers that do not see each
 * other's ids are not told apart.
 */
export async function lockDirectory(directory: string): Promise<() => Promise<void>> {
  const key = resolve(directory)
  if (held.has(key)) throw locked(directory, process.pid)
  held.add(key)
  try {
    await take(directory)
  } catch (error) {
    held.delete(key)
    throw error
  }
  return async () => {
    if (!held.has(key)) return
    await unlink(lockPath(directory)).catch(() => undefined)
    held.delete(key)
  }
}

async function take(directory: string): Promise<void> {
  const path = lockPath(directory)
  const own = `${process.pid} ${(await startOf(process.pid)) ?? ''}\n`
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      await writeFile(path, own, { flag: 'wx', mode: 0o600 })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      const owner = await livingOwner(path)
      if (owner !== undefined) throw locked(directory, owner)
      await unlink(path).catch(() => undefined)
      continue
    }
    // Somebody else may have found the same old lock, and taken this one for it.
    if ((await readFile(path, 'utf8').catch(() => '')) === own) return
  }
  throw locked(directory, undefined)
}

/** The process that the lock names, if it still runs. */
async function livingOwner(path: string): Promise<number | undefined> {
  const [, pid, start] = /^(\d+) (.*)\n$/.exec(await readFile(path, 'utf8').catch(() => '')) ?? []
  const id = Number(pid)
  if (pid === undefined || id === process.pid || !isAlive(id)) return undefined
  const found = await startOf(id)
  return start === '' || found === undefined || found === start ? id : undefined
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** When a process started: ids are used again. `ended` for one that has, undefined where nothing tells (not on Linux). */
async function startOf(pid: number): Promise<string | undefined> {
  try {
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8')
    const text = await readFile(`/proc/${pid}/stat`, 'utf8')
    // Behind the command, which may hold anything: state is field 3, the start time field 22 (proc(5)).
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? 'ended' : `${boot.trim()} ${fields[19]}`
  } catch {
    return undefined
  }
}

function lockPath(directory: string): string {
  return join(directory, 'lock')
}

function locked(directory: string, pid: number | undefined): Error {
  const owner = pid === process.pid ? 'this process' : `the process with id ${pid ?? 'unknown'}`
  return Object.assign(new Error(`${directory} is in use by ${owner}: give each its own directory`), {
    code: 'ELOCKED',
  })
}
