/** The raw block format of Snappy, written a piece at a time: the compressor takes 15 to 25 ms a MiB. */
import { setImmediate as turn } from 'node:timers/promises'
import { compress } from 'snappyjs'

/** So much is compressed before others get their turn. A multiple of the 64 KiB that the format compresses by themselves. */
export const PIECE_BYTES = 256 << 10

/** As `compress` of all bytes at once. `onPause` is called before each pause. For tests. */
export async function compressInPieces(bytes: Buffer, onPause: (piece: Buffer) => void = () => {}): Promise<Buffer> {
  const pieces = [lengthOf(bytes.length)]
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    const piece = bytes.subarray(at, at + PIECE_BYTES)
    // A copy: what the compressor gives hangs on a buffer for the worst case.
    pieces.push(Buffer.from(withoutLength(compress(piece))))
    if (at + PIECE_BYTES >= bytes.length) break
    onPause(piece)
    await turn()
  }
  return Buffer.concat(pieces)
}

/** The format begins with the length of what was compressed, as a varint. */
function lengthOf(length: number): Buffer {
  const bytes: number[] = []
  let rest = length
  for (; rest > 127; rest >>>= 7) bytes.push((rest & 127) | 128)
  bytes.push(rest)
  return Buffer.from(bytes)
}

function withoutLength(block: Buffer): Buffer {
  let at = 0
  while (block[at]! > 127) at++
  return block.subarray(at + 1)
}
