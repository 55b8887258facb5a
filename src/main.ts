#!/usr/bin/env node
/** Where the process begins: what has to be in place before the program is loaded, which takes some tenths of a second. */
import './self/v8_flags.ts'

// A reload that is asked for before there is a daemon: the config is about to be read anyway. Without it the process ends.
process.on('SIGHUP', () => {})

await import('./command_line.ts')
