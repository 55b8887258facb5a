/**
 * Flags for a process whose garbage is mostly large, short-lived Buffers. They have to be set before anything is
 * allocated, so this module is imported first.
 *
 * Node 24 frees such Buffers by full collections unless the young generation is kept small, and a heap that is itself
 * small makes those collections come every few requests: together they cost more than all other work on a request.
 * Other versions of V8 do not have the fault, or do not know the flags. In a small container there is no room for so much
 * garbage.
 */
import { setFlagsFromString } from 'node:v8'

const major = Number(process.versions.node.split('.')[0])
if (major === 24) {
  setFlagsFromString('--scavenger-max-new-space-capacity-mb=8')
  // Else every 64 MiB of Buffers bring a full collection, however much is held: a third of the time under overload.
  if (!isBelow(512)) setFlagsFromString('--external-memory-accounted-in-global-limit')
  if (!isBelow(2048)) setFlagsFromString('--heap-growing-percent=400')
}

function isBelow(limit_mib: number): boolean {
  const limit_bytes = process.constrainedMemory()
  return limit_bytes > 0 && limit_bytes < limit_mib << 20
}
