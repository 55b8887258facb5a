/** What the image runs, as the Dockerfile says it: for tests and measurements where there are no containers. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export interface ImageCommand {
  /** Program and arguments, with the Node of this process; to be run in the project's folder. */
  readonly command: readonly string[]
  readonly variables: Readonly<Record<string, string>>
}

const text = readFileSync(fileURLToPath(new URL('../../Dockerfile', import.meta.url)), 'utf8')

/** The program and arguments that ask whether it is well, at another port. */
export function healthCommand(port: number): readonly string[] {
  const command = /^ {2}CMD (\[.*\])$/m.exec(text)?.[1]
  if (command === undefined) throw new Error('the Dockerfile has no HEALTHCHECK whose CMD is a line of its own')
  return JSON.parse(command.replace('13133', String(port))) as string[]
}

/** The entrypoint without the default arguments, and its environment. */
export function imageCommand(): ImageCommand {
  const entrypoint = /^ENTRYPOINT (\[.*\])$/m.exec(text)?.[1]
  if (entrypoint === undefined) throw new Error('the Dockerfile has no ENTRYPOINT in one line')
  const [program, ...args] = JSON.parse(entrypoint) as string[]
  if (program !== 'node') throw new Error(`the image runs ${program}, not node`)
  const variables = [...text.matchAll(/^ENV (.*)$/gm)].flatMap(([, line]) =>
    line!.split(' ').map((pair) => pair.split('=', 2) as [string, string]),
  )
  return { command: [process.execPath, ...args], variables: Object.fromEntries(variables) }
}
