/**
 * Does an answer end in a loop, the same words again and again until it ends? Told by its last bytes: they stand again some
 * way before, and from there back everything equals what stands that far behind it. One that escapes from its loop, or counts
 * while it loops, is not found.
 */

/** As far apart as two rounds of a loop may begin, in bytes. */
const PERIOD_MAX = 400
/** As far back as rounds are counted. */
const WINDOW = 4096
/** Long rounds have to come so many times, and to fill so much: refrains and rhymes come less often. */
const ROUNDS_MIN = 8
const LOOP_MIN_BYTES = 160
/** Rules of characters and laughter are shorter than loops of so short rounds. */
const SHORT_PERIOD = 8
const SHORT_LOOP_MIN_BYTES = 240
/** Of texts in which the last bytes stand at very many places, the nearest ones are looked at. */
const CANDIDATES_MAX = 8
const PROBE = 8

/** Of the text at `start` to `end`, also while its JSON escapes stand. */
export function endsInLoop(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < LOOP_MIN_BYTES) return false
  const first = Math.max(start + PROBE, end - PERIOD_MAX)
  const last = bytes[end - 1]
  let candidates = 0
  for (let at = end - 1; at >= first; at--) {
    if (bytes[at - 1] !== last || !endsAlike(bytes, at, end)) continue
    if (isLoop(bytes, Math.max(start, end - WINDOW), end, end - at)) return true
    if (++candidates === CANDIDATES_MAX) return false
  }
  return false
}

function endsAlike(bytes: Uint8Array, at: number, end: number): boolean {
  for (let back = 2; back <= PROBE; back++) if (bytes[at - back] !== bytes[end - back]) return false
  return true
}

function isLoop(bytes: Uint8Array, floor: number, end: number, period: number): boolean {
  let at = end - 1
  while (at - period >= floor && bytes[at] === bytes[at - period]) at--
  const length = end - 1 - at + period
  if (length < (period < SHORT_PERIOD ? SHORT_LOOP_MIN_BYTES : Math.max(LOOP_MIN_BYTES, period * ROUNDS_MIN)))
    return false
  return !isNumbers(bytes, end - period, end)
}

/** Matrices and columns have many equal numbers in a row. */
function isNumbers(bytes: Uint8Array, start: number, end: number): boolean {
  let digits = 0
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!
    if (byte >= 128 || ((byte | 32) >= 97 && (byte | 32) <= 122)) return false
    if (byte >= 48 && byte <= 57) digits++
  }
  return digits > 0
}
