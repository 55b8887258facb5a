/** What the image runs, as the Dockerfile says it: for tests and measurements where there are no containers. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export interface ImageCommand {
  /** Program and arguments, with the Node of this process; to be run in the project's folder. */
  readonly command: readonly string[]
  readonly variables: Readonly<Record<string, string>>
}

/** The entrypoint without the default arguments, and its environment. */
export function imageCommand(): ImageCommand {
  const text = readFileSync(fileURLToPath(new URL('../../Dockerfile', import.meta.url)), 'utf8')
  const entrypoint = /^ENTRYPOINT (\[.*\])$/m.exec(text)?.[1]
  if (entrypoint === undefined) throw new Error('the Dockerfile has no ENTRYPOINT in one line')
  const [program, ...args] = JSON.parse(entrypoint) as string[]
  if (program !== 'node') throw new Error(`the image runs ${program}, not node`)
  const variables = [...text.matchAll(/^ENV (.*)$/gm)].flatMap(([, line]) =>
    line!.split(' ').map((pair) => pair.split('=', 2) as [string, string]),
  )
  return { command: [process.execPath, ...args], variables: Object.fromEntries(variables) }
}
