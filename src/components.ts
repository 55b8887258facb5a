/** All that is built in, for who tells what there is; a daemon loads only what its config names. */
import { builtIn } from './built_in.ts'
import type { Factory } from './component.ts'

export const components: readonly Factory[] = await Promise.all(builtIn.map(({ load }) => load()))
