/** The licences of packages whose code is part of a bundle: most of them ask to be handed on with it. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const IN_PACKAGE = /^(.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+)[\\/]/
const LICENCE_FILE = /^(licen[cs]e|copying|notice)(\.\w+)?$/i

interface Package {
  readonly name: string
  readonly version: string
  readonly license?: string
}

/** One text for all packages that the modules (paths of files) belong to. Throws if one has no licence. */
export function noticesOf(modules: readonly string[]): string {
  const folders = new Set(modules.map((path) => IN_PACKAGE.exec(path.replace(/^\0/, ''))?.[1]))
  const texts = [...folders].filter((folder) => folder !== undefined).map(noticeOf)
  return `What is in these files beside Sluice, and under which licences.\n\n${texts.sort().join('\n')}`
}

function noticeOf(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Package
  const files = readdirSync(folder).filter((file) => LICENCE_FILE.test(file))
  if (license === undefined && files.length === 0) throw new Error(`${name} ${version} names no licence`)
  const text = files.map((file) => readFileSync(join(folder, file), 'utf8').trim()).join('\n\n')
  return `${'='.repeat(80)}\n${name} ${version}: ${license ?? 'see below'}\n\n${text}\n`
}
