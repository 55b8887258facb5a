#!/usr/bin/env node
/** Where the process begins in a bundle (`scripts/bundle.ts`). */
import './self/source_lines.ts'
import './main.ts'
