import type { Account } from './component.ts'

/** Stands in a context until the first edge of the pipeline opens the account: booking on it is a bug. */
export const notAccounted: Account = {
  name: 'none',
  signal: 'traces',
  deliver: refuse,
  drop: refuse,
  sampleOut: refuse,
  duplicate: refuse,
  hold: refuse,
  release: refuse,
}

function refuse(): never {
  throw new TypeError('booked outside of a pipeline')
}
