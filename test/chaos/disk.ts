/** A small file system of its own, which can be filled and made read-only. Needs root. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Disk {
  readonly directory: string
  fill(): void
  free(): void
  setReadOnly(on: boolean): void
  remove(): void
}

/** undefined, and a loud line, where nothing may be mounted. */
export function smallDisk(size_mib: number): Disk | undefined {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-disk-'))
  const filler = join(directory, 'filler')
  const run = (program: string, ...args: string[]) => execFileSync(program, args, { stdio: 'ignore' })
  try {
    run('mount', '-t', 'tmpfs', '-o', `size=${size_mib}m`, 'tmpfs', directory)
  } catch {
    rmdirSync(directory)
    process.stderr.write('SKIPPED: nothing can be mounted here: full and read-only disks are not tried\n')
    return undefined
  }
  return {
    directory,
    fill() {
      try {
        for (let i = 0; ; i++) writeFileSync(`${filler}${i}`, Buffer.alloc(64 * 1024))
      } catch {} // That is what it is for.
    },
    free: () => {
      for (let i = 0; i < size_mib * 16 + 1; i++) rmSync(`${filler}${i}`, { force: true })
    },
    setReadOnly: (on) => run('mount', '-o', `remount,${on ? 'ro' : 'rw'}`, directory),
    remove: () => {
      run('umount', '-l', directory)
      rmdirSync(directory)
    },
  }
}
