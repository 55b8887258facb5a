/** A process's memory bounded as a container's is: by a cgroup of its own, version 1 or 2. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = '/sys/fs/cgroup'
const MIB = 1024 * 1024

/** The files of either version that are used here. */
const VERSIONS = [
  {
    folder: `${ROOT}/memory`,
    limit: 'memory.limit_in_bytes',
    peak: 'memory.max_usage_in_bytes',
    kills: 'memory.oom_control',
  },
  { folder: ROOT, limit: 'memory.max', peak: 'memory.peak', kills: 'memory.events' },
] as const

export interface Container {
  /** What stands before a command so that it runs inside. */
  readonly prefix: readonly string[]
  /** Its limit; 0: none, because no cgroup can be made here. */
  readonly limit_bytes: number
  /** The most memory in use so far, page cache included. */
  peak_bytes(): number
  /** How many of its processes the kernel killed for want of memory. */
  kills(): number
  /** To be called when nothing runs inside any more. */
  remove(): void
}

/** Says loudly, once, that it could not be done where cgroups are not writable; the process then has the machine's memory. */
export function containerOf(memory_mib: number | undefined): Container {
  if (memory_mib === undefined) return unbounded
  for (const version of VERSIONS) {
    removeLeft(version.folder)
    const folder = join(version.folder, `sluice-chaos-${process.pid}-${count++}`)
    if (made(folder, version.limit, memory_mib * MIB)) return container(folder, version, memory_mib * MIB)
  }
  if (!said)
    process.stderr.write('SKIPPED: no memory cgroup can be made here: the daemon runs WITHOUT a memory limit\n')
  said = true
  return unbounded
}

const unbounded: Container = { prefix: [], limit_bytes: 0, peak_bytes: () => 0, kills: () => 0, remove: () => {} }
let count = 0
let said = false

function made(folder: string, limit: string, bytes: number): boolean {
  try {
    // A folder under a root that is no cgroup would be an ordinary one.
    mkdirSync(folder)
    if (existsSync(join(folder, limit))) {
      writeFileSync(join(folder, limit), String(bytes))
      return true
    }
    remove(folder)
  } catch {
    if (existsSync(folder)) remove(folder)
  }
  return false
}

function container(folder: string, version: (typeof VERSIONS)[number], limit_bytes: number): Container {
  const text = (file: string) => (existsSync(join(folder, file)) ? readFileSync(join(folder, file), 'utf8') : '')
  return {
    prefix: ['sh', '-c', `echo $$ > ${folder}/cgroup.procs && exec "$@"`, 'sh'],
    limit_bytes,
    peak_bytes: () => Number(text(version.peak)),
    kills: () => Number(/^oom_kill (\d+)/m.exec(text(version.kills))?.[1] ?? 0),
    remove: () => remove(folder),
  }
}

/** Of runs that were killed. */
function removeLeft(parent: string): void {
  if (!existsSync(parent)) return
  for (const name of readdirSync(parent)) {
    const pid = /^sluice-chaos-(\d+)-/.exec(name)?.[1]
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) remove(join(parent, name))
  }
}

/** The kernel needs a moment after the last process has ended. */
function remove(folder: string): void {
  for (let i = 0; i < 50 && existsSync(folder); i++) {
    try {
      rmdirSync(folder)
    } catch {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)
    }
  }
}
