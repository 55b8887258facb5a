/**
 * `npm run bundle`: the daemon as a few files of plain JavaScript in `dist`, which is what the image runs. Types are gone,
 * and of the packages only what is used is left; what is loaded when it is needed stays a file of its own, and so do the
 * modules that the worker thread runs. Source maps lead back to the lines of the sources.
 */
import { readFileSync } from 'node:fs'
import { basename, dirname, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Plugin, rolldown } from 'rolldown'
import { noticesOf } from './notices.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const sources = `${root}src${sep}`
/** How `src` names files beside a module. What lies outside of `src` has its place beside `dist` as well. */
const FILE_BESIDE = /new URL\('(\.\.?\/[^']+)', import\.meta\.url\)/g

/** Writes the files, and `NOTICES.txt` with the licences of the packages that are in them. */
export async function bundle(directory: string): Promise<void> {
  const build = await rolldown({
    cwd: root,
    input: { main: 'src/bundled.ts' },
    platform: 'node',
    plugins: [filesBeside(), notices()],
    onLog(level, log, handle) {
      if (level === 'warn') throw new Error(`the bundler warns: ${log.message}`)
      handle(level, log)
    },
  })
  await build.write({
    dir: directory,
    cleanDir: true,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: '[name]-[hash].js',
    assetFileNames: '[name][extname]',
    sourcemap: true,
    sourcemapExcludeSources: true,
    // As seen from `dist`, wherever it is written: no path of this machine.
    sourcemapPathTransform: (source, map) => `../${relative(root, resolve(dirname(map), source)).replaceAll(sep, '/')}`,
    // V8 keeps the text of a file that is all ASCII in half the memory.
    charset: 'ascii',
    comments: false,
    minify: { compress: false, mangle: false, codegen: { removeWhitespace: true } },
  })
  await build.close()
}

/** Modules that are named by URL become files of their own, other files beside a module are copied. */
function filesBeside(): Plugin {
  return {
    name: 'files-beside',
    async transform(code, id) {
      if (!id.startsWith(sources)) return null
      const found = new Map<string, string>()
      for (const [whole, path] of code.matchAll(FILE_BESIDE)) {
        const file = fileURLToPath(new URL(path!, `file://${id}`))
        if (!file.startsWith(sources) || found.has(whole)) continue
        const reference = file.endsWith('.ts')
          ? this.emitFile({
              type: 'chunk',
              id: file,
              name: relative(sources, file).replace(/\.ts$/, '').replaceAll(sep, '_'),
            })
          : this.emitFile({ type: 'asset', name: basename(file), source: readFileSync(file) })
        found.set(whole, `new URL(import.meta.ROLLUP_FILE_URL_${reference})`)
      }
      if (found.size === 0) return null
      return { code: code.replace(FILE_BESIDE, (whole) => found.get(whole) ?? whole), map: null }
    },
  }
}

function notices(): Plugin {
  return {
    name: 'notices',
    generateBundle(_, files) {
      // The list of prices is made of a package.
      const data = `${root}node_modules/@pydantic/genai-prices/package.json`
      const modules = Object.values(files).flatMap((file) => (file.type === 'chunk' ? file.moduleIds : []))
      this.emitFile({ type: 'asset', fileName: 'NOTICES.txt', source: noticesOf([...modules, data]) })
    },
  }
}

if (process.argv[1] === import.meta.filename) await bundle(`${root}dist`)
