/**
 * Node 24 frees short-lived Buffers by full garbage collections unless the young generation is kept small: taking in a
 * request costs ten times as much. The flag has to be set before anything is allocated, so this module is imported
 * first. V8 versions that do not know it print a line and go on, hence the test of the version.
 */
import { setFlagsFromString } from 'node:v8'

const major = Number(process.versions.node.split('.')[0])
if (major === 24 || major === 25) setFlagsFromString('--scavenger-max-new-space-capacity-mb=8')
